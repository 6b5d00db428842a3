// Opens the inspector of a blocked process and finds its address; runs in the side process that captures a stack.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { link, list, read } from '../process/proc.ts'

/** Until the address is looked for again, in milliseconds. */
const pollEvery = 10
const longestTail = 65_536

/**
 * The WebSocket address, once it is open. SIGUSR1 opens it as soon as V8 is at a point where it can be interrupted: in any
 * JavaScript, but not within a system call or a long native function.
 *
 * A stderr that is a file has its address, and it alone (see wire/inspector.ts). Otherwise the new listening socket of the
 * process is looked for, and asked.
 */
export async function openInspector(
  pid: number,
  stderrFile: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  using stderr = openTail(stderrFile ?? `/proc/${pid}/fd/2`)
  const before = new Set(socketsOf(pid))
  process.kill(pid, 'SIGUSR1')
  for (;;) {
    const found = stderr?.address() ?? (await askSockets(pid, before, signal))
    if (found !== undefined) return found
    await delay(pollEvery, undefined, { signal })
  }
}

interface Tail extends Disposable {
  /** The address told since the tail was opened. */
  address(): string | undefined
}

function openTail(path: string): Tail | undefined {
  try {
    const fd = openSync(path, 'r')
    const { size } = fstatSync(fd)
    const isFile = fstatSync(fd).isFile()
    const buffer = Buffer.alloc(longestTail)
    return {
      address() {
        if (!isFile) return undefined
        const text = buffer.toString('latin1', 0, readSync(fd, buffer, 0, longestTail, size))
        return /Debugger listening on (ws:\/\/127\.0\.0\.1:\d+\/[\w-]+)\s/.exec(text)?.[1]
      },
      [Symbol.dispose]: () => closeSync(fd),
    }
  } catch {
    return undefined // a socket cannot be opened, and without /proc there is nothing to open
  }
}

/** Inodes of the sockets a process has. */
function socketsOf(pid: number): string[] {
  return list(`/proc/${pid}/fd`).flatMap(
    (fd) => /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${fd}`))?.[1] ?? [],
  )
}

async function askSockets(
  pid: number,
  before: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<string | undefined> {
  // A blocked loop accepts and opens nothing, so what is new is the inspector's.
  const fresh = new Set(socketsOf(pid).filter((inode) => !before.has(inode)))
  if (fresh.size === 0) return undefined
  const port = loopbackPort(read(`/proc/${pid}/net/tcp`), fresh)
  if (port === undefined) return undefined
  const answer = await fetch(`http://127.0.0.1:${port}/json/list`, { signal }).catch(() => undefined)
  const targets: unknown = answer?.ok ? await answer.json().catch(() => undefined) : undefined
  const target: unknown = Array.isArray(targets) ? targets[0] : undefined
  const isTarget = typeof target === 'object' && target !== null && 'webSocketDebuggerUrl' in target
  return isTarget ? String(target.webSocketDebuggerUrl) : undefined
}

/** 0100007F is 127.0.0.1, state 0A is LISTEN; the inode is the tenth column. */
function loopbackPort(table: string, inodes: ReadonlySet<string>): number | undefined {
  for (const line of table.split('\n')) {
    const fields = line.trim().split(/\s+/)
    const port = /^0100007F:([0-9A-F]{4})$/.exec(fields[1] ?? '')?.[1]
    if (port !== undefined && fields[3] === '0A' && inodes.has(fields[9] ?? ''))
      return Number.parseInt(port, 16)
  }
  return undefined
}
