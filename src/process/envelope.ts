// Brood's own messages on Node's IPC: each has one versioned key, which keeps them apart from a program's messages.
import { type ErrorCode, errorCodes } from '../kernel/errors.ts'

/** Not the key `brood`, under which a supervisor and its workers pass handles: a worker may talk in both ways. */
export const kind = 'brood:process:1'

/** Flat, because every object more is written and read for each message. */
export type Envelope =
  | { readonly [kind]: 'request'; readonly id: number; readonly name: string; readonly value?: unknown }
  | { readonly [kind]: 'reply'; readonly id: number; readonly value?: unknown }
  /** The handler threw. */
  | { readonly [kind]: 'failure'; readonly id: number; readonly error: RemoteError }
  /** No handler ran, or its answer could not be sent. */
  | { readonly [kind]: 'refused'; readonly id: number; readonly code: ErrorCode; readonly message: string }
  /** The asking side no longer waits. */
  | { readonly [kind]: 'cancel'; readonly id: number }

export type Request = Extract<Envelope, { [kind]: 'request' }>

/** An error of the other process, as far as it can travel. */
export interface RemoteError {
  readonly name: string
  readonly message: string
  readonly code?: string
  readonly stack?: string
}

/** Does this message carry the key, well-formed or not? */
export function isWrapped(message: unknown): message is { readonly [kind]: unknown } {
  return typeof message === 'object' && message !== null && kind in message
}

/** The message as what it says it is; undefined when it is malformed. */
export function asEnvelope(message: { readonly [kind]: unknown }): Envelope | undefined {
  return isWhole(message) ? (message as Envelope) : undefined // isWhole knows its shapes
}

function isWhole(message: { readonly [kind]: unknown }): boolean {
  if (!('id' in message && typeof message.id === 'number')) return false
  switch (message[kind]) {
    case 'reply':
    case 'cancel':
      return true
    case 'request':
      return 'name' in message && typeof message.name === 'string'
    case 'failure':
      return 'error' in message && isRemoteError(message.error)
    case 'refused':
      return 'code' in message && isErrorCode(message.code) && hasMessage(message)
    default:
      return false
  }
}

export function asRemoteError(error: unknown): RemoteError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  return {
    name: error.name,
    message: error.message,
    ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
  }
}

function isRemoteError(error: unknown): error is RemoteError {
  return (
    typeof error === 'object' &&
    error !== null &&
    'name' in error &&
    typeof error.name === 'string' &&
    hasMessage(error)
  )
}

function hasMessage(value: object): value is { message: string } {
  return 'message' in value && typeof value.message === 'string'
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorCodes, code)
}
