// Opens many connections at once and counts which process answered how many of them.
import { connect } from 'node:net'

const patience = 10_000

/**
 * Every connection asks once and stays open until all have their answer, so that a worker that is slow to accept
 * cannot be helped out by connections that come later. Returns answers by pid.
 */
export async function whoAnswers(
  port: number,
  connections: number,
  signal: AbortSignal,
): Promise<Map<number, number>> {
  const closing = new AbortController()
  const limit = AbortSignal.any([signal, closing.signal, AbortSignal.timeout(patience)])
  try {
    const asked = Array.from({ length: connections }, () => askForPid(port, limit))
    const counts = new Map<number, number>()
    for (const pid of await Promise.all(asked)) counts.set(pid, (counts.get(pid) ?? 0) + 1)
    return counts
  } finally {
    closing.abort()
  }
}

/** The connection stays open until the signal closes it. */
function askForPid(port: number, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' })
    let text = ''
    const fail = (reason: string, cause?: unknown) =>
      reject(new Error(`connection to port ${port} ${reason}`, { cause }))
    signal.addEventListener('abort', () => {
      fail('got no answer in time', signal.reason)
      socket.destroy()
    })
    socket.setEncoding('latin1')
    socket.on('error', (error) => fail(`failed: ${error.message}`, error))
    socket.on('close', () => fail('was closed without an answer'))
    socket.on('data', (chunk: string) => {
      text += chunk
      const pid = /\r\n\r\n(\d+)\n/.exec(text)?.[1]
      if (pid !== undefined) resolve(Number(pid))
    })
    socket.write('GET / HTTP/1.1\r\nHost: bench\r\n\r\n')
  })
}
