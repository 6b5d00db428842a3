// What a program finds in a worker: its place, a cluster's worker, Node's IPC for itself, and children without any of it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import type { SupervisorReport } from '../../src/daemon/control/contract.ts'
import { get, type Received } from '../fixtures/get.ts'
import { askHttp } from '../support/ask.ts'
import { keepAsking } from '../support/asking.ts'
import { Brood, pidsOf, portOf, program } from '../support/brood.ts'
import { freePort } from '../support/free-port.ts'
import { startLoad } from '../support/load/index.ts'
import { temporaryFolder, temporaryProgram } from '../support/temporary.ts'

const bounded = { timeout: 60_000 }

/** Asks for `path` until each of the processes has answered it; their answers by pid. */
async function answerOfEach(
  t: TestContext,
  pids: readonly number[],
  options: { port: number; path: string },
): Promise<Map<number, Received>> {
  const answers = new Map<number, Received>()
  while (!pids.every((pid) => answers.has(pid))) {
    const answer = await get({ ...options, signal: t.signal })
    answers.set(answer.pid, answer)
  }
  return answers
}

/** What an app has printed. */
async function linesOf(brood: Brood, app: string): Promise<string[]> {
  const { stdout } = await brood.run('logs', app)
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^\S+ [|!] /, ''))
}

/** An HTTP server that answers `/` with its pid and the value of the expression `sees`. */
function httpThatShows(sees: string, before = ''): string {
  return `
    import http from 'node:http'
    ${before}
    const server = http.createServer(async (request, response) => {
      response.setHeader('x-pid', process.pid)
      response.end(JSON.stringify(await (${sees})))
    })
    server.listen(Number(process.env.PORT))
  `
}

describe('a worker finds its place', () => {
  it('in BROOD_SLOT and NODE_APP_INSTANCE, and nothing else of brood', bounded, async (t) => {
    const brood = Brood.create(t)
    const { report, port } = await brood.start(
      program('http.js'),
      ...['-w', '3', '--name', 'app', '--env', 'PORT=0', '--env', 'COLOUR=green', '--', '--loud'],
    )
    const answers = await answerOfEach(t, pidsOf(report), { port, path: '/env' })
    for (const { slot, pid } of report.workers) {
      const { env, argv, execArgv } = (answers.get(pid ?? 0)?.json ?? {}) as {
        env: Record<string, string>
        argv: string[]
        execArgv: string[]
      }
      assert.equal(env.BROOD_SLOT, `${slot}`)
      assert.equal(env.NODE_APP_INSTANCE, `${slot}`)
      assert.equal(env.BROOD_APP, 'app')
      assert.equal(env.COLOUR, 'green')
      const ofBrood = Object.keys(env).filter((name) => name.startsWith('BROOD_'))
      assert.deepEqual(ofBrood.toSorted(), ['BROOD_APP', 'BROOD_HOME', 'BROOD_SLOT'])
      assert.deepEqual(execArgv, [])
      assert.deepEqual(argv.slice(1), [program('http.js'), '--loud'])
    }
  })

  it('keeps the slot through a reload and through a crash', bounded, async (t) => {
    const brood = Brood.create(t)
    const { port } = await brood.start(program('http.js'), '-w', '2', '--name', 'app')
    const assertSlots = async () => {
      const [report] = await brood.list()
      const answers = await answerOfEach(t, pidsOf(report), { port, path: '/env' })
      for (const { slot, pid } of report?.workers ?? []) {
        const env = answers.get(pid ?? 0)?.json.env as Record<string, string>
        assert.equal(env.BROOD_SLOT, `${slot}`)
      }
      return report?.workers ?? []
    }
    await assertSlots()
    assert.equal((await brood.run('reload', 'app')).code, 0)
    const [, second] = await assertSlots()
    process.kill(second?.pid ?? 0, 'SIGKILL')
    await brood.event(({ type, slot, pid }) => type === 'worker-ready' && slot === 1 && pid !== second?.pid)
    // The same type as before the kill, so it may be an old one: the list decides.
    await brood.event(({ type, pid }) => type === 'worker-exited' && pid === second?.pid)
    await assertSlots()
  })
})

describe('a program that uses node:cluster', () => {
  for (const name of ['uses-cluster.cjs', 'uses-cluster-esm.mjs']) {
    it(`${name} sees itself as a worker, numbered from 1, and forks nothing`, bounded, async (t) => {
      const brood = Brood.create(t)
      const { report, port } = await brood.start(program(name), '-w', '2', '--name', 'app')
      const supervisor = await brood.json<SupervisorReport>('show')
      const answers = await answerOfEach(t, pidsOf(report), { port, path: '/' })
      for (const { slot, pid } of report.workers) {
        assert.deepEqual(answers.get(pid ?? 0)?.json, { pid, parent: supervisor.pid, id: slot + 1 })
      }
      assert.deepEqual(brood.processes().toSorted(), [supervisor.pid, ...pidsOf(report)].toSorted())
    })
  }

  it('sees isPrimary, isMaster, isWorker and worker by every kind of import', bounded, async (t) => {
    const brood = Brood.create(t)
    const script = temporaryProgram(
      t,
      'imports.mjs',
      httpThatShows(
        '[cluster, named, require("node:cluster"), require("cluster")].map(facesOf)',
        `import { createRequire } from 'node:module'
        import cluster, * as named from 'node:cluster'
        const require = createRequire(import.meta.url)
        const facesOf = ({ isPrimary, isMaster, isWorker, worker }) => ({
          isPrimary, isMaster, isWorker, id: worker.id, same: worker.process === process, dead: worker.isDead(), connected: worker.isConnected(),
        })`,
      ),
    )
    const { port } = await brood.start(script, '--name', 'app')
    const { body } = await get({ port, signal: t.signal })
    const face = {
      isPrimary: false,
      isMaster: false,
      isWorker: true,
      id: 1,
      same: true,
      dead: false,
      connected: true,
    }
    assert.deepEqual(JSON.parse(body), [face, face, face, face])
  })
})

describe('server.address()', () => {
  it('is known right after listen on the very first start, as in plain Node', bounded, async (t) => {
    const brood = Brood.create(t)
    const port = await freePort()
    const script = temporaryProgram(
      t,
      'address.mjs',
      `import http from 'node:http'
      const server = http.createServer((request, response) => {
        response.setHeader('x-pid', process.pid)
        response.end(JSON.stringify({ early, late: server.address() }))
      })
      server.listen(Number(process.env.PORT), '127.0.0.1')
      const early = server.address()`,
    )
    const { report } = await brood.start(script, '-w', '2', '--name', 'app', '--env', `PORT=${port}`)
    const address = { address: '127.0.0.1', family: 'IPv4', port }
    for (const { json } of (await answerOfEach(t, pidsOf(report), { port, path: '/' })).values()) {
      assert.deepEqual(json, { early: address, late: address })
    }
  })

  it('is the path of a unix socket, in the first workers and in those after them', bounded, async (t) => {
    const brood = Brood.create(t)
    const path = join(temporaryFolder(t), 'socket')
    await brood.json(
      'start',
      '-w',
      '2',
      '--name',
      'app',
      '--env',
      `SOCKET=${path}`,
      program('unix-socket.js'),
    )
    assert.equal((await brood.run('reload', 'app')).code, 0)
    const { stdout } = await brood.run('logs', 'app')
    const lines = [0, 0, 1, 1].map((slot) => `app/${slot} | listening on ${path}\n`)
    assert.equal(stdout, lines.join(''))
  })
})

describe('a listen that is refused', () => {
  const source = (onError: string) => `
    import http from 'node:http'
    const seen = []
    http.createServer((request, response) => {
      response.setHeader('x-pid', process.pid)
      response.end(JSON.stringify(seen))
    }).listen(Number(process.env.PORT))
    process.on('SIGUSR2', () => {
      const second = http.createServer().listen(Number(process.env.TAKEN))
      ${onError}
    })`

  it('is an error of the server, as in plain Node, and the worker goes on', bounded, async (t) => {
    const brood = Brood.create(t)
    const taken = net.createServer().listen(0).unref()
    t.after(() => taken.close())
    await once(taken, 'listening')
    const { port: takenPort } = taken.address() as net.AddressInfo
    const onError = `second.on('error', ({ code, syscall, port }) => {
      seen.push({ code, syscall, port })
      console.log('refused')
    })`
    const script = temporaryProgram(t, 'asks-for-taken-port.mjs', source(onError))
    const env = ['--env', 'PORT=0', '--env', `TAKEN=${takenPort}`]
    const { report, port } = await brood.start(script, '--name', 'app', ...env)
    assert.equal((await brood.run('signal', 'app', 'SIGUSR2')).code, 0)
    const logs = brood.spawn('logs', '-f', 'app')
    assert.ok(logs.stdout)
    await once(logs.stdout, 'data') // the only line that the program ever writes
    logs.kill('SIGKILL')
    await once(logs, 'exit')
    const { pid, body } = await get({ port, signal: t.signal })
    assert.deepEqual(JSON.parse(body), [{ code: 'EADDRINUSE', syscall: 'listen', port: takenPort }])
    assert.deepEqual([pid], pidsOf(report))
  })

  it('ends a program that does not listen for the error, which is told', bounded, async (t) => {
    const brood = Brood.create(t)
    const taken = net.createServer().listen(0).unref()
    t.after(() => taken.close())
    await once(taken, 'listening')
    const { port: takenPort } = taken.address() as net.AddressInfo
    const script = temporaryProgram(t, 'asks-for-taken-port.mjs', source(''))
    const env = ['--env', 'PORT=0', '--env', `TAKEN=${takenPort}`]
    const { report } = await brood.start(script, '--name', 'app', ...env)
    const [pid] = pidsOf(report)
    assert.equal((await brood.run('signal', 'app', 'SIGUSR2')).code, 0)
    const { reason } = await brood.event((event) => event.type === 'worker-exited' && event.pid === pid)
    assert.match(reason ?? '', /exited with code 1: .*EADDRINUSE/)
  })
})

describe("Node's IPC", () => {
  it('works for the program, which sees no message of brood', bounded, async (t) => {
    const brood = Brood.create(t)
    const script = temporaryProgram(
      t,
      'talks.mjs',
      `import http from 'node:http'
      process.on('message', (message) => console.log('saw', JSON.stringify(message)))
      process.on('disconnect', () => console.log('disconnected'))
      process.send({ type: 'hello' }, (error) => console.log('sent', error, process.connected))
      http.createServer((request, response) => {
        response.setHeader('x-pid', process.pid)
        response.end()
      }).listen(Number(process.env.PORT))`,
    )
    const { report, port } = await brood.start(script, '-w', '2', '--name', 'app')
    // Handed-on connections and adopted sockets travel on the same line: a reload and a crash send some of each.
    const load = startLoad({ port, signal: t.signal, kinds: { keepAliveIdle: { clients: 10 } } })
    await load.until(({ total }) => pidsOf(report).every((pid) => total.pids.has(pid)))
    assert.equal((await brood.run('reload', 'app')).code, 0)
    const [first] = pidsOf((await brood.list())[0])
    assert.ok(first)
    process.kill(first, 'SIGKILL')
    await brood.event(({ type, pid }) => type === 'worker-exited' && pid === first)
    await load.stop()
    const { stdout } = await brood.run('logs', 'app')
    assert.doesNotMatch(stdout, /saw/)
    assert.equal(stdout.match(/sent null true/g)?.length ?? 0, stdout.split('\n').filter(Boolean).length)
    assert.match(stdout, /app\/0 \| sent null true/)
    assert.match(stdout, /app\/1 \| sent null true/)
  })

  it('may be closed by the program: its reload fails no request all the same', bounded, async (t) => {
    const brood = Brood.create(t)
    const script = temporaryProgram(
      t,
      'disconnects.mjs',
      `import http from 'node:http'
      const server = http.createServer((request, response) => {
        response.setHeader('x-pid', process.pid)
        response.end()
      })
      server.listen(Number(process.env.PORT), () => process.disconnect())`,
    )
    const { report, port } = await brood.start(script, '-w', '2', '--name', 'app')
    const load = startLoad({
      port,
      signal: t.signal,
      kinds: {
        keepAliveBusy: { clients: 4, pause: 5 },
        keepAliveIdle: { clients: 10 },
        short: { clients: 2 },
      },
    })
    await load.until(({ total }) => pidsOf(report).every((pid) => total.pids.has(pid)))
    assert.equal((await brood.run('reload', 'app')).code, 0)
    const { examples } = await load.stop()
    assert.deepEqual(examples, [])
  })
})

describe('what a worker starts', () => {
  it(
    'by child_process.fork is no worker: it listens by itself and knows nothing of brood',
    bounded,
    async (t) => {
      const brood = Brood.create(t)
      const script = temporaryProgram(
        t,
        'forks.mjs',
        `import { fork } from 'node:child_process'
      import cluster from 'node:cluster'
      import { once } from 'node:events'
      import http from 'node:http'
      import { fileURLToPath } from 'node:url'
      if (process.argv[2] === 'child') {
        const server = http.createServer((request, response) => {
          response.setHeader('x-pid', process.pid)
          response.end()
        })
        server.listen(0, () => process.send({
          pid: process.pid,
          port: server.address().port,
          birth: process.env.BROOD_BIRTH ?? null,
          execArgv: process.execArgv,
          isPrimary: cluster.isPrimary,
          preloaded: Symbol.for('brood.worker') in globalThis,
        }))
      } else {
        const child = fork(fileURLToPath(import.meta.url), ['child'])
        const [told] = await once(child, 'message')
        http.createServer((request, response) => {
          response.setHeader('x-pid', process.pid)
          response.end(JSON.stringify(told))
        }).listen(Number(process.env.PORT))
      }`,
      )
      const { report, port } = await brood.start(script, '-w', '2', '--name', 'app')
      const answers = await answerOfEach(t, pidsOf(report), { port, path: '/' })
      const children = [...answers].map(
        ([worker, { json }]) => ({ worker, ...json }) as Record<string, unknown>,
      )
      for (const child of children) {
        const { birth, execArgv, isPrimary, preloaded } = child
        const expected = { birth: null, execArgv: [], isPrimary: true, preloaded: false }
        assert.deepEqual({ birth, execArgv, isPrimary, preloaded }, expected)
        assert.equal((await get({ port: Number(child.port), signal: t.signal })).pid, child.pid)
        const inherited = socketsOf(Number(child.pid)).filter((one) =>
          socketsOf(Number(child.worker)).includes(one),
        )
        assert.deepEqual(inherited, [], 'the child holds sockets of its worker')
      }
      assert.equal(new Set(children.map((child) => child.port)).size, 2)
      assert.equal(report.addresses.length, 1)
      assert.ok(children.every((child) => child.port !== portOf(report)))
    },
  )

  it('as a thread runs without the preload and answers its worker', bounded, async (t) => {
    const brood = Brood.create(t)
    const script = temporaryProgram(
      t,
      'threads.mjs',
      httpThatShows(
        'ask()',
        `import { once } from 'node:events'
        import { Worker } from 'node:worker_threads'
        const thread = new Worker(\`
          const { parentPort, threadId } = require('node:worker_threads')
          parentPort.on('message', () => parentPort.postMessage({
            threadId,
            slot: process.env.BROOD_SLOT,
            birth: process.env.BROOD_BIRTH ?? null,
            execArgv: process.execArgv,
            preloaded: Symbol.for('brood.worker') in globalThis,
          }))
        \`, { eval: true })
        const ask = async () => {
          thread.postMessage('who are you?')
          return (await once(thread, 'message'))[0]
        }`,
      ),
    )
    const { report, port } = await brood.start(script, '-w', '2', '--name', 'app')
    const answers = await answerOfEach(t, pidsOf(report), { port, path: '/' })
    for (const { slot, pid } of report.workers) {
      const expected = { threadId: 1, slot: `${slot}`, birth: null, execArgv: [], preloaded: false }
      assert.deepEqual(answers.get(pid ?? 0)?.json, expected)
    }
    assert.equal((await brood.run('reload', 'app')).code, 0)
  })
})

describe('a program that closes its server itself', () => {
  it('at its end hears of it as without brood, though that has been drained before', bounded, async (t) => {
    const brood = Brood.create(t)
    const script = temporaryProgram(
      t,
      'closes-at-end.mjs',
      `import http from 'node:http'
      const server = http.createServer((request, response) => response.end())
      server.on('close', () => console.log('close'))
      server.listen(Number(process.env.PORT))
      process.on('SIGTERM', () => {
        console.log('listening', server.listening, server.address() !== null)
        server.close((error) => {
          console.log('closed', error?.code, server.listening, server.address())
          server.close((again) => console.log('again', again?.code))
        })
      })`,
    )
    await brood.start(script, '--name', 'app')
    assert.equal((await brood.run('stop', 'app')).code, 0)
    assert.deepEqual(await linesOf(brood, 'app'), [
      'listening true true',
      'close',
      'closed undefined false null',
      'close',
      'again ERR_SERVER_NOT_RUNNING',
    ])
  })

  for (const command of ['stop', 'reload'])
    it(`finishes in a ${command} what it has accepted before`, bounded, async (t) => {
      const brood = Brood.create(t)
      const script = temporaryProgram(
        t,
        'closes-early.mjs',
        `import http from 'node:http'
        const server = http.createServer((request, response) => {
          server.close()
          process.once('SIGUSR2', () => response.end('whole'))
          response.write('the ')
        })
        server.listen(Number(process.env.PORT))`,
      )
      const { report, port } = await brood.start(script, '--name', 'app')
      const [pid = 0] = pidsOf(report)
      const client = net.connect(port, '127.0.0.1')
      t.after(() => client.destroy())
      client.write('GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n')
      const [begin] = await once(client, 'data')
      const ran = brood.run(command, 'app')
      await brood.waitForWorker('app', 'draining')
      process.kill(pid, 'SIGUSR2')
      assert.match(`${begin}${await text(client)}`, /whole/)
      assert.equal((await ran).code, 0)
    })

  it(
    "by cluster.worker.disconnect() hears that it is closed, as in a cluster's worker",
    bounded,
    async (t) => {
      const brood = Brood.create(t)
      const script = temporaryProgram(
        t,
        'disconnects.mjs',
        `import cluster from 'node:cluster'
      import http from 'node:http'
      const server = http.createServer((request, response) => {
        response.end('{}')
        cluster.worker.disconnect()
      })
      server.on('close', () => console.log('close'))
      server.listen(Number(process.env.PORT))`,
      )
      const { port } = await brood.start(script, '--name', 'app')
      await once(net.connect(port, '127.0.0.1').end('GET / HTTP/1.1\r\nHost: test\r\n\r\n').resume(), 'close')
      await brood.waitForLog('app', /close/)
    },
  )

  it('in the turn in which it began to listen hears no error, and does not listen', bounded, async (t) => {
    const brood = Brood.create(t)
    const [first, other, named] = [await freePort(), await freePort(), await freePort()]
    const script = temporaryProgram(
      t,
      'closes-at-once.mjs',
      `import http from 'node:http'
      const server = http.createServer((request, response) => response.end())
      server.listen(${first})
      server.close((error) => console.log('closed', error?.code))
      server.listen(${other})
      const byName = http.createServer()
      byName.on('listening', () => console.log('listens though it is closed'))
      byName.listen(${named}, 'localhost')
      byName.close()`,
    )
    await brood.start(script, '--name', 'app')
    // Now with the sockets that were learned.
    assert.equal((await brood.run('reload', 'app')).code, 0)
    assert.deepEqual(await linesOf(brood, 'app'), ['closed undefined', 'closed undefined'])
  })
})

describe('a program that closes its server and listens again', () => {
  it('listens again, and its reload fails no request', bounded, async (t) => {
    const brood = Brood.create(t)
    const { report, port } = await brood.start(program('relistens.js'), '-w', '2', '--name', 'app')
    const pids = pidsOf(report)
    // One after the other: closing an HTTP server, Node itself breaks answers that are just being written.
    const relistened = new Set<number>()
    while (relistened.size < 2) relistened.add((await get({ port, path: '/relisten', signal: t.signal })).pid)
    for (const { json } of (await answerOfEach(t, pids, { port, path: '/' })).values()) {
      assert.ok(Number(json.listens) >= 2, `listened ${json.listens} times`)
    }
    const asking = keepAsking(askHttp(port), t.signal)
    await asking.answersFrom(pids)
    assert.equal((await brood.run('reload', 'app')).code, 0)
    await asking.answersFrom(pidsOf((await brood.list())[0]))
    assert.deepEqual(await asking.stop(), [])
  })

  it(
    'leaves its queue to a sibling meanwhile: no connection is refused or left hanging',
    bounded,
    async (t) => {
      const brood = Brood.create(t)
      const script = temporaryProgram(
        t,
        'closes.mjs',
        `import http from 'node:http'
      let port = Number(process.env.PORT)
      const server = http.createServer((request, response) => {
        response.setHeader('x-pid', process.pid)
        if (request.url === '/close') server.close()
        response.end()
      })
      server.on('listening', () => {
        port = server.address().port
      })
      server.listen(port)
      process.on('SIGUSR2', () => server.listen(port))
      setInterval(() => {}, 60_000)`,
      )
      const { report, port } = await brood.start(script, '-w', '2', '--name', 'app')
      const pids = pidsOf(report)
      for (let round = 0; round < 3; round++) {
        const { pid: closed } = await get({ port, path: '/close', signal: t.signal })
        const open = pids.find((pid) => pid !== closed)
        const answerers = new Set<number>()
        for (let asked = 0; asked < 40; asked++) answerers.add((await get({ port, signal: t.signal })).pid)
        assert.deepEqual([...answerers], [open])
        const [now] = await brood.list()
        const [closedSlot] = (now?.workers ?? []).filter(({ pid }) => pid === closed).map(({ slot }) => slot)
        const adopted = (now?.workers ?? []).map((worker) => [worker.pid, worker.adopted])
        assert.deepEqual(Object.fromEntries(adopted), { [`${closed}`]: [], [`${open}`]: [closedSlot] })
        const signalled = await brood.run('signal', `app/${closedSlot}`, 'SIGUSR2')
        assert.equal(signalled.code, 0, signalled.stderr)
        await answerOfEach(t, pids, { port, path: '/' })
      }
      assert.deepEqual(pidsOf((await brood.list())[0]), pids)
    },
  )
})

/** The sockets a process holds, as the kernel numbers them. */
function socketsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/${pid}/fd/${fd}`)
      return target.startsWith('socket:') ? [target] : []
    } catch {
      return [] // closed since the folder was read
    }
  })
}
