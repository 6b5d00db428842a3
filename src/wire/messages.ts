// What a worker and its supervisor say to each other on the control channel, and beside passed handles on Node's IPC.

/** Where a program wants to listen, as it asked: numeric host or none (all interfaces), port, or a unix socket path. */
export type ListenAddress =
  | { kind: 'tcp'; host: string | undefined; port: number; ipv6Only: boolean; ordinal: number }
  | { kind: 'unix'; path: string }

/** Begins the key of a unix socket; its path follows. */
export const unixPrefix = 'unix:'

/** A stable name of an address: `*:3000`, `127.0.0.1:8080`, `[::1]:80`, `*:0#1`, `unix:/run/x.sock`. */
export function addressKey(address: ListenAddress): string {
  if (address.kind === 'unix') return `${unixPrefix}${address.path}`
  const host =
    address.host === undefined ? '*' : address.host.includes(':') ? `[${address.host}]` : address.host
  const only = address.ipv6Only ? '/v6' : ''
  // Port 0 asks for any free port; the n-th such server of every worker shares the n-th such port.
  return address.port === 0 ? `${host}:0#${address.ordinal}${only}` : `${host}:${address.port}${only}`
}

export type WorkerMessage =
  /** First on the channel: the preload runs. */
  | { type: 'hello'; pid: number; node: string }
  /** The program listens on an address this worker has no socket for; the handle comes back over IPC. */
  | { type: 'want'; request: number; address: ListenAddress }
  /** A server of the program now accepts on the worker's own slot socket of that address. */
  | { type: 'listening'; key: string }
  /** The program itself closed that server: the worker no longer accepts there. */
  | { type: 'closed'; key: string }
  /** The worker accepts on another slot's socket as well (`accepting`), or could not. */
  | { type: 'adopted'; key: string; slot: number; accepting: boolean }
  /** The program said that it is ready. */
  | { type: 'ready' }
  /** An exception nobody caught; the process is about to die. */
  | { type: 'uncaught'; origin: string; name: string; message: string; stack: string }
  /** The program's output could not be written; it goes on without. */
  | { type: 'unwritten'; stream: 'stdout' | 'stderr'; code: string }
  /** Nothing of what the worker accepted is unfinished. */
  | { type: 'drained' }

export type SupervisorMessage =
  /** The socket asked for cannot be had; `code` is a system code such as EADDRINUSE. */
  | { type: 'refused'; request: number; code: string; message: string }
  /** The connection that the worker handed on has arrived. */
  | { type: 'taken'; id: number }
  /** Stop accepting on another slot's socket. */
  | { type: 'release'; key: string; slot: number }
  /**
   * Stop accepting, finish what was accepted; hand idle connections on if somebody is there to take them.
   * `within`: milliseconds until the end. `signal`: what follows when all is finished.
   */
  | { type: 'drain'; handOn: boolean; within: number; signal: string }

/** Travels beside a handle over Node's IPC, as the one key `brood`, which keeps it apart from the program's messages. */
export type HandlePurpose =
  /** Supervisor → worker: the listening socket that request `want` asked for, and the key of its address. */
  | { type: 'listen'; request: number; key: string }
  /** Supervisor → worker: accept on this slot's socket too; it has no worker just now. */
  | { type: 'adopt'; key: string; slot: number }
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
  'taken',
  'release',
  'drain',
] satisfies SupervisorMessage['type'][])

/** A cheap check for the worker's side, where the sender is trusted and a schema library would cost memory. */
export function asSupervisorMessage(value: unknown): SupervisorMessage | undefined {
  if (typeof value !== 'object' || value === null || !('type' in value)) return undefined
  return typeof value.type === 'string' && supervisorTypes.has(value.type)
    ? (value as SupervisorMessage)
    : undefined
}
