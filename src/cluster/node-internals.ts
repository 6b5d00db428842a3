// The private side of Node that `node:cluster`'s own workers speak: reserved IPC messages and bare listening handles.
//
// Reason: a worker's half of the cluster is part of Node itself and begins before any module of the program is loaded;
// speaking its protocol is what lets code that never heard of brood work unchanged in a worker. Unchanged since
// Node 0.12 (message names) and 6 (`_createServerHandle`); `assertSupported` fails clearly if that ever ends.
import type { ChildProcess } from 'node:child_process'
import dgram from 'node:dgram'
import net from 'node:net'
import { BroodError } from '../kernel/errors.ts'
import { type LoadReport, loadCommand } from './load-report.ts'

/** A listening or connected handle without a JavaScript stream around it. */
export interface Handle {
  close(): void
  listen(backlog: number): number
  onconnection: ((status: number, client: Handle | undefined) => void) | undefined
  getsockname?(out: object): number
  getpeername?(out: { address?: string }): number
}

/** What a worker asks for when its program listens or binds. */
export interface Query {
  readonly act: 'queryServer'
  readonly seq: number
  readonly index: number
  readonly data: unknown
  readonly address: string | null
  readonly port: number
  /** 4, 6, -1 for unix sockets, 'udp4' or 'udp6'. */
  readonly addressType: number | 'udp4' | 'udp6'
  readonly fd: number | undefined
  readonly flags: number | undefined
  readonly backlog: number | undefined
  readonly readableAll: boolean | undefined
  readonly writableAll: boolean | undefined
}

/** What a worker says by itself. */
export type WorkerNotice =
  | Query
  | { readonly act: 'online' }
  | {
      readonly act: 'listening'
      readonly addressType: Query['addressType']
      readonly address: string | null
      readonly port: number
      readonly fd: number | undefined
    }
  | { readonly act: 'close'; readonly key: string }
  | { readonly act: 'exitedAfterDisconnect'; readonly seq: number }

type Envelope = { cmd?: unknown; act?: unknown; seq?: number; ack?: number; accepted?: boolean }
type Create = (
  address: string | null,
  port: number,
  addressType: unknown,
  fd: number | undefined,
  flags: number | undefined,
) => Handle | number

/** libuv's UV_TCP_IPV6ONLY. */
export const ipv6Only = 1
/** libuv's UV_TCP_REUSEPORT. */
export const reusePort = 2
/** What Node listens with when a program names none. */
export const usualBacklog = 511

const command = 'NODE_CLUSTER'
const createServerHandle = (net as { _createServerHandle?: Create })._createServerHandle

let sequence = 0
type Hear = (reply: Envelope) => void
/** Who waits for which answer of a worker; what one that died has left unanswered goes with it. */
const waiting = new WeakMap<ChildProcess, Map<number, Hear>>()

export function assertSupported(): void {
  if (createServerHandle !== undefined) return
  throw new BroodError(
    'internal',
    `brood/cluster does not know how Node ${process.versions.node} shares handles: use node:cluster, or another version`,
  )
}

/** A bound handle, or the negative number of the error. */
export function createHandle(query: Query, address: string | null): Handle | number {
  const { port, addressType, fd, flags } = query
  if (addressType === 'udp4' || addressType === 'udp6') return createDatagramHandle(query, address)
  if (createServerHandle === undefined) throw new TypeError('assertSupported has not been called')
  return createServerHandle(address, port, addressType, fd, flags)
}

interface DatagramHandle extends Handle {
  bind(address: string, port: number, flags: number): number
  bind6(address: string, port: number, flags: number): number
  open(fd: number): number
}

/** A datagram socket has its handle from the start; it is bound here without the socket, whose bind is asynchronous. */
function createDatagramHandle(query: Query, address: string | null): Handle | number {
  const { addressType, port, fd, flags = 0 } = query
  const socket = dgram.createSocket(addressType === 'udp6' ? 'udp6' : 'udp4')
  const symbol = Object.getOwnPropertySymbols(socket).find((one) => one.description === 'state symbol')
  const state =
    symbol === undefined ? undefined : (Reflect.get(socket, symbol) as { handle?: DatagramHandle })
  const handle = state?.handle
  if (handle === undefined)
    throw new BroodError('internal', `Node ${process.versions.node} hides its UDP handles`)
  const errno =
    fd !== undefined && fd >= 0
      ? handle.open(fd)
      : addressType === 'udp6'
        ? handle.bind6(address || '::', port || 0, flags)
        : handle.bind(address || '0.0.0.0', port || 0, flags)
  if (errno === 0) return handle
  handle.close()
  return errno
}

/** The handle of a listening server, which then is no server any more: connections go where the handle's owner says. */
export function takeHandle(server: net.Server): Handle {
  const holder = server as unknown as { _handle: Handle | null }
  const handle = holder._handle
  if (handle === null) throw new TypeError('the server does not listen')
  holder._handle = null
  return handle
}

/** libuv's negative number of a system error. */
export function errorNumber(error: unknown): number {
  return typeof error === 'object' && error !== null && 'errno' in error && typeof error.errno === 'number'
    ? error.errno
    : -1
}

/** Whether an address can be had alone: 0, or the number of the error. */
export function bindAlone(query: Query, address: string | null): number {
  const handle = createHandle(query, address)
  if (typeof handle === 'number') return handle
  // libuv keeps "in use" back until the socket is used.
  const errno = handle.getsockname?.({}) ?? 0
  handle.close()
  return errno
}

export function portOf(handle: Handle): number | undefined {
  const name: { port?: number } = {}
  handle.getsockname?.(name)
  return name.port
}

/** Sends a reserved message; `reply` is called with the answer to it. False when the channel is closed. */
export function sendToWorker(
  child: ChildProcess,
  message: object,
  handle: Handle | undefined,
  reply?: Hear,
): boolean {
  if (!child.connected) return false
  const seq = sequence++
  if (reply !== undefined) answersOf(child).set(seq, reply)
  // Bare handles may be sent; only the types do not know.
  return child.send({ cmd: command, ...message, seq }, handle as unknown as net.Socket)
}

/** Calls `hear` for everything a worker says by itself; answers go to whoever waits for them. */
export function hearWorker(child: ChildProcess, hear: (notice: WorkerNotice) => void): void {
  const answers = answersOf(child)
  child.on('internalMessage' as 'message', (value) => {
    const message = value as Envelope
    if (message.cmd !== command) return
    const reply = message.ack === undefined ? undefined : answers.get(message.ack)
    if (message.ack === undefined || reply === undefined) {
      if (typeof message.act === 'string') hear(message as WorkerNotice)
      return
    }
    answers.delete(message.ack)
    reply(message)
  })
}

function answersOf(child: ChildProcess): Map<number, Hear> {
  const known = waiting.get(child)
  if (known !== undefined) return known
  const answers = new Map<number, Hear>()
  waiting.set(child, answers)
  return answers
}

export function onLoadReport(child: ChildProcess, heard: (report: LoadReport) => void): void {
  child.on('internalMessage' as 'message', (message) => {
    if ((message as Envelope).cmd === loadCommand) heard(message as LoadReport)
  })
}

/** Calls `enabled` when the debugger is opened in this process from outside (SIGUSR1). */
export function onDebuggerEnabled(enabled: () => void): void {
  process.on('internalMessage' as 'message', (message) => {
    if ((message as Envelope).cmd === 'NODE_DEBUG_ENABLED') enabled()
  })
}
