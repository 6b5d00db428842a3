// What the commands print: JSON for programs, tables that fit for people, help for both.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { appTable } from '../../src/cli/app-table.ts'
import type { Terminal } from '../../src/cli/terminal.ts'
import type { AppReport, WorkerReport } from '../../src/supervisor/report.ts'
import { Brood, program } from '../support/brood.ts'
import { bin, ranOf, start } from '../support/command.ts'

const timeout = 60_000
const server = program('http.js')
const commands = 'start run list show reload restart stop delete scale signal logs events kill'.split(' ')

test('with --json every command prints one JSON value, or lines of them', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const one: string[][] = [
    ['list'],
    ['start', server, '--name', 'web', '--env', 'PORT=0', '-w', '2'],
    ['list'],
    ['ls'],
    ['show'],
    ['show', 'web'],
    ['scale', 'web', '+1'],
    ['scale', 'web', '-1'],
    ['signal', 'web/0', 'WINCH'],
    ['reload', 'web'],
    ['reload', 'web/1'],
    ['restart', 'all'],
    ['stop', 'web'],
    ['delete', 'web'],
    ['reload', 'all'],
    ['kill'],
    ['kill'],
  ]
  for (const args of one) {
    const ran = await brood.run(...args, '--json')
    assert.deepEqual({ args, code: ran.code, stderr: ran.stderr }, { args, code: 0, stderr: '' })
    assert.match(ran.stdout, /^[^\n]+\n$/, `${args.join(' ')}: one line`)
    JSON.parse(ran.stdout)
  }
  await brood.start(server, '--name', 'web')
  for (const args of [['logs'], ['events'], ['events', 'web'], ['logs', 'web/0']]) {
    const ran = await brood.run(...args, '--json')
    assert.deepEqual({ args, code: ran.code, stderr: ran.stderr }, { args, code: 0, stderr: '' })
    const lines = ran.stdout.trimEnd().split('\n')
    assert.ok(lines.length > 0)
    for (const line of lines) JSON.parse(line)
  }
})

test('with --json every error is one JSON value on stdout, with the exit code of its kind', {
  timeout,
}, async (t) => {
  const brood = Brood.create(t)
  await brood.start(server, '--name', 'web')
  const failing: [exit: number, code: string, ...args: string[]][] = [
    [2, 'usage', 'start', server, '-w', '0'],
    [2, 'usage', 'list', '--nonsense'],
    [2, 'usage', 'nonsense'],
    [2, 'usage', 'scale', 'web', '0'],
    [2, 'usage', 'stop', 'web/0'],
    [2, 'usage', 'signal', 'web', 'NOTHING'],
    [2, 'bad_request', 'show', '../x'],
    [1, 'script_not_found', 'start', '/nowhere/to-be-found.js'],
    [1, 'app_exists', 'start', server, '--name', 'web'],
    [3, 'no_such_app', 'show', 'nothing'],
    [3, 'no_such_app', 'reload', 'nothing'],
    [3, 'no_such_app', 'restart', 'nothing'],
    [3, 'no_such_app', 'stop', 'nothing'],
    [3, 'no_such_app', 'delete', 'nothing'],
    [3, 'no_such_app', 'scale', 'nothing', '2'],
    [3, 'no_such_app', 'signal', 'nothing', 'USR2'],
    [3, 'no_such_app', 'logs', 'nothing'],
    [3, 'no_such_app', 'events', 'nothing'],
    [4, 'not_ready', 'start', program('crashes-at-boot.js')],
  ]
  for (const [exit, code, ...args] of failing) {
    const ran = await brood.run(...args, '--json')
    assert.deepEqual({ args, code: ran.code, stderr: ran.stderr }, { args, code: exit, stderr: '' })
    const { error, ...rest } = JSON.parse(ran.stdout)
    assert.deepEqual(rest, {})
    assert.deepEqual(Object.keys(error).toSorted(), ['code', 'detail', 'message'])
    assert.equal(error.code, code, ran.stdout)
    assert.ok(typeof error.message === 'string' && error.message !== '')
    assert.ok(Array.isArray(error.detail))
  }
  const crashed = JSON.parse((await brood.run('start', program('crashes-at-boot.js'), '--json')).stdout)
  assert.match(crashed.error.detail.join('\n'), /no database/, "the program's last words")
})

test("a program's own --json, after --, is not brood's", { timeout }, async (t) => {
  const ran = await Brood.create(t).run('start', '/nowhere/to-be-found.js', '--', '--json')
  assert.deepEqual({ code: ran.code, stdout: ran.stdout }, { code: 1, stdout: '' })
  assert.match(ran.stderr, /^brood: /)
})

test('what is cut off by its reader is no failure of the command', { timeout }, async (t) => {
  const brood = Brood.create(t)
  await brood.start(server, '--name', 'web')
  const script = `"$0" "$1" events --json | head -n 1`
  const ran = await ranOf(start('/bin/sh', ['-c', script, process.execPath, bin], { home: brood.home }))
  assert.deepEqual({ code: ran.code, stderr: ran.stderr }, { code: 0, stderr: '' })
  JSON.parse(ran.stdout)
})

test('on a terminal of 80 columns brood list fits, with long names and many addresses', {
  timeout,
}, async (t) => {
  if (spawnSync('script', ['--version']).status !== 0) {
    t.skip('no `script` here to make a terminal')
    return
  }
  const brood = Brood.create(t)
  const name = 'the-longest-name-an-app-can-have-'.padEnd(64, 'x')
  await brood.start(server, '--name', name, '-w', '2')
  await brood.start(program('two-ports.js'), '--name', 'two', '--env', 'PORT=0', '--env', 'PORT2=0')
  const inTerminal = 'stty cols 80 rows 24; exec "$BROOD_NODE" "$BROOD_BIN" list'
  const env = { BROOD_NODE: process.execPath, BROOD_BIN: bin, SHELL: '/bin/sh', TERM: 'xterm' }
  const ran = await ranOf(start('script', ['-qec', inTerminal, '/dev/null'], { home: brood.home, env }))
  assert.equal(ran.code, 0, ran.stdout)
  const lines = stripVTControlCharacters(ran.stdout).trimEnd().split(/\r?\n/)
  assert.match(lines[0] ?? '', /^APP +SLOT +PID/)
  assert.equal(lines.length, 1 + 3, ran.stdout)
  for (const line of lines) assert.ok(line.length <= 80, `${line.length} columns: ${line}`)
  assert.match(lines.join('\n'), /^the-long.*… +0 +\d+ +ready/m)
})

test('the table fits 80 columns with the widest of everything', () => {
  const worker: WorkerReport = {
    slot: 1023,
    pid: 4_194_304,
    state: 'draining',
    uptime: ((23 * 60 + 59) * 60 + 59) * 1000,
    restarts: 12_345_678,
    rss: 64_000e6,
    cpu: 1234.5,
    connections: null,
    blocked: false,
    adopted: [0, 1, 2, 3],
  }
  const app: AppReport = {
    name: 'x'.repeat(64),
    script: server,
    status: 'reloading',
    size: 1024,
    addresses: ['255.255.255.255:65535', '*:65534'],
    workers: [worker, { ...worker, slot: 0, state: 'starting' }],
  }
  const lines = appTable([app, { ...app, workers: [] }], plain).split('\n')
  assert.equal(lines.length, 4)
  for (const line of lines) assert.ok(line.length <= 80, `${line.length} columns: ${line}`)
  assert.match(lines[1] ?? '', / 4194304 /, 'a number is never cut')
})

describe('help', { concurrency: 4 }, () => {
  test('brood --help names every command, and the exit codes', { timeout }, async (t) => {
    const ran = await Brood.create(t).run('--help')
    assert.deepEqual({ code: ran.code, stderr: ran.stderr }, { code: 0, stderr: '' })
    for (const command of commands) assert.match(ran.stdout, new RegExp(`^  ${command}[ |]`, 'm'))
    assert.match(ran.stdout, /Exit codes: 0 done, 1 failed, 2 usage, 3 no such app, 4 not ready/)
  })

  for (const command of commands) {
    test(`brood ${command} --help says how to use it`, { timeout }, async (t) => {
      const ran = await Brood.create(t).run(command, '--help')
      assert.deepEqual({ code: ran.code, stderr: ran.stderr }, { code: 0, stderr: '' })
      assert.match(ran.stdout, new RegExp(`^Usage: brood ${command}\\b`))
    })
  }
})

const plain: Terminal = {
  json: false,
  width: 80,
  print() {},
  note() {},
  printJson() {},
  style: (_style, text) => text,
}
