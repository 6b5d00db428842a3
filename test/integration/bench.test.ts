// `brood bench` for real: loads on servers good and bad, who answered, share modes compared, and nothing left behind.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { suite, type TestContext, test } from 'node:test'
import type { Comparison, ModeSummary } from '../../src/cli/bench/comparison.ts'
import type { LoadResult } from '../../src/cli/bench/load.ts'
import { Brood, pidsOf, program } from '../support/brood.ts'
import { temporaryFolder, temporaryProgram } from '../support/temporary.ts'

const timeout = 60_000

type Json = LoadResult & {
  readonly app: string | null
  readonly unknown?: string
  readonly workers: readonly { readonly slot: number; readonly pid: number; readonly requests: number }[]
}

const none = { refused: 0, reset: 0, closed: 0, timeouts: 0, other: 0 }

test('a load on an app tells who answered how much', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const { report, port } = await brood.start(program('http.js'), '-w', '2', '--name', 'web')
  const json = await brood.json<Json>('bench', `localhost:${port}`, '-c', '10', '-d', '1s')
  assert.deepEqual(json.failures, none)
  assert.deepEqual(json.statuses, { 200: json.requests })
  assert.equal(json.app, 'web')
  assert.deepEqual(
    json.workers.map(({ pid }) => pid),
    pidsOf(report),
  )
  const counted = json.workers.reduce((sum, { requests }) => sum + requests, 0)
  // Each connection may have had an answer on its way at the end.
  assert.ok(
    counted >= json.requests && counted <= json.requests + 10,
    `${counted} counted, ${json.requests} seen`,
  )
  const again = await brood.run('bench', `http://127.0.0.1:${port}/nope`, '-c', '2', '-d', '100ms', '--short')
  assert.equal(again.code, 0, again.stderr)
  assert.match(again.stdout, /^Errors {6}4xx [\d,]+ \(404: [\d,]+\)$/m)
  assert.match(again.stdout, /^ {12}web\/1 .* %/m)
  assert.match(again.stdout, /a new connection for each request/)
})

test('behind a proxy it is the workers that answered', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const flags = ['--share', 'ports', '-w', '2', '--name', 'web']
  const { report, port } = await brood.start(program('http.js'), ...flags)
  const json = await brood.json<Json>('bench', `localhost:${port}`, '-c', '4', '-d', '200ms')
  assert.deepEqual([json.app, json.unknown], ['web', undefined])
  assert.deepEqual(
    json.workers.map(({ pid }) => pid),
    pidsOf(report),
  )
})

for (const short of [[], ['--short']]) {
  const how = short.length === 0 ? 'kept-alive' : 'short'
  test(`a reload fails no request on ${how} connections`, { timeout }, async (t) => {
    const brood = Brood.create(t)
    const { port } = await brood.start(program('http.js'), '-w', '2', '--name', 'web')
    const load = brood.json<Json>('bench', `localhost:${port}`, '-c', '10', '-d', '3s', ...short)
    const reloaded = await brood.run('reload', 'web')
    assert.equal(reloaded.code, 0, reloaded.stderr)
    const json = await load
    assert.deepEqual(json.failures, none)
    assert.deepEqual(json.statuses, { 200: json.requests })
  })
}

suite('a server in nobody’s care', () => {
  test('is loaded all the same, and it is said why nobody is known', { timeout }, async (t) => {
    const brood = Brood.create(t)
    const server = http.createServer((_request, response) => response.end('x')).unref()
    const port = await listening(t, server)
    const without = await brood.json<Json>('bench', `:${port}`, '-c', '2', '-d', '100ms')
    assert.deepEqual([without.app, without.unknown], [null, 'no supervisor is running'])
    assert.ok(without.requests > 0)
    await brood.start(program('http.js'))
    const other = await brood.json<Json>('bench', `:${port}`, '-c', '2', '-d', '100ms')
    assert.deepEqual([other.app, other.unknown], [null, `localhost:${port} is no app of this supervisor`])
  })

  test('that announces the end of a connection is asked nothing more on it', { timeout }, async (t) => {
    const brood = Brood.create(t)
    const server = http.createServer((_request, response) => response.end('x'))
    server.maxRequestsPerSocket = 3
    const json = await brood.json<Json>('bench', `:${await listening(t, server)}`, '-c', '5', '-d', '500ms')
    assert.ok(json.requests > 15, `${json.requests}`)
    assert.deepEqual(json.failures, none)
    // Node answers what comes after the last request of a connection with 503.
    assert.deepEqual(json.statuses, { 200: json.requests })
  })

  test('may end its answer with the connection', { timeout }, async (t) => {
    const brood = Brood.create(t)
    const server = net.createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\nhello'))
    })
    const json = await brood.json<Json>('bench', `:${await listening(t, server)}`, '-c', '2', '-d', '300ms')
    assert.ok(json.requests > 2, `${json.requests}`)
    assert.deepEqual(json.failures, none)
  })

  test('that closes without an answer is told apart from one that resets', { timeout }, async (t) => {
    const brood = Brood.create(t)
    const bench = async (close: (socket: net.Socket) => void): Promise<Json> => {
      const server = net.createServer((socket) => {
        socket.on('error', () => {})
        socket.once('data', () => close(socket))
      })
      const ran = await brood.run(
        'bench',
        `:${await listening(t, server)}`,
        '-c',
        '3',
        '-d',
        '300ms',
        '--json',
      )
      assert.equal(ran.code, 1)
      return JSON.parse(ran.stdout)
    }
    const closed = await bench((socket) => socket.end())
    assert.ok(closed.failures.closed > 0)
    assert.deepEqual(closed.failures, { ...none, closed: closed.failures.closed })
    const reset = await bench((socket) => socket.resetAndDestroy())
    assert.ok(reset.failures.reset > 0)
    assert.deepEqual(reset.failures, { ...none, reset: reset.failures.reset })
    assert.deepEqual([reset.requests, reset.latency], [0, null])
  })

  test('is sent what was asked for', { timeout }, async (t) => {
    const brood = Brood.create(t)
    const { promise, resolve } = Promise.withResolvers<unknown>()
    const server = http.createServer(async (request, response) => {
      const body = await text(request)
      resolve([request.method, request.url, request.headers['x-a'], body])
      response.end()
    })
    const port = await listening(t, server)
    await brood.json(
      'bench',
      `:${port}/a?b`,
      '-H',
      'x-a: c',
      '-b',
      'd',
      '-m',
      'put',
      '-c',
      '1',
      '-d',
      '100ms',
    )
    assert.deepEqual(await promise, ['PUT', '/a?b', 'c', 'd'])
  })
})

test('Ctrl-C ends a load early, and what there is is printed', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const server = http.createServer((_request, response) => response.end('x'))
  const asked = once(server, 'request')
  const child = brood.spawn('bench', `:${await listening(t, server)}`, '-c', '2', '-d', '1h', '--json')
  assert.ok(child.stdout)
  const printed = text(child.stdout)
  await asked
  child.kill('SIGINT')
  const json: Json = JSON.parse(await printed)
  assert.ok(json.requests > 0)
  assert.ok(json.duration < timeout)
})

test('an address where nobody listens is an error at once', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const server = net.createServer()
  const port = await listening(t, server)
  server.close()
  const ran = await brood.run('bench', `localhost:${port}`, '--json')
  assert.equal(ran.code, 1)
  assert.equal(JSON.parse(ran.stdout).error.code, 'address_unreachable')
})

test('words that make no sense are refused, and nothing is done', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const server = program('http.js')
  const cases: [string[], RegExp][] = [
    [['bench'], /missing required argument/],
    [['bench', 'ftp://localhost/'], /write an http or https address/],
    [['bench', ':3000', '-d', '5'], /-d 5: write a time/],
    [['bench', ':3000', '--rounds', '2'], /--rounds goes with --compare/],
    [['bench', ':3000', ':3001'], /only --compare takes more/],
    [
      ['bench', '--compare', 'slots,nope', server],
      /'nope' is no share mode: there are slots, shared, balanced/,
    ],
    [['bench', '--compare', 'slots,slots', server], /name 'slots' once/],
    [['bench', '--compare', 'slots', server, '--path', 'x'], /--path x: write a path/],
    [['bench', '--compare', 'slots', server, '--rounds', '0'], /--rounds 0: write a number/],
    [['bench', '--compare', 'slots', server, '-w', 'many'], /-w many/],
    [['bench', '--compare', 'slots', 'brood.config.json'], /is a configuration file/],
  ]
  for (const [words, says] of cases) {
    const { code, stdout, stderr } = await brood.run(...words)
    assert.deepEqual([code, stdout], [2, ''], `${words.join(' ')}: ${stderr}`)
    assert.match(stderr, says)
  }
  assert.equal(existsSync(`${brood.home}/control.sock`), false)
})

suite('share modes compared', () => {
  test('are measured in turn by a supervisor of their own, which leaves nothing', { timeout }, async (t) => {
    const folder = temporaryFolder(t)
    const brood = Brood.create(t, { TMPDIR: folder })
    const json = await brood.json<Comparison & { summary: ModeSummary[] }>(
      ...['bench', '--compare', 'slots,shared', program('http.js')],
      ...['-w', '2', '-c', '10', '-d', '1s', '--rounds', '2'],
    )
    assert.deepEqual(
      json.trials.map(({ mode, round }) => [mode, round]),
      [
        ['slots', 1],
        ['shared', 1],
        ['slots', 2],
        ['shared', 2],
      ],
    )
    for (const trial of json.trials) {
      assert.ok(trial.requestsPerSecond > 0)
      assert.ok((trial.p99 ?? 0) > 0)
      assert.equal(trial.errors, 0)
      // Two workers: from all even to all on one.
      const { connections, requests } = trial.busiestToMean
      for (const ratio of [connections, requests])
        assert.ok(ratio !== null && ratio >= 1 && ratio <= 2, `${ratio}`)
    }
    // The kernel counts processor time in hundredths of a second: of so short a load a trial may have none.
    assert.ok(json.trials.every(({ cpuPerRequest }) => cpuPerRequest !== null))
    assert.equal(json.workers, 2)
    assert.equal(json.machine.node, process.versions.node)
    assert.deepEqual(
      json.summary.map(({ mode, requestsPerSecond }) => [mode, requestsPerSecond.ratio === 1]),
      [
        ['slots', true],
        ['shared', json.summary[1]?.requestsPerSecond.ratio === 1],
      ],
    )
    nothingLeft(folder)
  })

  test('are measured through the proxy in front where there is one', { timeout }, async (t) => {
    const folder = temporaryFolder(t)
    const brood = Brood.create(t, { TMPDIR: folder })
    const { trials } = await brood.json<Comparison>(
      ...['bench', '--compare', 'ports', program('http.js')],
      ...['-w', '2', '-c', '10', '-d', '1s', '--rounds', '1'],
    )
    const [trial] = trials
    assert.ok(trial !== undefined && trial.requestsPerSecond > 0 && trial.cpuPerRequest !== null)
    assert.equal(trial.errors, 0)
    const { requests } = trial.busiestToMean
    assert.ok(requests !== null && requests >= 1 && requests < 1.5, `in turn, by the workers: ${requests}`)
    nothingLeft(folder)
  })

  test('need a program that starts', { timeout }, async (t) => {
    const folder = temporaryFolder(t)
    const brood = Brood.create(t, { TMPDIR: folder })
    const ran = await brood.run('bench', '--compare', 'slots,shared', program('crashes-at-boot.js'))
    assert.equal(ran.code, 4, ran.stderr)
    assert.match(ran.stderr, /bench\/[01] exited with code 1/)
    nothingLeft(folder)
  })

  test('leave nothing after Ctrl-C', { timeout }, async (t) => {
    const folder = temporaryFolder(t)
    const bell = net.createServer()
    const port = await listening(t, bell)
    const server = temporaryProgram(
      t,
      'rings.cjs',
      `
        const server = require('node:http').createServer((request, response) => response.end('x'))
        server.once('request', () => require('node:net').connect(${port}, '127.0.0.1').unref())
        server.listen(process.env.PORT)
      `,
    )
    const brood = Brood.create(t, { TMPDIR: folder })
    const child = brood.spawn(
      'bench',
      '--compare',
      'slots',
      server,
      '-w',
      '2',
      '-c',
      '2',
      '-d',
      '1h',
      '--json',
    )
    assert.ok(child.stdout)
    const printed = text(child.stdout)
    const ended = once(child, 'exit')
    await once(bell, 'connection')
    child.kill('SIGINT')
    assert.deepEqual(JSON.parse(await printed).trials, [])
    assert.deepEqual(await ended, [1, null])
    nothingLeft(folder)
  })
})

async function listening(t: TestContext, server: net.Server): Promise<number> {
  server.listen(0)
  t.after(() => {
    server.close()
    if (server instanceof http.Server) server.closeAllConnections()
  })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port // it listens on a port
}

/** Neither a file nor a process of the supervisor that lived below `folder`. */
function nothingLeft(folder: string): void {
  // Node itself may keep compiled code there.
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('brood')),
    [],
  )
  const mark = `BROOD_HOME=${folder}/`
  const left = readdirSync('/proc').filter((entry) => {
    try {
      return /^\d+$/.test(entry) && readFileSync(`/proc/${entry}/environ`, 'latin1').includes(mark)
    } catch {
      return false // gone meanwhile
    }
  })
  assert.deepEqual(left, [])
}
