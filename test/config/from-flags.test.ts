// Flags become a description; every word that makes no sense gets an error that names the flag and the word.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import * as v from 'valibot'
import { appSpec, mostWorkers } from '../../src/config/app-spec.ts'
import { type StartFlags, specFromFlags, workerCount } from '../../src/config/from-flags.ts'
import { BroodError, type ErrorCode } from '../../src/kernel/errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'brood-flags-'))
const script = join(folder, 'web.js')
writeFileSync(script, '')
mkdirSync(join(folder, 'src'))
after(() => rmSync(folder, { recursive: true }))

/** As commander gives them when nothing is said. */
const usual: StartFlags = {
  workers: '1',
  env: [],
  nodeArg: [],
  ready: 'listening',
  readyTimeout: '30s',
  settle: '250ms',
  grace: '10s',
  stopSignal: 'SIGTERM',
  restart: 'permanent',
  intensity: '5',
  period: '10s',
}

const specOf = (flags: Partial<StartFlags>, path = script): ReturnType<typeof specFromFlags> =>
  specFromFlags(path, [], { ...usual, ...flags }, 'files', {})

suite('the description of an app', () => {
  test('has everything the flags say', () => {
    const flags: StartFlags = {
      workers: '4',
      name: 'shop.web-1',
      port: '3000',
      env: ['A=1', 'B=x=y', 'EMPTY='],
      cwd: folder,
      nodeArg: ['--enable-source-maps'],
      maxWorkers: '8',
      share: 'shared',
      ready: 'message',
      readyTimeout: '5s',
      settle: '1s',
      grace: '1m',
      stopSignal: 'int',
      restart: 'transient',
      intensity: '0',
      period: '1h',
    }
    const spec = specFromFlags(script, ['--loud'], flags, 'inherit', {
      PATH: '/bin',
      A: '0',
      GONE: undefined,
    })
    assert.deepEqual(spec, {
      name: 'shop.web-1',
      script,
      args: ['--loud'],
      nodeArgs: ['--enable-source-maps'],
      cwd: folder,
      env: { PATH: '/bin', A: '1', B: 'x=y', EMPTY: '' },
      workers: 4,
      maxWorkers: 8,
      port: 3000,
      share: 'shared',
      ready: { on: 'message', timeout: 5000, settle: 1000 },
      stop: { signal: 'SIGINT', grace: 60_000 },
      restart: { policy: 'transient', intensity: 0, period: 3_600_000, backoff: { from: 100, to: 30_000 } },
      logs: 'inherit',
    })
  })

  test('of a bare script takes the name of the script, this folder, and room to scale', () => {
    const spec = specOf({})
    assert.deepEqual(
      [spec.name, spec.cwd, spec.workers, spec.maxWorkers, spec.port],
      ['web', process.cwd(), 1, 64, undefined],
    )
    assert.equal(specOf({ workers: '100' }).maxWorkers, 100)
  })

  test('passes the check that the supervisor makes', () => {
    assert.deepEqual(
      v.parse(appSpec, specOf({ port: '0', workers: 'max' })),
      specOf({ port: '0', workers: 'max' }),
    )
  })

  const good: Partial<StartFlags>[] = [
    { port: '0' },
    { port: '65535' },
    { workers: `${mostWorkers}` },
    { name: 'a' },
    { name: `9${'x'.repeat(63)}` },
    { stopSignal: 'SIGUSR2' },
    { stopSignal: 'quit' },
    { settle: '0' },
    { env: ['A=='] },
  ]
  for (const flags of good) test(`is made from ${JSON.stringify(flags)}`, () => void specOf(flags))
})

suite('a number of workers', () => {
  const counts: [string, number, number][] = [
    ['1', 8, 1],
    ['12', 8, 12],
    ['1024', 8, 1024],
    ['007', 8, 7],
    ['max', 8, 8],
    ['max', 1, 1],
    ['-1', 8, 7],
    ['-7', 8, 1],
  ]
  for (const [text, processors, workers] of counts) {
    test(`of ${text} on ${processors} processors is ${workers}`, () => {
      assert.equal(workerCount(text, processors), workers)
    })
  }

  test('of max is one for each processor of this machine', () => {
    assert.equal(workerCount('max'), availableParallelism())
  })

  const bad = [
    '0',
    '-0',
    '-8',
    '-99',
    '1025',
    '99999999999999999999',
    'many',
    'MAX',
    '',
    ' 4',
    '4 ',
    '+4',
    '4.0',
    '1e2',
    '0x4',
    '--1',
    'NaN',
  ]
  for (const text of bad) {
    test(`cannot be '${text}' on 8 processors`, () =>
      assertRefused(() => workerCount(text, 8), 'usage', '-w', text))
  }

  test('that leaves no processor is refused with their number', () => {
    assert.throws(() => workerCount('-8', 8), /-w -8 leaves none of the 8 processors/)
  })
})

suite('a word that makes no sense is refused:', () => {
  const bad: [flag: string, key: keyof StartFlags, values: readonly string[]][] = [
    ['-w', 'workers', ['0', '-99', 'many', '1025']],
    ['--port', 'port', ['70000', '65536', '-1', 'abc', '', '80.5', '0x50', '80,81', ' 80']],
    ['--max-workers', 'maxWorkers', ['0', '-1', '1025', 'many', '']],
    ['--share', 'share', ['slot', 'SLOTS', 'balanced', '']],
    ['--ready', 'ready', ['soon', 'http', '']],
    ['--restart', 'restart', ['always', 'never', 'Permanent', '']],
    ['--intensity', 'intensity', ['-1', '1.5', 'five', '', '1000001']],
    ['--ready-timeout', 'readyTimeout', ['soon', '-1s', '10 minutes', '', '1s2']],
    ['--settle', 'settle', ['abc', '-250ms']],
    ['--grace', 'grace', ['forever', '10sec', '1,5s']],
    ['--period', 'period', ['x', 'Infinity']],
    ['--stop-signal', 'stopSignal', ['SIGNOPE', 'HUP ', '9', '', 'SIG', 'toString', 'constructor']],
    ['--cwd', 'cwd', [join(folder, 'gone'), script]],
  ]
  for (const [flag, key, values] of bad) {
    for (const value of values) {
      test(`${flag} ${value === '' ? '(empty)' : value.replace(folder, '…')}`, () => {
        assertRefused(() => specOf({ [key]: value }), 'usage', flag, value)
      })
    }
  }

  for (const [flag, key] of [
    ['--grace', 'grace'],
    ['--period', 'period'],
    ['--ready-timeout', 'readyTimeout'],
  ] as const) {
    test(`${flag} of more than the day that the supervisor allows`, () => {
      for (const value of ['25h', '9'.repeat(400)])
        assertRefused(() => specOf({ [key]: value }), 'usage', flag, value)
    })
  }

  for (const value of ['NOVALUE', '', '=x', '=']) {
    test(`--env ${value === '' ? '(empty)' : value}`, () => {
      assertRefused(() => specOf({ env: ['GOOD=1', value] }), 'usage', '--env', value)
    })
  }

  for (const value of ['all', 'a b', 'a/0', '../x', '-x', '.x', '_x', 'größe', 'x'.repeat(65), 'a\nb', '']) {
    test(`--name ${JSON.stringify(value)}`, () => {
      assertRefused(() => specOf({ name: value }), 'usage', '', value)
    })
  }

  test('--name, by that name', () => {
    assertRefused(() => specOf({ name: 'a b' }), 'usage', '--name', 'a b')
  })

  test('a script whose name cannot name an app, with the way out', () => {
    const odd = join(folder, 'my app.js')
    writeFileSync(odd, '')
    assert.throws(() => specOf({}, odd), { code: 'usage', message: /'my app' cannot name an app.*--name/ })
    assert.equal(specOf({ name: 'fine' }, odd).script, odd)
  })

  test('fewer places than workers', () => {
    assertRefused(() => specOf({ workers: '8', maxWorkers: '4' }), 'usage', '--max-workers', '4')
    assertRefused(() => specOf({ workers: '8', maxWorkers: '4' }), 'usage', '--max-workers', '8')
  })
})

suite('a script', () => {
  test('that does not exist is named with its whole path', () => {
    assertRefused(
      () => specOf({}, join(folder, 'gone.js')),
      'script_not_found',
      'there is no script',
      join(folder, 'gone.js'),
    )
    assertRefused(
      () => specOf({}, 'gone.js'),
      'script_not_found',
      'there is no script',
      join(process.cwd(), 'gone.js'),
    )
  })

  test('that is a directory is refused with what to do', () => {
    const path = join(folder, 'src')
    assertRefused(() => specOf({ name: 'x' }, path), 'script_not_found', 'is a directory', path)
    assertRefused(() => specOf({ name: 'x' }, ''), 'script_not_found', 'is a directory', process.cwd())
  })

  test('below a file cannot be read', () => {
    const path = join(script, 'x.js')
    assertRefused(() => specOf({}, path), 'script_not_found', 'cannot read', path)
  })
})

function assertRefused(make: () => unknown, code: ErrorCode, flag: string, value: string): void {
  assert.throws(make, (error) => {
    assert.ok(error instanceof BroodError, String(error))
    assert.equal(error.code, code)
    assert.ok(error.message.includes(flag), `'${error.message}' names ${flag}`)
    assert.ok(error.message.includes(value), `'${error.message}' names ${value}`)
    return true
  })
}
