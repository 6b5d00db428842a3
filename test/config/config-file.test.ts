// Configuration files of every kind are found and loaded; one that cannot be is refused with what is wrong in it.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { findConfig, isConfigFile, loadConfig } from '../../src/config/config-file.ts'
import { type SpecFlags, specsFrom, specsOfConfig } from '../../src/config/specs.ts'
import { defineConfig } from '../../src/index.ts'
import { temporaryFolder } from '../support/temporary.ts'

const nothing = { environment: {} }

/** A folder with a script, and with these files. */
function folderWith(t: TestContext, files: Record<string, string>): string {
  const folder = temporaryFolder(t)
  for (const [name, text] of Object.entries({ 'web.js': '', ...files }))
    writeFileSync(join(folder, name), text)
  return folder
}

async function portsIn(t: TestContext, name: string, text: string, envName?: string): Promise<unknown[]> {
  const folder = folderWith(t, { [name]: text })
  const specs = await loadConfig(join(folder, name), { environment: {}, envName })
  assert.deepEqual(
    specs.map(({ script, cwd }) => [script, cwd]),
    specs.map(() => [join(folder, 'web.js'), folder]),
  )
  return specs.map(({ port }) => port)
}

suite('a configuration file', () => {
  const app = "{ script: './web.js', port: 81 }"
  const kinds: [name: string, text: string][] = [
    ['brood.config.ts', `const port: number = 81\nexport default { apps: [{ script: './web.js', port }] }`],
    [
      'brood.config.mts',
      `import type { ConfigInput } from 'brood'\nexport default { apps: [${app}] } satisfies ConfigInput`,
    ],
    ['brood.config.js', `export default { apps: [${app}] }`],
    ['shop.config.js', `module.exports = { apps: [${app}] }`],
    [
      'brood.config.mjs',
      `import { defineConfig } from 'brood'\nexport default defineConfig({ apps: [${app}] })`,
    ],
    ['brood.config.cjs', `module.exports = { apps: [${app}] }`],
    ['with-brood.config.cjs', `module.exports = require('brood').defineConfig({ apps: [${app}] })`],
    ['brood.config.json', '{ "$schema": "./x.json", "apps": [{ "script": "./web.js", "port": 81 }] }'],
    ['of-windows.json', '\uFEFF{ "apps": [{ "script": "web.js", "port": 81 }] }'],
    ['apps.json', '{ "apps": [{ "script": "web.js", "port": 81 }] }'],
    ['a function.config.mjs', `export default () => ({ apps: [${app}] })`],
    ['an async function.config.mjs', `export default async () => ({ apps: [${app}] })`],
    ['a # and a %.config.mjs', `export default { apps: [${app}] }`],
  ]
  for (const [name, text] of kinds) {
    test(`may be ${name}`, async (t) => assert.deepEqual(await portsIn(t, name, text), [81]))
  }

  test('may be a function of the chosen layer', async (t) => {
    const text = `export default ({ envName }) => ({ apps: [{ script: 'web.js', port: envName === 'staging' ? 82 : 81 }] })`
    assert.deepEqual(await portsIn(t, 'brood.config.mjs', text, 'staging'), [82])
    assert.deepEqual(await portsIn(t, 'brood.config.mjs', text), [81])
  })

  for (const [name, of] of [
    ['brood.config.mjs', (port: number) => `export default { apps: [{ script: 'web.js', port: ${port} }] }`],
    [
      'brood.config.cjs',
      (port: number) => `module.exports = { apps: [{ script: 'web.js', port: ${port} }] }`,
    ],
  ] as const) {
    test(`that has changed is read anew: ${name}`, async (t) => {
      const path = join(folderWith(t, { [name]: of(81) }), name)
      const before = await loadConfig(path, nothing)
      writeFileSync(path, of(82))
      const after = await loadConfig(path, nothing)
      assert.deepEqual([before[0]?.port, after[0]?.port], [81, 82])
    })
  }

  const broken: [what: string, name: string, text: string, message: RegExp][] = [
    ['no JSON', 'brood.config.json', '{ "apps": [', /^brood\.config\.json cannot be loaded: .*JSON/],
    [
      'no JavaScript',
      'brood.config.mjs',
      'export default {',
      /^brood\.config\.mjs cannot be loaded: Unexpected/,
    ],
    [
      'a failure',
      'brood.config.mjs',
      "\nthrow new Error('no luck')",
      /^brood\.config\.mjs cannot be loaded: no luck \(line 2\)$/,
    ],
    [
      'a function that fails',
      'brood.config.mjs',
      "export default () => { throw new Error('no luck') }",
      /^brood\.config\.mjs cannot be loaded: no luck \(line 1\)$/,
    ],
    [
      'nothing',
      'brood.config.mjs',
      'export const apps = []',
      /^brood\.config\.mjs exports nothing by default: write export default/,
    ],
    [
      'an import that is not there',
      'brood.config.mjs',
      "import './gone.js'",
      /^brood\.config\.mjs cannot be loaded: Cannot find module/,
    ],
    [
      "PM2's keys",
      'ecosystem.config.js',
      "module.exports = { apps: [{ script: 'web.js', instances: 'max' }] }",
      /^ecosystem\.config\.js: apps\[0\]\.instances is a key of PM2: write 'workers'$/,
    ],
  ]
  for (const [what, name, text, message] of broken) {
    test(`with ${what} is refused`, async (t) => {
      const path = join(folderWith(t, { [name]: text }), name)
      await assert.rejects(loadConfig(path, nothing), { code: 'config_invalid', message })
    })
  }
})

suite('finding it', () => {
  test('takes the file that is named, else the first in the folder', (t) => {
    const folder = folderWith(t, { 'brood.config.json': '', 'brood.config.mjs': '', 'other.json': '' })
    assert.equal(findConfig(undefined, folder), join(folder, 'brood.config.mjs'))
    assert.equal(findConfig('other.json', folder), join(folder, 'other.json'))
    mkdirSync(join(folder, 'sub'))
    writeFileSync(join(folder, 'sub/brood.config.ts'), '')
    assert.equal(findConfig('sub', folder), join(folder, 'sub/brood.config.ts'))
  })

  test('says what to do where there is none', (t) => {
    const folder = folderWith(t, {})
    assert.throws(() => findConfig(undefined, folder), {
      code: 'config_not_found',
      message: `there is no brood.config.ts (or .js, .json) in ${folder}: 'brood init' writes one, or name the file`,
    })
    assert.throws(() => findConfig('gone.json', folder), {
      code: 'config_not_found',
      message: `there is no file ${join(folder, 'gone.json')}: check the path`,
    })
  })

  test('tells it from a script by its name', () => {
    const names = [
      'brood.config.ts',
      'x/brood.config.cjs',
      'shop.config.js',
      'apps.json',
      'server.js',
      'config.ts',
      'config.service.ts',
      'a.config.py',
    ]
    assert.deepEqual(names.filter(isConfigFile), [
      'brood.config.ts',
      'x/brood.config.cjs',
      'shop.config.js',
      'apps.json',
      'config.ts',
    ])
  })
})

suite('what start and run are given', () => {
  const two = JSON.stringify({
    apps: [
      { name: 'a', script: 'web.js', logs: { format: 'json' } },
      { name: 'b', script: 'web.js', envs: { staging: { LAYER: 'staging' } } },
    ],
  })

  test('is all apps of a file, or some', async (t) => {
    const path = join(folderWith(t, { 'brood.config.json': two }), 'brood.config.json')
    const names = async (flags: SpecFlags) => (await specsFrom(path, [], flags)).map(({ name }) => name)
    assert.deepEqual(await names({}), ['a', 'b'])
    assert.deepEqual(await names({ only: ['b'] }), ['b'])
    await assert.rejects(specsOfConfig(path, { only: ['c'] }), {
      code: 'usage',
      message: `--only c: ${path} has no such app, but a, b`,
    })
  })

  test('gets the layer and the variables of the command line, and the output it is told', async (t) => {
    const path = join(folderWith(t, { 'brood.config.json': two }), 'brood.config.json')
    const specs = await specsFrom(path, [], { envName: 'staging', env: ['FLAG=1'] }, 'inherit')
    assert.deepEqual(
      specs.map(({ env, logs }) => [env.LAYER, env.FLAG, logs.to, logs.format]),
      [
        [undefined, '1', 'inherit', 'json'],
        ['staging', '1', 'inherit', 'raw'],
      ],
    )
  })

  test('is a script with its flags', async (t) => {
    const script = join(folderWith(t, {}), 'web.js')
    const [spec] = await specsFrom(script, ['x'], { workers: '2' })
    assert.deepEqual([spec?.name, spec?.args, spec?.workers, spec?.logs.to], ['web', ['x'], 2, 'files'])
  })

  test('is refused where it does not go together', async (t) => {
    const folder = folderWith(t, { 'brood.config.json': two })
    const [config, script] = [join(folder, 'brood.config.json'), join(folder, 'web.js')]
    const cases: [string, string[], SpecFlags, string][] = [
      [config, [], { workers: '4' }, `-w goes with a script: write workers into ${config}`],
      [
        config,
        [],
        { stopSignal: 'INT' },
        `--stop-signal goes with a script: write stop.signal into ${config}`,
      ],
      [config, ['x'], {}, `arguments after -- go with a script: write args into ${config}`],
      [script, [], { only: ['a'] }, '--only goes with a configuration file, not a script'],
      [script, [], { envName: 'a' }, '--env-name goes with a configuration file, not a script'],
    ]
    for (const [argument, args, flags, message] of cases)
      await assert.rejects(specsFrom(argument, args, flags), { code: 'usage', message })
  })
})

test('the package shows what a configuration file imports, with types that know every form', () => {
  const config = {
    apps: [
      {
        script: 'web.js',
        workers: 'max' as const,
        env: { TEXT: 'a', NUMBER: 1, GONE: undefined },
        ready: { on: 'listening' as const, timeout: '30s' },
        hooks: [{ on: 'crash' as const, run: 'x' }],
        logs: { rotate: { size: '10MB' } },
      },
    ],
  }
  assert.equal(defineConfig(config), config)
  defineConfig(async ({ envName }) => ({ apps: [{ script: `${envName}.js`, watch: ['src'], live: '/up' }] }))
  // @ts-expect-error: no such key
  defineConfig({ apps: [{ script: 'web.js', wrokers: 2 }] })
  // @ts-expect-error: no such choice
  defineConfig({ apps: [{ script: 'web.js', restart: 'always' }] })
})
