// Servers, connections and UDP sockets that are sent to a child, and what is said of those that cannot be.
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer as createHttpServer, IncomingMessage, ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { suite } from 'node:test'
import { createServer as createTlsServer, TLSSocket } from 'node:tls'
import { fork } from '../../src/process/index.ts'
import { processTest, programPath } from '../support/process/process-test.ts'
import { rejectsWith } from '../support/process/rejects-with.ts'
import type { Talk } from './programs/talk.ts'

const talks = programPath('talks.ts')

async function listening<S extends Server>(server: S): Promise<S> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** Both ends of a connection; the server is closed with the test's end. */
async function connection(): Promise<{ near: Socket; far: Socket } & AsyncDisposable> {
  const server = await listening(createServer({ pauseOnConnect: true }))
  const accepted = once(server, 'connection')
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [far] = await accepted
  return {
    near,
    far,
    async [Symbol.asyncDispose]() {
      near.destroy()
      far.destroy()
      server.close()
    },
  }
}

suite('a handle', () => {
  processTest('of a listening server: parent and children serve one port with HTTP', async () => {
    await using one = fork<Talk>(talks)
    await using two = fork<Talk>(talks)
    const listener = await listening(createServer())
    const { port } = listener.address() as AddressInfo
    for (const child of [one, two])
      assert.equal(await child.request('serve', null, { handle: listener }), 'serving')
    listener.close() // the parent has its hands free: only the children accept
    const answer = await (await fetch(`http://127.0.0.1:${port}`)).text()
    assert.ok([`child ${one.pid}`, `child ${two.pid}`].includes(answer), answer)
  })

  processTest('of a connection: the child answers on it', async () => {
    await using child = fork<Talk>(talks)
    await using pair = await connection()
    const text = pair.near.setEncoding('utf8').toArray()
    assert.equal(await child.request('greet', 'hello', { handle: pair.far }), 'greeted')
    assert.equal((await text).join(''), `hello from ${child.pid}`)
  })

  processTest('of a UDP socket', async () => {
    await using child = fork<Talk>(talks)
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    assert.equal(await child.request('datagram', null, { handle: socket }), socket.address().port)
    socket.close()
  })

  processTest('goes with a plain message too, as Node does it', async () => {
    await using child = fork(programPath('bare.js'))
    const listener = await listening(createServer())
    const messages = child.messages()
    await messages.next()
    await child.send('server', { handle: listener })
    assert.deepEqual((await messages.next()).value?.message, { echo: 'server', handle: 'Server' })
    listener.close()
  })

  processTest('that cannot travel is refused with what to send in its place', async () => {
    await using child = fork<Talk>(talks)
    await using pair = await connection()
    const http = await listening(createHttpServer())
    const tls = createTlsServer()
    const response = new ServerResponse(new IncomingMessage(pair.near))
    const refused: [handle: unknown, says: RegExp][] = [
      [
        http,
        /type http\.Server cannot be sent .* send a net\.Server: `const listener = net\.createServer\(\)/,
      ],
      [createHttpServer(), /send a net\.Server/],
      [tls, /type tls\.Server or https\.Server .* send a net\.Server/],
      [new TLSSocket(pair.near), /type tls\.TLSSocket .* send the net\.Socket before/],
      [response, /type ServerResponse .* send a net\.Server, net\.Socket or dgram\.Socket/],
      [{}, /type Object/],
      [Object.create(null), /type object/],
      [5, /type number/],
      [null, /type object/],
    ]
    for (const [handle, says] of refused) {
      const error = await rejectsWith('handle_invalid', child.send({ n: 1 }, { handle: handle as Socket }))
      assert.match(error.message, says)
    }
    assert.equal(await child.request('echo', 'goes on'), 'goes on')
    http.close()
  })

  processTest(
    'that is closed or not open yet is refused, where Node would send the message alone',
    async () => {
      await using child = fork<Talk>(talks)
      await using pair = await connection()
      const closed = createServer()
      const unbound = createSocket('udp4')
      const connecting = connect((pair.near.address() as AddressInfo).port, '127.0.0.2').on('error', () => {})
      pair.far.destroy()
      const lost: [handle: Server | Socket | typeof unbound, says: RegExp][] = [
        [closed, /does not listen/],
        [pair.far, /is closed/],
        [connecting, /not connected yet/],
        [unbound, /closed or not bound/],
      ]
      for (const [handle, says] of lost) {
        assert.match(
          (await rejectsWith('handle_lost', child.request('greet', 'x', { handle }))).message,
          says,
        )
      }
      connecting.destroy()
      unbound.close()
    },
  )

  processTest(
    'whose receiver dies with it on the way: a typed error, and the client sees its end',
    async () => {
      await using child = fork<Talk>(talks)
      await child.request('echo', 0)
      const loop = rejectsWith('channel_closed', child.request('loop', null))
      await using pair = await connection()
      const greeting = rejectsWith('channel_closed', child.request('greet', 'x', { handle: pair.far }))
      const ended = once(pair.near.resume(), 'close')
      await child.kill()
      await Promise.all([loop, greeting, ended])
    },
  )
})
