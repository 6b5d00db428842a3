// Flags become a description; every word that makes no sense gets an error that names the flag and the word.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, suite, test } from 'node:test'
import * as v from 'valibot'
import { appSpec, mostWorkers } from '../../src/config/app-spec.ts'
import type { StartFlags } from '../../src/config/flag-fields.ts'
import { specFromFlags } from '../../src/config/from-flags.ts'
import { workerCount } from '../../src/config/worker-count.ts'
import { BroodError, type ErrorCode } from '../../src/kernel/errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'brood-flags-'))
const script = join(folder, 'web.js')
writeFileSync(script, '')
writeFileSync(join(folder, '.env'), 'FROM_FILE=1\n')
mkdirSync(join(folder, 'src'))
after(() => rmSync(folder, { recursive: true }))

const specOf = (flags: Partial<StartFlags>, path = script): ReturnType<typeof specFromFlags> =>
  specFromFlags(path, [], flags, 'files', {})

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
    const resolved = v.parse(appSpec, {
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
      logs: { to: 'inherit' },
    })
    assert.deepEqual(spec, resolved)
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

  test('has what every flag of supervision says', () => {
    const spec = specOf({
      envFile: [join(folder, '.env')],
      interpreter: 'sh',
      uid: '33',
      gid: 'web',
      nice: '-5',
      cpuLimit: '1.5',
      memoryLimit: '1GB',
      ready: 'http://127.0.0.1:3000/up',
      live: 'tcp:3000',
      watchdog: 'off',
      backoffFrom: '1s',
      backoffTo: '1m',
      jitter: '0.5',
      stopExitCode: ['0', '3'],
      maxMemory: '512MB',
      maxRequests: '1000',
      maxAge: '7d',
      cron: '0 3 * * *',
      watch: ['src', 'web.js'],
      ignoreWatch: ['*.log'],
      parallel: '2',
      canary: '10s',
      dependsOn: ['db', 'tcp:cache:6379'],
      logFormat: 'json',
      logSize: '10MB',
      logEvery: '1d',
      logKeep: '3',
      hook: ['crash,failed=./notify.sh a=b', 'ready=https://a/b?c=d'],
    })
    const resolved = v.parse(appSpec, {
      ...specOf({}),
      env: { FROM_FILE: '1' },
      interpreter: 'sh',
      uid: 33,
      gid: 'web',
      nice: -5,
      limits: { cpu: 1.5, memory: 1e9 },
      ready: { on: 'probe', timeout: 30_000, settle: 250, probe: { type: 'http', path: '/up', port: 3000 } },
      live: { probe: { type: 'tcp', port: 3000 }, every: 10_000, timeout: 5000, failures: 3 },
      watchdog: 0,
      restart: {
        policy: 'permanent',
        intensity: 5,
        period: 10_000,
        backoff: { from: 1000, to: 60_000, jitter: 0.5 },
        stopExitCodes: [0, 3],
      },
      renew: { maxMemory: 512e6, maxRequests: 1000, maxAge: 604_800_000, cron: '0 3 * * *' },
      watch: { paths: [resolve('src'), resolve('web.js')], ignore: ['node_modules', '.git', '*.log'] },
      reload: { parallel: 2, canary: { watch: 10_000 } },
      dependsOn: ['db', 'tcp:cache:6379'],
      logs: { format: 'json', rotate: { size: 1e7, every: 86_400_000, keep: 3 } },
      hooks: [
        { on: ['crash', 'failed'], run: './notify.sh a=b' },
        { on: ['ready'], post: 'https://a/b?c=d' },
      ],
    })
    assert.deepEqual(spec, resolved)
  })

  test('watches its folder when no path is given', () => {
    assert.deepEqual(specOf({ watch: true, cwd: folder }).watch?.paths, [folder])
  })

  test('has the variables of --env over those of a file', () => {
    assert.equal(specOf({ envFile: [join(folder, '.env')], env: ['FROM_FILE=2'] }).env.FROM_FILE, '2')
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
  const counts: [number | 'max', number, number][] = [
    [1, 8, 1],
    [12, 8, 12],
    [1024, 8, 1024],
    ['max', 8, 8],
    ['max', 1, 1],
    [-1, 8, 7],
    [-7, 8, 1],
  ]
  for (const [wanted, processors, workers] of counts) {
    test(`of ${wanted} on ${processors} processors is ${workers}`, () => {
      assert.equal(workerCount(wanted, processors), workers)
    })
  }

  test('of max is one for each processor of this machine', () => {
    assert.equal(specOf({ workers: 'max' }).workers, availableParallelism())
    assert.equal(specOf({ workers: '007' }).workers, 7)
  })

  for (const wanted of [0, -8, -99, 1025, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    test(`cannot be ${wanted} on 8 processors`, () => {
      assert.equal(typeof workerCount(wanted, 8), 'string')
    })
  }

  test('that leaves no processor is refused with their number', () => {
    assert.match(`${workerCount(-8, 8)}`, /leaves none of the 8 processors/)
  })
})

suite('a word that makes no sense is refused:', () => {
  const bad: [flag: string, key: keyof StartFlags, values: readonly string[]][] = [
    [
      '-w',
      'workers',
      [
        '0',
        '-0',
        '-99',
        '1025',
        '9'.repeat(20),
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
      ],
    ],
    ['--port', 'port', ['70000', '65536', '-1', 'abc', '', '80.5', '0x50', '80,81', ' 80']],
    ['--max-workers', 'maxWorkers', ['0', '-1', '1025', 'many', '']],
    ['--share', 'share', ['slot', 'SLOTS', 'even', '']],
    ['--balance', 'balance', ['fair', 'IP-HASH', '']],
    ['--ready', 'ready', ['soon', 'http', '']],
    ['--restart', 'restart', ['always', 'never', 'Permanent', '']],
    ['--intensity', 'intensity', ['-1', '1.5', 'five', '', '1000001']],
    ['--ready-timeout', 'readyTimeout', ['soon', '-1s', '10 minutes', '', '1s2']],
    ['--settle', 'settle', ['abc', '-250ms']],
    ['--grace', 'grace', ['forever', '10sec', '1,5s']],
    ['--period', 'period', ['x', 'Infinity']],
    ['--stop-signal', 'stopSignal', ['SIGNOPE', 'HUP ', '9', '', 'SIG', 'toString', 'constructor']],
    ['--ready', 'ready', ['http:', 'tcp:0', 'https://a/']],
    ['--live', 'live', ['up', 'tcp:host', '']],
    ['--watchdog', 'watchdog', ['never', '']],
    ['--backoff-from', 'backoffFrom', ['soon']],
    ['--backoff-to', 'backoffTo', ['soon']],
    ['--jitter', 'jitter', ['2', '-1', 'some']],
    ['--nice', 'nice', ['20', '-21', 'low', '1.5']],
    ['--uid', 'uid', ['-1', '']],
    ['--cpu-limit', 'cpuLimit', ['0', 'half', '-1']],
    ['--memory-limit', 'memoryLimit', ['1G', '0', '']],
    ['--max-memory', 'maxMemory', ['512M', '0']],
    ['--max-requests', 'maxRequests', ['0', 'many']],
    ['--max-age', 'maxAge', ['0', '366d', 'old']],
    ['--cron', 'cron', ['daily', '99 * * * *', '0 0 31 2 *', '']],
    ['--parallel', 'parallel', ['0', 'all']],
    ['--canary', 'canary', ['bird', '']],
    ['--log-format', 'logFormat', ['xml']],
    ['--log-size', 'logSize', ['big']],
    ['--log-every', 'logEvery', ['day']],
    ['--log-keep', 'logKeep', ['0', 'all']],
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

  const repeated: [flag: string, flags: Partial<StartFlags>, value: string][] = [
    ['--stop-exit-code', { stopExitCode: ['1', '256'] }, '256'],
    ['--hook', { hook: ['crash=x', 'NOTHING'] }, 'NOTHING'],
    ['--hook', { hook: ['crash=x', 'crsh=x'] }, 'crsh=x'],
    ['--hook', { hook: ['crash='] }, 'crash='],
    ['--env-file', { envFile: [join(folder, '.gone')] }, join(folder, '.gone')],
    ['--ignore-watch', { ignoreWatch: ['*.log'] }, '*.log'],
    ['--node-arg', { interpreter: 'bun', nodeArg: ['-x'] }, 'run by bun'],
  ]
  for (const [flag, flags, value] of repeated) {
    test(`${flag} ${value.replace(folder, '…')}`, () =>
      assertRefused(() => specOf(flags), 'usage', flag, value))
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
  test('that nobody knows how to run is refused with the flag that says it', () => {
    const path = join(folder, 'data.txt')
    writeFileSync(path, '')
    assert.throws(() => specOf({}, path), {
      code: 'usage',
      message: `nobody can tell what runs ${path}: say it with --interpreter, or make the file executable`,
    })
    assert.equal(specOf({ interpreter: 'cat' }, path).interpreter, 'cat')
  })

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
