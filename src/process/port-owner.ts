// Who listens on a TCP port, as far as this user may know: Linux tells it in /proc.
import { link, list, processes, read } from './proc.ts'
import { listenersNow } from './tcp-listeners.ts'

export interface PortOwner {
  pid: number
  command: string
}

/** The process that listens on `port`, or undefined where that cannot be known (other user, other system). */
export function portOwner(port: number): PortOwner | undefined {
  const inodes = new Set(
    listenersNow()
      .filter((one) => one.port === port)
      .map(({ inode }) => `${inode}`),
  )
  if (inodes.size === 0) return undefined
  for (const pid of processes()) {
    for (const fd of list(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${fd}`))?.[1]
      if (inode !== undefined && inodes.has(inode)) return { pid, command: commandOf(pid) }
    }
  }
  return undefined
}

function commandOf(pid: number): string {
  const line = read(`/proc/${pid}/cmdline`).split('\0').join(' ').trim()
  return line.length > 60 ? `${line.slice(0, 59)}…` : line
}
