// Unmodified programs, of every kind, run as two workers; both answer, and a reload replaces them without a failed request.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { type Ask, askHttp, askHttp2, askHttps, askTcp, askUnixSocket, askWebSocket } from '../support/ask.ts'
import { keepAsking } from '../support/asking.ts'
import { Brood, pidsOf, portOf, program } from '../support/brood.ts'
import { freePort } from '../support/free-port.ts'
import { startLoad } from '../support/load/index.ts'
import { temporaryFolder, temporaryProgram } from '../support/temporary.ts'

const bounded = { timeout: 60_000 }
const twoWorkers = ['-w', '2', '--name', 'app']

/** Both workers answer under the load, a reload loses no request, and then two other workers answer. */
async function reloadUnderLoad(t: TestContext, brood: Brood, port: number): Promise<void> {
  const before = pidsOf((await brood.list())[0])
  const load = startLoad({
    port,
    signal: t.signal,
    kinds: {
      keepAliveBusy: { clients: 4, pause: 5 },
      keepAliveIdle: { clients: 6, idleFrom: 20, idleTo: 200 },
      short: { clients: 3, pause: 2 },
    },
  })
  await load.until(({ total }) => before.every((pid) => total.pids.has(pid)))
  const after = await reload(brood, before)
  await load.until(({ total }) => after.every((pid) => total.pids.has(pid)))
  const { total, examples } = await load.stop()
  assert.deepEqual(examples, [])
  assert.equal(total.failures, 0)
}

/** The same for what the load client does not speak. */
async function reloadWhileAsking(t: TestContext, brood: Brood, ask: Ask): Promise<void> {
  const before = pidsOf((await brood.list())[0])
  const asking = keepAsking(ask, t.signal)
  await asking.answersFrom(before)
  const after = await reload(brood, before)
  await asking.answersFrom(after)
  assert.deepEqual(await asking.stop(), [])
}

async function reload(brood: Brood, before: readonly number[]): Promise<number[]> {
  assert.equal(before.length, 2)
  const ran = await brood.run('reload', 'app')
  assert.equal(ran.code, 0, ran.stderr)
  const after = pidsOf((await brood.list())[0])
  assert.equal(new Set([...before, ...after]).size, 4, `${before} were replaced by ${after}`)
  return after
}

describe('a program that serves plain HTTP', () => {
  const programs = [
    'http.js',
    'express.js',
    'fastify.js',
    'ws.js',
    'drain-hook.js',
    'port-zero.js',
    'reuse-port.js',
    'listens-late.js',
    'typescript.ts',
    'module.mjs',
    'common.cjs',
    'uses-cluster.cjs',
    'uses-cluster-esm.mjs',
  ]
  for (const name of programs) {
    it(`${name} answers from both workers, and a reload fails no request`, bounded, async (t) => {
      const brood = Brood.create(t)
      const { port } = await brood.start(program(name), ...twoWorkers)
      await reloadUnderLoad(t, brood, port)
    })
  }

  it('answers so too on the port that it picks itself', bounded, async (t) => {
    const brood = Brood.create(t)
    const wanted = await freePort()
    const { port } = await brood.start(program('http.js'), ...twoWorkers, '--env', `PORT=${wanted}`)
    assert.equal(port, wanted)
    await reloadUnderLoad(t, brood, port)
  })

  it('answers so too on the port that brood was told to bind', bounded, async (t) => {
    const brood = Brood.create(t)
    const wanted = await freePort()
    const { port } = await brood.start(program('http.js'), ...twoWorkers, '--port', `${wanted}`)
    assert.equal(port, wanted)
    await reloadUnderLoad(t, brood, port)
  })

  it('answers so too when all workers share one socket', bounded, async (t) => {
    const brood = Brood.create(t)
    const { port } = await brood.start(program('http.js'), ...twoWorkers, '--share', 'shared')
    await reloadUnderLoad(t, brood, port)
  })
})

describe('a program that keeps its port to itself', () => {
  it('is ready when it listens, and outlives its supervisor', bounded, async (t) => {
    const brood = Brood.create(t)
    const wanted = await freePort()
    const flags = ['-w', '1', '--name', 'app', '--env', `PORT=${wanted}`]
    const [pid = 0] = pidsOf(await brood.launch(program('exclusive.js'), ...flags))
    await brood.killSupervisor()
    const asking = keepAsking(askHttp(wanted), t.signal)
    await asking.answersFrom([pid])
    assert.deepEqual(pidsOf((await brood.list())[0]), [pid])
    assert.deepEqual(await asking.stop(), [])
  })

  it('cannot be two, and the start says why', bounded, async (t) => {
    const brood = Brood.create(t)
    const wanted = await freePort()
    const flags = ['-w', '2', '--env', `PORT=${wanted}`, program('exclusive.js')]
    const ran = await brood.run('start', ...flags)
    assert.equal(ran.code, 4)
    assert.match(ran.stderr, /EADDRINUSE/)
  })
})

describe('a program with two ports', () => {
  it('answers from both workers on each, and a reload fails no request on either', bounded, async (t) => {
    const brood = Brood.create(t)
    const flags = [...twoWorkers, '--env', 'PORT=0', '--env', 'PORT2=0']
    const { report } = await brood.start(program('two-ports.js'), ...flags)
    const before = pidsOf(report)
    const askings = [0, 1].map((index) => keepAsking(askHttp(portOf(report, index)), t.signal))
    for (const asking of askings) await asking.answersFrom(before)
    const after = await reload(brood, before)
    for (const asking of askings) await asking.answersFrom(after)
    for (const asking of askings) assert.deepEqual(await asking.stop(), [])
  })
})

describe('a program that speaks something else', () => {
  const programs: Record<string, (port: number) => Ask> = {
    'tls.js': askHttps,
    'http2.js': askHttp2,
    'raw-tcp.js': askTcp,
    'ws.js': askWebSocket,
  }
  for (const [name, askAt] of Object.entries(programs)) {
    it(`${name} answers from both workers, and a reload fails no request`, bounded, async (t) => {
      const brood = Brood.create(t)
      const { port } = await brood.start(program(name), ...twoWorkers)
      await reloadWhileAsking(t, brood, askAt(port))
    })
  }

  it('unix-socket.js answers from both workers, and a reload fails no request', bounded, async (t) => {
    const brood = Brood.create(t)
    const path = join(temporaryFolder(t), 'socket')
    const env = ['--env', `SOCKET=${path}`]
    const report = await brood.json('start', ...twoWorkers, ...env, program('unix-socket.js'))
    assert.deepEqual((report as { addresses: string[] }).addresses, [path])
    await reloadWhileAsking(t, brood, askUnixSocket(path))
  })
})

describe('a unix socket', { skip: process.platform !== 'linux' && 'abstract names are of Linux' }, () => {
  it(
    'with a relative path is in the folder of the program, which sees it as it named it',
    bounded,
    async (t) => {
      const brood = Brood.create(t)
      const folder = temporaryFolder(t)
      const flags = ['--cwd', folder, '--env', 'SOCKET=own.sock']
      const report = await brood.json('start', ...twoWorkers, ...flags, program('unix-socket.js'))
      const path = join(folder, 'own.sock')
      assert.deepEqual((report as { addresses: string[] }).addresses, [path])
      await reloadWhileAsking(t, brood, askUnixSocket(path))
      assert.match((await brood.run('logs', 'app')).stdout, /listening on own\.sock/)
    },
  )

  it('with an abstract name is given back without harm to the supervisor', bounded, async (t) => {
    const brood = Brood.create(t)
    const name = `\0brood-test-${process.pid}`
    const script = temporaryProgram(
      t,
      'abstract.mjs',
      `import http from 'node:http'
      http.createServer((request, response) => {
        response.setHeader('x-pid', process.pid)
        response.end(JSON.stringify({ pid: process.pid }))
      }).listen(${JSON.stringify(name)})`,
    )
    await brood.launch(script, ...twoWorkers)
    const { pid } = await brood.json<{ pid: number }>('show')
    await reloadWhileAsking(t, brood, askUnixSocket(name))
    const ran = await brood.run('delete', 'app')
    assert.equal(ran.code, 0, ran.stderr)
    assert.equal((await brood.json<{ pid: number }>('show')).pid, pid)
  })

  it('with a path that is too long fails as without brood, and nothing else does', bounded, async (t) => {
    const brood = Brood.create(t)
    const script = temporaryProgram(
      t,
      'too-long.mjs',
      `import http from 'node:http'
      const server = http.createServer((request, response) => {
        response.setHeader('x-pid', process.pid)
        response.end(JSON.stringify({ pid: process.pid }))
      })
      server.once('error', ({ code }) => {
        console.log('failed with', code)
        server.listen(Number(process.env.PORT))
      })
      server.listen('/tmp/' + 'x'.repeat(120))`,
    )
    const { port } = await brood.start(script, ...twoWorkers)
    await reloadWhileAsking(t, brood, askHttp(port))
    assert.match((await brood.run('logs', 'app')).stdout, /failed with EINVAL/)
  })
})

describe('a program that listens on several hosts with one port', {
  skip: process.platform !== 'linux' && 'other systems have one loopback address',
}, () => {
  it('answers from both workers on each, and a reload fails no request on either', bounded, async (t) => {
    const brood = Brood.create(t)
    const port = await freePort()
    const hosts = ['127.0.0.1', '127.0.0.2', '127.0.0.3']
    const script = temporaryProgram(
      t,
      'several-hosts.mjs',
      `import http from 'node:http'
      for (const host of ${JSON.stringify(hosts)}) {
        http.createServer((request, response) => {
          response.setHeader('x-pid', process.pid)
          response.end(JSON.stringify({ pid: process.pid }))
        }).listen(${port}, host)
      }`,
    )
    await brood.launch(script, ...twoWorkers)
    // They are given back, and bound again for the next workers.
    for (const command of ['stop', 'restart']) assert.equal((await brood.run(command, 'app')).code, 0)
    const before = pidsOf((await brood.list())[0])
    assert.deepEqual(
      await brood.addresses('app', 3),
      hosts.map((host) => `${host}:${port}`),
    )
    const askings = hosts.map((host) => keepAsking(askHttp(port, host), t.signal))
    for (const asking of askings) await asking.answersFrom(before)
    const after = await reload(brood, before)
    for (const asking of askings) await asking.answersFrom(after)
    for (const asking of askings) assert.deepEqual(await asking.stop(), [])
  })
})

describe('a program that asks for any free port again and again', () => {
  it('gets the same one, and no more sockets are held for it', bounded, async (t) => {
    const brood = Brood.create(t)
    const script = temporaryProgram(
      t,
      'any-port.mjs',
      `import http from 'node:http'
      import net from 'node:net'
      let left = 20
      const look = () => {
        if (left-- === 0) return http.createServer((_, response) => response.end()).listen(Number(process.env.PORT))
        const server = net.createServer().listen(0, () => server.close(look))
      }
      look()`,
    )
    const wanted = await freePort()
    const flags = [...twoWorkers, '--env', `PORT=${wanted}`, '--ready', `tcp:${wanted}`]
    const report = await brood.launch(script, ...flags)
    assert.equal(report.addresses.length, 2, report.addresses.join(' '))
  })
})

describe('a program that binds UDP to what is no port', () => {
  it('gets what Node makes of it, and is not ended for it', bounded, async (t) => {
    const brood = Brood.create(t)
    const script = temporaryProgram(
      t,
      'no-port.mjs',
      `import dgram from 'node:dgram'
      import http from 'node:http'
      dgram.createSocket('udp4').bind('none', () => {
        http.createServer((_, response) => response.end()).listen(Number(process.env.PORT))
      })`,
    )
    const { workers } = await brood.launch(script, ...twoWorkers)
    assert.deepEqual(
      workers.map(({ restarts }) => restarts),
      [0, 0],
    )
  })
})

describe('a program that listens on a host by name', () => {
  it('localhost answers from both workers, and a reload fails no request', bounded, async (t) => {
    const brood = Brood.create(t)
    const script = temporaryProgram(
      t,
      'localhost.mjs',
      `import http from 'node:http'
      http.createServer((request, response) => {
        response.setHeader('x-pid', process.pid)
        response.end('hello')
      }).listen({ port: Number(process.env.PORT), host: 'localhost' })`,
    )
    const { port } = await brood.start(script, ...twoWorkers)
    await reloadWhileAsking(t, brood, askHttp(port, 'localhost'))
  })

  it('Fastify, which listens on every address of localhost, answers on each', bounded, async (t) => {
    const brood = Brood.create(t)
    const wanted = await freePort()
    const fastify = import.meta.resolve('fastify')
    const script = temporaryProgram(
      t,
      'fastify-localhost.mjs',
      `import fastify from ${JSON.stringify(fastify)}
      const application = fastify()
      application.get('/', async (request, reply) => {
        reply.header('x-pid', process.pid)
        return 'hello'
      })
      await application.listen({ port: Number(process.env.PORT) })`,
    )
    const { port, report } = await brood.start(script, ...twoWorkers, '--env', `PORT=${wanted}`)
    assert.equal(port, wanted)
    // An address is written in front of its port: 127.0.0.1:3000, ::1:3000.
    const hosts = report.addresses.map((address) => address.slice(0, address.lastIndexOf(':')))
    assert.ok(hosts.includes('127.0.0.1'), `no IPv4 address in ${report.addresses}`)
    const askings = hosts.map((host) => keepAsking(askHttp(port, host), t.signal))
    const before = pidsOf(report)
    for (const asking of askings) await asking.answersFrom(before)
    const after = await reload(brood, before)
    for (const asking of askings) await asking.answersFrom(after)
    for (const asking of askings) assert.deepEqual(await asking.stop(), [])
  })
})
