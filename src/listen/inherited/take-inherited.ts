// Listening sockets that the service manager opened and passed on (LISTEN_FDS): found, told apart, taken over.
import { readFileSync, readlinkSync } from 'node:fs'
import { Socket } from 'node:net'
import { messageOf } from '../../kernel/errors.ts'
import type { ListenAddress } from '../../wire/messages.ts'

export interface InheritedSocket {
  readonly address: ListenAddress
  /** Held as `hold` does it: never accepts, can be passed to children. */
  readonly socket: Socket
}

/** Passed descriptors follow stdin, stdout and stderr. */
const firstDescriptor = 3
/** Flag of a listening socket in /proc/net/unix. */
const acceptsConnections = 0x1_0000

/**
 * The sockets that were meant for the process `pid`; the variables are removed, so that no child takes them for its own. What
 * is no listening stream socket is left alone and told to `notice`.
 */
export function takeInheritedSockets(
  env: NodeJS.ProcessEnv,
  pid: number,
  notice: (text: string) => void,
): InheritedSocket[] {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES } = env
  delete env.LISTEN_PID
  delete env.LISTEN_FDS
  delete env.LISTEN_FDNAMES
  if (LISTEN_PID !== String(pid)) return []
  const count = /^\d{1,4}$/.test(LISTEN_FDS ?? '') ? Number(LISTEN_FDS) : 0
  const names = LISTEN_FDNAMES?.split(':') ?? []
  return Array.from({ length: count }).flatMap((_, index) => {
    const descriptor = firstDescriptor + index
    try {
      return [takeSocket(descriptor)]
    } catch (error) {
      const name = names[index] ? ` (${names[index]})` : ''
      notice(`descriptor ${descriptor}${name} from the service manager is not used: ${messageOf(error)}`)
      return []
    }
  })
}

function takeSocket(fd: number): InheritedSocket {
  const path = unixPath(fd)
  // Throws for what is no stream socket. Reads nothing, and a socket that only is held accepts nothing.
  const socket = new Socket({ fd, readable: false, writable: false })
  try {
    if (socket.remoteAddress !== undefined)
      throw new Error('it is a connection, not a listening socket (Accept=yes?)')
    return inheritedAt(path, socket)
  } catch (error) {
    socket.destroy()
    throw error
  }
}

/** `path`: of a unix socket, which the socket itself does not tell. */
export function inheritedAt(path: string | undefined, socket: Socket): InheritedSocket {
  if (path !== undefined) return { address: { kind: 'unix', path }, socket }
  const bound = socket.address()
  if (!('address' in bound)) throw new Error('it has no address')
  return { address: tcpAddress(bound.address, bound.port), socket }
}

/** All interfaces is what a program means that names no host, and what `ListenStream=3000` binds. */
function tcpAddress(host: string, port: number): ListenAddress {
  return { kind: 'tcp', host: host === '::' ? undefined : host, port, ipv6Only: false, ordinal: 0 }
}

/** The path of a listening unix socket, which Node does not tell; undefined when the descriptor is none. */
function unixPath(fd: number): string | undefined {
  const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1]
  if (inode === undefined) throw new Error('it is no socket')
  for (const line of readFileSync('/proc/self/net/unix', 'utf8').split('\n')) {
    // Num: RefCount Protocol Flags Type St Inode Path; the path may hold spaces.
    const fields = /^\S+ \S+ \S+ (\S+) \S+ \S+ +(\d+)(?: (.*))?$/.exec(line)
    if (fields === null || fields[2] !== inode) continue
    if ((Number.parseInt(fields[1] ?? '', 16) & acceptsConnections) === 0)
      throw new Error('it does not listen')
    const path = fields[3] ?? ''
    if (!path.startsWith('/')) throw new Error('only unix sockets with a path can be shared')
    return path
  }
  return undefined
}
