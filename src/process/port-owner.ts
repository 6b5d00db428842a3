// Who has a TCP or UDP port, as far as this user may know: Linux tells it in /proc.
import { link, list, processes, read } from './proc.ts'
import { listenersNow } from './tcp-listeners.ts'

export interface PortOwner {
  pid: number
  command: string
}

/** State 07 (CLOSE) in /proc/net/udp is bound to no peer. */
const boundUdp = '07'

/** The process that has `port`, or undefined where that cannot be known (other user, other system). */
export function portOwner(port: number, protocol: 'tcp' | 'udp' = 'tcp'): PortOwner | undefined {
  const inodes = new Set(
    protocol === 'tcp'
      ? listening(port)
      : [...bound('/proc/net/udp', port), ...bound('/proc/net/udp6', port)],
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

function listening(port: number): string[] {
  return listenersNow()
    .filter((one) => one.port === port)
    .map(({ inode }) => `${inode}`)
}

function bound(table: string, port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0')
  const inodes: string[] = []
  for (const line of read(table).split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/)
    // local_address is HEXADDRESS:HEXPORT; the inode is the tenth column.
    if (fields[3] === boundUdp && fields[1]?.endsWith(`:${wanted}`) && fields[9]) inodes.push(fields[9])
  }
  return inodes
}

function commandOf(pid: number): string {
  const line = read(`/proc/${pid}/cmdline`).split('\0').join(' ').trim()
  return line.length > 60 ? `${line.slice(0, 59)}…` : line
}
