// Clients of a UDP server that answers each datagram with its text and its own pid: one question, or a steady stream of them.
import dgram from 'node:dgram'
import { once } from 'node:events'
import type { TestContext } from 'node:test'

interface StreamReport {
  readonly sent: number
  /** Number of the datagram → who answered. */
  readonly answers: ReadonlyMap<number, number>
}

export interface Stream {
  readonly report: StreamReport
  /** Settles when the report fits; looked at with each answer. */
  until(fits: (report: StreamReport) => boolean): Promise<void>
  /** Sends no more. */
  stop(): void
  /** The numbers that nobody has answered. */
  readonly unanswered: number[]
}

interface Options {
  readonly port: number
  readonly host?: string
  /** How many sockets send; the kernel chooses a queue by the address of each. */
  readonly sources?: number
  /** Milliseconds between two datagrams of one source; the kernel drops what is over some 250 in a queue. */
  readonly every?: number
}

/** Numbered datagrams at a steady rate, at most until the test ends. */
export function streamDatagrams(
  t: TestContext,
  { port, host = '127.0.0.1', sources = 4, every = 10 }: Options,
): Stream {
  const answers = new Map<number, number>()
  const waiting = new Set<() => void>()
  let sent = 0
  const sockets = Array.from({ length: sources }, () => {
    const type = host.includes(':') ? 'udp6' : 'udp4'
    const socket = dgram.createSocket({ type, recvBufferSize: 200_000 })
    socket.on('message', (message) => {
      const [number, pid] = String(message).split(' ').map(Number)
      answers.set(number ?? -1, pid ?? -1)
      for (const look of waiting) look()
    })
    return socket
  })
  const timer = setInterval(() => {
    for (const socket of sockets) socket.send(`${sent++}`, port, host)
  }, every)
  t.after(() => {
    clearInterval(timer)
    for (const socket of sockets) socket.close()
  })
  const report: StreamReport = {
    get sent() {
      return sent
    },
    answers,
  }
  return {
    report,
    async until(fits) {
      if (fits(report)) return
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const look = (): void => {
        if (fits(report)) resolve()
      }
      const abort = (): void => reject(new Error(`${answers.size} of ${sent} datagrams are answered`))
      waiting.add(look)
      t.signal.addEventListener('abort', abort, { once: true })
      await promise.finally(() => waiting.delete(look))
    },
    stop: () => clearInterval(timer),
    get unanswered() {
      return Array.from({ length: sent }, (_, number) => number).filter((number) => !answers.has(number))
    },
  }
}

/** Who answers one datagram from a socket of its own. */
export async function askDatagram(port: number, signal: AbortSignal, host = '127.0.0.1'): Promise<number> {
  const socket = dgram.createSocket(host.includes(':') ? 'udp6' : 'udp4')
  try {
    socket.send('0', port, host)
    const [message] = await once(socket, 'message', { signal })
    return Number(String(message).split(' ')[1])
  } finally {
    socket.close()
  }
}
