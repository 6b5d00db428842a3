/** Asks a server once, on a new connection, in each of the protocols that the programs speak; the answer is who gave it. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http2 from 'node:http2'
import https from 'node:https'
import net from 'node:net'
import { text } from 'node:stream/consumers'
import { WebSocket } from 'ws'
import { get } from '../fixtures/get.ts'

/** The pid of the process that answered. Rejects when there is no right answer before `signal` aborts. */
export type Ask = (signal: AbortSignal) => Promise<number>

const certificate = new URL('../fixtures/certificates/test-only-certificate.pem', import.meta.url)

export function askHttp(port: number, host = '127.0.0.1'): Ask {
  return async (signal) => (await get({ host, port, signal })).pid
}

export function askUnixSocket(socketPath: string): Ask {
  return async (signal) => (await get({ socketPath, signal })).pid
}

export function askHttps(port: number): Ask {
  const ca = readFileSync(certificate)
  return async (signal) => {
    const request = https.get({ host: 'localhost', port, ca, agent: false, signal })
    const [response] = await once(request, 'response')
    await text(response)
    return Number(response.headers['x-pid'])
  }
}

export function askHttp2(port: number): Ask {
  return async (signal) => {
    const session = http2.connect(`http://127.0.0.1:${port}`, {
      createConnection: () => net.connect({ port, host: '127.0.0.1', signal }),
    })
    // What breaks the session breaks its only request too, which tells it.
    session.on('error', () => {})
    try {
      const request = session.request({ ':path': '/' })
      const [headers] = await once(request, 'response')
      await text(request)
      return Number(headers['x-pid'])
    } finally {
      session.close()
    }
  }
}

/** For `raw-tcp.js`, which greets with its pid and echoes. */
export function askTcp(port: number): Ask {
  return async (signal) => {
    const socket = net.connect({ port, host: '127.0.0.1', signal })
    socket.end('hello')
    const answer = /^pid (\d+)\nhello$/.exec(await text(socket))
    if (answer === null) throw new Error('the echo is not as expected')
    return Number(answer[1])
  }
}

/** For `ws.js`, which names its pid in the handshake and echoes. */
export function askWebSocket(port: number): Ask {
  return async (signal) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`)
    // An error is always followed by 'close', which is waited for in any case.
    socket.on('error', () => {})
    const end = () => socket.terminate()
    signal.addEventListener('abort', end, { once: true })
    try {
      const closed = once(socket, 'close').then(() => {
        throw new Error('the WebSocket closed before its echo')
      })
      const [[upgrade]] = await Promise.race([
        Promise.all([once(socket, 'upgrade'), once(socket, 'open')]),
        closed,
      ])
      socket.send('hello')
      const [echo] = await Promise.race([once(socket, 'message'), closed])
      if (String(echo) !== 'hello') throw new Error(`the echo of 'hello' is '${echo}'`)
      return Number(upgrade.headers['x-pid'])
    } finally {
      signal.removeEventListener('abort', end)
      socket.close()
    }
  }
}
