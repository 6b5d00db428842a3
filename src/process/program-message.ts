// What a program may send over Node's IPC, and what the failures of sending mean.
import { BroodError, messageOf, systemCode } from '../kernel/errors.ts'
import { isWrapped } from './envelope.ts'

/** Throws `message_invalid` for a message that would not arrive, or not as a message. */
export function checkProgramMessage(message: unknown): void {
  if (message === undefined || typeof message === 'function' || typeof message === 'symbol') {
    throw new BroodError('message_invalid', `a message of type ${typeof message} cannot be sent: send data`)
  }
  if (isWrapped(message)) {
    throw new BroodError(
      'message_invalid',
      "a message with a key that begins with 'brood:' is brood's own: rename the key",
    )
  }
  // Node keeps such to itself: the other program would never see it.
  if (typeof message === 'object' && message !== null && 'cmd' in message && isReserved(message.cmd)) {
    throw new BroodError(
      'message_invalid',
      "a message whose cmd begins with 'NODE_' is Node's own: rename it",
    )
  }
}

function isReserved(command: unknown): boolean {
  return typeof command === 'string' && command.startsWith('NODE_')
}

export function closedChannel(why: string): BroodError {
  return new BroodError('channel_closed', `nothing can be sent: ${why}`)
}

/** The typed error for what `send` of Node threw or called back with. */
export function sendFailure(error: unknown): BroodError {
  if (error instanceof BroodError) return error
  const code = systemCode(error)
  if (code === 'ERR_INVALID_HANDLE_TYPE') {
    return new BroodError('handle_invalid', messageOf(error), { cause: error })
  }
  const isClosed = code === 'ERR_IPC_CHANNEL_CLOSED' || code === 'ERR_IPC_DISCONNECTED' || isBrokenPipe(code)
  if (isClosed)
    return new BroodError('channel_closed', `nothing can be sent: ${messageOf(error)}`, { cause: error })
  return new BroodError('message_invalid', `the message cannot be sent: ${messageOf(error)}`, {
    cause: error,
  })
}

function isBrokenPipe(code: string | undefined): boolean {
  return code === 'EPIPE' || code === 'ECONNRESET' || code === 'EBADF' || code === 'ECANCELED'
}
