// The listening TCP sockets of this network namespace, and how many connections wait in each; Linux tells it in /proc.
import { close, closeSync, open, openSync, read, readSync } from 'node:fs'
import { promisify } from 'node:util'

export interface TcpListener {
  readonly inode: number
  readonly port: number
  /** Connections that have been established and not yet accepted. */
  readonly waiting: number
}

const tables = ['/proc/self/net/tcp', '/proc/self/net/tcp6']

/** Little, because the kernel goes on past the listeners to fill what it is given. */
const chunkBytes = 512

/** State 0A is LISTEN. */
const listenState = '0A'

/**
 * Reads a table piece by piece. The kernel lists listeners first, then all other sockets, tens of thousands on a busy machine,
 * each of them looked for with a lock held: so it ends at the first line that is no listener's.
 */
export class ListenerTable {
  readonly listeners: TcpListener[] = []
  #rest = ''
  #isOver = false

  /** False when nothing that follows is of interest. */
  push(text: string): boolean {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#take(line)
    return !this.#isOver
  }

  #take(line: string): void {
    const fields = line.trim().split(/\s+/)
    if (this.#isOver || fields[0] === 'sl') return
    const [, local = '', , state, queues = '', , , , , inode] = fields
    if (state !== listenState) {
      this.#isOver = true
      return
    }
    // HEXADDRESS:HEXPORT, and of a listener SENDQUEUE:RECEIVEQUEUE is 0 and its accept queue; the limit is not told here.
    this.listeners.push({
      inode: Number(inode),
      port: Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16),
      waiting: Number.parseInt(queues.slice(queues.indexOf(':') + 1), 16),
    })
  }
}

/** Blocks for some milliseconds at worst: for processes that do nothing else, and for a failure that is being explained. */
export function listenersNow(): TcpListener[] {
  return tables.flatMap((path) => {
    const table = new ListenerTable()
    const chunk = Buffer.alloc(chunkBytes)
    try {
      const fd = openSync(path, 'r')
      try {
        for (let length = -1; length !== 0; ) {
          length = readSync(fd, chunk)
          if (!table.push(chunk.toString('latin1', 0, length))) break
        }
      } finally {
        closeSync(fd)
      }
    } catch {
      // Another system, or one that hides it.
    }
    return table.listeners
  })
}

/** Undefined where it is not told, or not before the signal. */
export async function tcpListeners(signal: AbortSignal): Promise<TcpListener[] | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>()
  signal.addEventListener('abort', () => resolve(undefined), { once: true })
  const [first, second] = await Promise.all(
    tables.map((path) => Promise.race([readTable(path, signal), late])),
  )
  // Without IPv6 there is no second table.
  return first === undefined ? undefined : [...first, ...(second ?? [])]
}

async function readTable(path: string, signal: AbortSignal): Promise<TcpListener[] | undefined> {
  const table = new ListenerTable()
  const chunk = Buffer.alloc(chunkBytes)
  try {
    const fd = await promisify(open)(path, 'r')
    try {
      for (let length = -1; length !== 0 && !signal.aborted; ) {
        length = (await promisify(read)(fd, chunk, 0, chunkBytes, null)).bytesRead
        if (!table.push(chunk.toString('latin1', 0, length))) break
      }
    } finally {
      close(fd)
    }
  } catch {
    return undefined
  }
  return signal.aborted ? undefined : table.listeners
}
