// What a worker and its supervisor say to each other on the control channel, and beside passed handles on Node's IPC.

/**
 * Where a program wants to listen, as it asked: numeric host or none (all interfaces), port, or a unix socket path. UDP always
 * has a host, which tells IPv4 from IPv6.
 */
export type ListenAddress =
  | { kind: 'tcp'; host: string | undefined; port: number; ipv6Only: boolean; ordinal: number }
  | { kind: 'unix'; path: string }
  | UdpAddress

export interface UdpAddress {
  kind: 'udp'
  host: string
  port: number
  ipv6Only: boolean
  /** The program shares the port with whoever else says so, for multicast. */
  reuseAddr: boolean
  /** Which of the sockets that one worker binds there. */
  ordinal: number
}

/** Begins the key of a unix socket; its path follows. */
export const unixPrefix = 'unix:'

/** Begins the key of a UDP address. */
const udpPrefix = 'udp:'

export function isUdpKey(key: string): boolean {
  return key.startsWith(udpPrefix)
}

/** A stable name of an address: `*:3000`, `127.0.0.1:8080`, `[::1]:80`, `*:0#1`, `unix:/run/x.sock`, `udp:*:5353`. */
export function addressKey(address: ListenAddress): string {
  if (address.kind === 'unix') return `${unixPrefix}${address.path}`
  if (address.kind === 'udp') {
    const nth = address.port === 0 || address.ordinal > 0 ? `#${address.ordinal}` : ''
    return `${udpPrefix}${udpHost(address)}:${address.port}${nth}${address.ipv6Only ? '/v6' : ''}`
  }
  const host =
    address.host === undefined ? '*' : address.host.includes(':') ? `[${address.host}]` : address.host
  const only = address.ipv6Only ? '/v6' : ''
  // Port 0 asks for any free port; the n-th such server of every worker shares the n-th such port.
  return address.port === 0 ? `${host}:0#${address.ordinal}${only}` : `${host}:${address.port}${only}`
}

/** As people write it: `*` for all of IPv4, IPv6 in brackets. */
export function udpHost({ host }: UdpAddress): string {
  if (host === '0.0.0.0') return '*'
  return host.includes(':') ? `[${host}]` : host
}

export type WorkerMessage =
  /** First on the channel: the preload runs. */
  | { type: 'hello'; pid: number; node: string }
  /** The program listens on an address this worker has no socket for; the handle comes back over IPC. */
  | { type: 'want'; request: number; address: ListenAddress }
  /** A server of the program now accepts on the worker's own slot socket of that address. */
  | { type: 'listening'; key: string; speaksHttp: boolean; backlog?: number | undefined }
  /** The program itself closed that server: the worker no longer accepts there. */
  | { type: 'closed'; key: string }
  /** A server of the program listens on something that brood has no part in. */
  | { type: 'alone' }
  /** The worker accepts on another slot's socket as well (`accepting`), or could not. */
  | { type: 'adopted'; key: string; slot: number; accepting: boolean }
  /** The program said that it is ready. */
  | { type: 'ready' }
  /** An exception nobody caught; the process is about to die. */
  | { type: 'uncaught'; origin: string; name: string; message: string; stack: string }
  /** The program's output could not be written; it goes on without. */
  | { type: 'unwritten'; stream: 'stdout' | 'stderr'; code: string }
  /** The worker has begun a new log; what the old one holds is at that path now. */
  | { type: 'rotated'; stream: 'stdout' | 'stderr'; path: string }
  /** Nothing of what the worker accepted is unfinished. */
  | { type: 'drained' }
  /** The sockets of that request are closed. */
  | { type: 'let-go'; id: number }
  /** The program's `process.send`, when Node's IPC has gone with the supervisor that began it. */
  | { type: 'said'; message: unknown }
  /** The process exits by itself; told only to a supervisor that is not its parent, and so cannot know the code. */
  | { type: 'exiting'; code: number }
  /** Connections open now, and taken from the supervisor so far; told where it balances by them. */
  | { type: 'load'; open: number; taken: number }
  /**
   * The answer to `connections`: open now, and received from siblings so far; those on their way are the ones the supervisor has
   * sent beyond that.
   */
  | { type: 'connections'; id: number; open: number; received: number }
  /** The answer to `shed`: so many have left, and arrived at the supervisor. */
  | { type: 'shed'; id: number; handed: number }
  /** Connections have begun to come in, or none has come for a while; told where siblings could take them in. */
  | { type: 'busy' }
  | { type: 'quiet' }
  /** Requests answered since counting began, and those among them with a status of 500 and more. */
  | { type: 'counted'; requests: number; errors: number }
  /** The event loop turns: the answer to `ping`. */
  | { type: 'pong'; id: number }
  /** The answer to `probe`; without a problem all is well. */
  | { type: 'probed'; id: number; problem?: string }

/** First on the line of a worker whose supervisor is gone, to the next one. */
export interface BackMessage {
  readonly type: 'back'
  readonly wire: number
  readonly token: string
  readonly app: string
  readonly slot: number
  readonly worker: number
  readonly release: number
  readonly pid: number
  readonly phase: 'starting' | 'ready' | 'draining' | 'drained'
  /** It has a server that brood has no part in. */
  readonly alone?: boolean | undefined
  /** Addresses whose queue of its own slot it serves. */
  readonly listening: readonly string[]
  /** Queues of other slots that it serves. */
  readonly adopted: readonly { readonly key: string; readonly slot: number }[]
  /** What it keeps for others, and which sockets of the kernel's these are. */
  readonly held: readonly (KeptPlace & { readonly inode?: number | undefined })[]
}

/** Where a kept socket belongs. */
export interface KeptPlace {
  readonly app: string
  readonly key: string
  readonly slot: number
}

/** Goes up when workers of one version could not speak with a supervisor of the other. */
export const wireVersion = 2

export type SupervisorMessage =
  /** The socket asked for cannot be had; `code` is a system code such as EADDRINUSE. */
  | { type: 'refused'; request: number; code: string; message: string }
  /** The worker counts as ready. */
  | { type: 'trusted' }
  /** The connection that the worker handed on has arrived. */
  | { type: 'taken'; id: number }
  /** Stop accepting on another slot's socket. */
  | { type: 'release'; key: string; slot: number }
  /** There is a socket that you cannot be sent: let others bring the next supervisor up, who have them all. */
  | { type: 'lacking' }
  /** You have all there are: be the first to bring the next supervisor up. */
  | { type: 'lead' }
  /** It is taken back: a line that breaks from now on means that this supervisor is gone, too. */
  | { type: 'welcome' }
  /** Close what you hold of an app's address: the app has given it back. Answered with `let-go`. */
  | { type: 'let-go'; id: number; app: string; keys: string[] }
  /** Close these that you hold: others have taken their place, and nobody would accept from them. */
  | { type: 'drop'; sockets: readonly KeptPlace[] }
  /** Accept on another slot's socket, of which the worker holds a descriptor. */
  | { type: 'adopt'; key: string; slot: number }
  /**
   * Stop accepting, finish what was accepted. `within`: milliseconds until the end. `signal`: what follows when all is
   * finished.
   */
  | { type: 'drain'; idle: IdleConnections; within: number; signal: string }
  /** Send a handle of the bound socket of a balanced address. */
  | { type: 'queue'; key: string }
  /** Say how many connections are open. */
  | { type: 'connections'; id: number }
  /** Hand on so many idle connections of these addresses, or fewer if there are no more; answered when they have left. */
  | { type: 'shed'; id: number; count: number; keys: readonly string[] }
  /** Say how many requests have been answered, and count from now on if you have not yet; answered with `counted`. */
  | { type: 'count' }
  /** Answer at once: it tells that the event loop turns. */
  | { type: 'ping'; id: number }
  /** Ask the program's own server for `path`, inside the process; answer within so many milliseconds. */
  | { type: 'probe'; id: number; path: string; within: number }

/**
 * What becomes of idle connections in a drain. `hand-on`: they go on in another worker. `linger`: nobody can take them, but
 * clients may go on elsewhere, so they end with their next answer or their keep-alive time. `close`: nobody is left to serve.
 */
export type IdleConnections = 'hand-on' | 'linger' | 'close'

/** Travels beside a handle over Node's IPC, as the one key `brood`, which keeps it apart from the program's messages. */
export type HandlePurpose =
  /** Supervisor → worker: the listening socket that request `want` asked for, and the key of its address. */
  | { type: 'listen'; request: number; key: string; balanced?: true }
  /** Supervisor → worker: accept on this slot's socket too; it has no worker just now. */
  | { type: 'adopt'; key: string; slot: number }
  /** Supervisor → worker: keep this slot's socket; it is not yours. */
  | { type: 'hold'; app: string; key: string; slot: number }
  /** Supervisor → worker: a connection the supervisor has accepted. Back again: the worker does not serve that address any more. */
  | { type: 'client'; key: string }
  /** Worker → supervisor: the bound socket of a balanced address, to accept on. */
  | { type: 'queue'; key: string }
  /** Worker → supervisor → worker: an idle keep-alive connection of a server at that address. */
  | { type: 'connection'; key: string; id: number }

/** The purpose of an IPC message if it is one of brood's, undefined if it is the program's own. */
export function handlePurpose(message: unknown): HandlePurpose | undefined {
  if (typeof message !== 'object' || message === null || !('brood' in message)) return undefined
  const purpose: unknown = message.brood
  if (typeof purpose !== 'object' || purpose === null || !('type' in purpose)) return undefined
  return purpose as HandlePurpose // only the two preloads and the supervisor write this key
}

const supervisorTypes: ReadonlySet<string> = new Set([
  'refused',
  'trusted',
  'taken',
  'release',
  'adopt',
  'lacking',
  'lead',
  'welcome',
  'let-go',
  'drop',
  'drain',
  'connections',
  'shed',
  'queue',
  'count',
  'ping',
  'probe',
] satisfies SupervisorMessage['type'][])

/** A cheap check for the worker's side, where the sender is trusted and a schema library would cost memory. */
export function asSupervisorMessage(value: unknown): SupervisorMessage | undefined {
  if (typeof value !== 'object' || value === null || !('type' in value)) return undefined
  return typeof value.type === 'string' && supervisorTypes.has(value.type)
    ? (value as SupervisorMessage)
    : undefined
}
