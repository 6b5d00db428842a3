// Asks the program's own HTTP server inside the process, without the network, so that each worker answers for itself.
import type { Server } from 'node:net'
import type { Duplex } from 'node:stream'

const stream = process.getBuiltinModule('node:stream')

/** More than any status line; what has sent so much without one does not speak HTTP. */
const longestStatusLine = 4096

/** Of an error's message, which may be anything; the supervisor refuses what is too long. */
const longestProblem = 200

/** What the program may do with a connection, or ask about it. An in-memory stream has none of it. */
const faceOfSocket = {
  remoteAddress: '127.0.0.1',
  remoteFamily: 'IPv4',
  remotePort: 0,
  localAddress: '127.0.0.1',
  localPort: 0,
  setTimeout: chain,
  setNoDelay: chain,
  setKeepAlive: chain,
  ref: chain,
  unref: chain,
  address: () => ({}),
}

/** Asks the first server of the program that speaks HTTP. `servers`: those that listen, the oldest first. */
export function probeProgram(
  servers: readonly Server[],
  path: string,
  within: number,
): Promise<string | undefined> {
  const server = servers.find(speaksHttp) ?? servers[0]
  return server === undefined
    ? Promise.resolve('its server does not listen yet')
    : probeServer(server, path, within)
}

/**
 * Undefined when the server answers with a status of 200 to 399, else why not, in words. Works with HTTP, HTTPS (TLS is left
 * out: nobody listens in between) and HTTP/2 servers. Never rejects and never keeps the process alive.
 */
function probeServer(server: Server, path: string, within: number): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  if (!speaksHttp(server)) {
    resolve('its server does not speak HTTP: give the probe a port, or type tcp')
    return promise
  }
  const [ours, theirs] = stream.duplexPair()
  const end = (): void => {
    clearTimeout(timer)
    ours.destroy()
    theirs.destroy()
  }
  const timer = setTimeout(() => {
    resolve(`no answer within ${within} ms`)
    end()
  }, within)
  timer.unref()
  // Whatever goes wrong on either end is the probe's, and must not become an uncaught exception of the program.
  theirs.on('error', () => {})
  ours.on('error', (error: Error) => resolve(wordsOf(error)))
  const settled = {
    status: (status: number) => resolve(status >= 200 && status < 400 ? undefined : `answered ${status}`),
    problem: resolve,
    // The answer's rest is still taken, so that the program does not see a client that broke off.
    over: () => {
      resolve('closed without an answer')
      end()
    },
  }
  try {
    const ask = isHttp2(server) ? askHttp2 : askHttp1
    ask(server, ours, theirs, path.replace(/[^!-~]/g, encodeURIComponent), settled)
  } catch (error) {
    resolve(wordsOf(error))
    end()
  }
  return promise
}

interface Settled {
  status(status: number): void
  problem(words: string): void
  over(): void
}

function askHttp1(server: Server, ours: Duplex, theirs: Duplex, path: string, settled: Settled): void {
  let text: string | undefined = ''
  ours.setEncoding('latin1')
  ours.on('data', (chunk: string) => {
    if (text === undefined) return
    text += chunk
    if (!text.includes('\r\n') && text.length < longestStatusLine) return
    const status = /^HTTP\/1\.\d (\d{3})/.exec(text)?.[1]
    if (status === undefined) settled.problem('the answer is not HTTP')
    else settled.status(Number(status))
    text = undefined
  })
  ours.once('end', settled.over)
  ours.once('close', settled.over)
  accept(server, theirs, 'http/1.1')
  ours.write(
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nUser-Agent: brood-probe\r\n\r\n`,
    'latin1',
  )
}

/** Its own client is there already: who serves HTTP/2 has loaded the module. */
function askHttp2(server: Server, ours: Duplex, theirs: Duplex, path: string, settled: Settled): void {
  const http2 = process.getBuiltinModule('node:http2')
  accept(server, theirs, 'h2')
  const session = http2.connect('http://localhost', { createConnection: () => ours })
  session.on('error', (error: Error) => settled.problem(wordsOf(error)))
  session.once('close', settled.over)
  const request = session.request({ ':path': path, 'user-agent': 'brood-probe' })
  request.on('error', (error: Error) => settled.problem(wordsOf(error)))
  request.once('response', (head) => settled.status(Number(head[':status'])))
  request.once('close', () => session.close())
  request.resume()
}

/** As the server does it with a connection from the network; a TLS server gets it as if the handshake were over. */
function accept(server: Server, theirs: Duplex, alpnProtocol: string): void {
  const secure = isTls(server)
  Object.assign(theirs, faceOfSocket, { server }, secure ? { encrypted: true, alpnProtocol } : {})
  server.emit(secure ? 'secureConnection' : 'connection', theirs)
}

function speaksHttp(server: Server): boolean {
  return 'closeIdleConnections' in server || isHttp2(server)
}

function isHttp2(server: Server): boolean {
  return 'updateSettings' in server
}

function isTls(server: Server): boolean {
  return 'setSecureContext' in server
}

function wordsOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, longestProblem)
}

function chain<T>(this: T): T {
  return this
}
