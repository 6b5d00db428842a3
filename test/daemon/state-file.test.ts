// The state file: what is saved is loaded, and what cannot be understood is neither obeyed nor lost.
import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import * as v from 'valibot'
import { appSpec } from '../../src/config/app-spec.ts'
import { type Home, homeOf } from '../../src/daemon/home.ts'
import {
  forgetState,
  loadState,
  type Remembered,
  type RememberedApp,
  saveState,
} from '../../src/daemon/state-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'brood-state-'))
after(() => rmSync(folder, { recursive: true }))

let homes = 0
function newHome(): Home {
  const home = homeOf({ BROOD_HOME: join(folder, `${homes++}`) })
  mkdirSync(home.path)
  return home
}

const web: RememberedApp = {
  spec: v.parse(appSpec, {
    name: 'web',
    script: '/srv/größe.js',
    args: ['--x', ''],
    nodeArgs: [],
    cwd: '/srv',
    env: { PATH: '/bin', EMPTY: '' },
    workers: 2,
    maxWorkers: 64,
    port: 3000,
    share: 'slots',
    ready: { on: 'listening', timeout: 30_000, settle: 250 },
    stop: { signal: 'SIGTERM', grace: 10_000 },
    restart: { policy: 'permanent', intensity: 5, period: 10_000, backoff: { from: 100, to: 30_000 } },
  }),
  release: 4,
  wanted: 'running',
  size: 3,
  addresses: [
    { address: { kind: 'tcp', host: '127.0.0.1', port: 3000, ipv6Only: false, ordinal: 0 }, port: 3000 },
    { address: { kind: 'unix', path: '/run/x.sock' } },
    {
      address: { kind: 'udp', host: '0.0.0.0', port: 0, ipv6Only: false, reuseAddr: false, ordinal: 0 },
      port: 5353,
    },
  ],
}

const line = { path: '\0brood-1', token: 'secret' }

function stateOf(...apps: RememberedApp[]): Remembered {
  return { line, apps }
}

function appsOf(home: Home): RememberedApp[] | undefined {
  return loadState(home).state?.apps
}

suite('the state', () => {
  test('is loaded as it was saved', () => {
    const home = newHome()
    const previous = { release: 3, spec: web.spec }
    const state = stateOf(web, {
      ...web,
      wanted: 'stopped',
      addresses: [],
      previous,
      reloading: 4,
      trusted: 3,
    })
    saveState(home, state)
    assert.deepEqual(loadState(home), { state, unreadable: undefined })
  })

  test('may leave out a port and a host', () => {
    const home = newHome()
    const { port: _, ...spec } = web.spec
    const address = { kind: 'tcp', host: undefined, port: 0, ipv6Only: false, ordinal: 1 } as const
    saveState(home, stateOf({ ...web, spec: { ...spec, port: undefined }, addresses: [{ address }] }))
    const [loaded] = appsOf(home) ?? []
    assert.deepEqual(loaded?.spec, spec)
    const { host: __, ...rest } = address
    assert.deepEqual(loaded?.addresses, [{ address: rest }])
  })

  test('is empty when there is none', () => {
    assert.deepEqual(loadState(newHome()), { state: undefined, unreadable: undefined })
  })

  test('is replaced whole, readable by its owner alone, and leaves no draft', () => {
    const home = newHome()
    saveState(home, stateOf(web, web))
    saveState(home, stateOf(web))
    assert.equal(appsOf(home)?.length, 1)
    assert.equal(statSync(home.state).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(home.path).sort(), ['state.json', 'state.json.before'])
  })

  test('is the one before the last change, if somebody has spoilt the file', () => {
    const home = newHome()
    saveState(home, stateOf(web))
    saveState(home, stateOf(web, { ...web, size: 5 }))
    writeFileSync(home.state, '{"version":2,"apps":[{"spec')
    const { state, unreadable } = loadState(home)
    assert.deepEqual(state, stateOf(web))
    assert.match(unreadable ?? '', /state\.json cannot be understood .*; it is kept as .*unreadable$/)
    assert.equal(readFileSync(`${home.state}.unreadable`, 'utf8'), '{"version":2,"apps":[{"spec')
  })

  test('that cannot be read is left alone, and nothing else counts meanwhile', () => {
    const home = newHome()
    saveState(home, stateOf(web))
    saveState(home, stateOf(web, web))
    rmSync(home.state)
    symlinkSync(home.state, home.state)
    const expected = { code: 'home_unusable', message: /state\.json cannot be read \(ELOOP/ }
    assert.throws(() => loadState(home), expected)
    assert.deepEqual(readdirSync(home.path).sort(), ['state.json', 'state.json.before'])
  })

  test('that cannot be saved leaves no draft, and the error says what to do', () => {
    const home = newHome()
    mkdirSync(home.state)
    assert.throws(() => saveState(home, stateOf(web)), {
      name: 'BroodError',
      code: 'home_unusable',
      message: /set BROOD_HOME to a folder of your own$/,
    })
    assert.deepEqual(readdirSync(home.path), ['state.json'])
  })

  test('that was forgotten is gone, and can be forgotten again', () => {
    const home = newHome()
    saveState(home, stateOf(web))
    saveState(home, stateOf(web))
    forgetState(home)
    forgetState(home)
    assert.equal(appsOf(home), undefined)
    assert.deepEqual(readdirSync(home.path), [])
  })
})

suite('a state file is set aside if it', () => {
  const good = { version: 2, line, apps: [web] }
  const app = (changes: object): unknown => ({ version: 2, line, apps: [{ ...web, ...changes }] })
  const spec = (changes: object): unknown => app({ spec: { ...web.spec, ...changes } })
  const bad: [name: string, content: string][] = [
    ['is empty', ''],
    ['is cut off', JSON.stringify(good).slice(0, -10)],
    ['is not JSON', 'hello'],
    ['is null', 'null'],
    ['is of another version', JSON.stringify({ ...good, version: 3 })],
    ['has no apps', JSON.stringify({ version: 2, line })],
    ['has a name with a slash', JSON.stringify(spec({ name: '../web' }))],
    ['has a relative script', JSON.stringify(spec({ script: 'web.js' }))],
    ['has no workers', JSON.stringify(spec({ workers: 0 }))],
    ['has a port that does not exist', JSON.stringify(spec({ port: 70_000 }))],
    ['has a setting that nobody knows', JSON.stringify(spec({ color: 'red' }))],
    ['has a wish that nobody knows', JSON.stringify(app({ wanted: 'paused' }))],
    ['has an address of no kind', JSON.stringify(app({ addresses: [{ port: 1 }] }))],
  ]
  test('(but not if it is good)', () => {
    const home = newHome()
    writeFileSync(home.state, JSON.stringify(good))
    assert.deepEqual(appsOf(home), [web])
    assert.deepEqual(readdirSync(home.path), ['state.json'])
  })
  for (const [name, content] of bad) {
    test(name, () => {
      const home = newHome()
      writeFileSync(home.state, content)
      const { state, unreadable } = loadState(home)
      assert.equal(state, undefined)
      assert.match(unreadable ?? '', /cannot be understood/)
      assert.equal(existsSync(home.state), false)
      assert.equal(readFileSync(`${home.state}.unreadable`, 'utf8'), content)
      saveState(home, stateOf(web))
      assert.deepEqual(appsOf(home), [web])
    })
  }
})
