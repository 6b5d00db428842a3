// What a request rejects with when its handler in the other process threw.
import { BroodError } from '../kernel/errors.ts'
import type { RemoteError } from './envelope.ts'

/** `code` is `handler_failed`; `remote` is the error as it was over there: name, message, code, stack. */
export class HandlerError extends BroodError {
  readonly remote: RemoteError

  constructor(request: string, remote: RemoteError) {
    super('handler_failed', `the handler of '${request}' threw ${remote.name}: ${remote.message}`)
    this.remote = remote
  }
}
