// Why a worker may not listen somewhere, as its program is to see it: the error that Node's own `listen` would have failed with.
import { BroodError, messageOf } from '../kernel/errors.ts'

export function asRefusal(error: unknown): BroodError {
  return error instanceof BroodError ? error : new BroodError('address_invalid', messageOf(error))
}

export function listenCode({ code }: BroodError): string {
  switch (code) {
    case 'port_in_use':
      return 'EADDRINUSE'
    case 'port_denied':
      return 'EACCES'
    case 'share_mode_unfit':
      return 'ENOTSUP'
    default:
      return 'EADDRNOTAVAIL'
  }
}
