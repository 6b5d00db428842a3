// Whether anybody listens where the load is to go: a wrong address is told at once, not after ten seconds of errors.
import { connect } from 'node:net'
import type { Millis } from '../../kernel/clock.ts'
import { BroodError, systemCode } from '../../kernel/errors.ts'

const patience: Millis = 5000

export async function assertReachable(url: URL): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = connect({ host: hostOf(url), port: portOf(url) })
  const unreachable = (why: string, cause?: Error): void =>
    reject(
      new BroodError('address_unreachable', `${url.origin} cannot be reached: ${why}`, {
        ...(cause === undefined ? {} : { cause }),
      }),
    )
  socket.setTimeout(patience, () => unreachable('no answer within 5s: check the host and the port'))
  socket.once('connect', resolve)
  socket.once('error', (error) => unreachable(reason(error), error))
  try {
    await promise
  } finally {
    socket.destroy()
  }
}

/** Without the brackets of IPv6. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '')
}

export function portOf({ port, protocol }: URL): number {
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
}

function reason(error: Error): string {
  switch (systemCode(error)) {
    case 'ECONNREFUSED':
      return "nobody listens there: start a program, or check the port with 'brood list'"
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'there is no host of that name'
    default:
      return error.message
  }
}
