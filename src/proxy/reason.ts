// Why a connection or a request failed, in words for people.
import { messageOf, systemCode } from '../kernel/errors.ts'

const words: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection closed',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ENOTFOUND: 'unknown host',
  ETIMEDOUT: 'no connection in time',
}

export function reasonOf(error: unknown): string {
  const code = systemCode(error)
  if (code !== undefined) return words[code] ?? code
  return messageOf(error)
}

/** The code Node itself uses when the kernel gives a connection up. */
export function connectTimeout(): Error {
  return Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' })
}
