// Supervisor half of share mode `balanced`: accepts while somebody can take connections, and else leaves them to the kernel.
import type { BareHandle } from '../../wire/bare-handle.ts'
import { Dispatcher, type DispatcherOptions } from './dispatcher.ts'
import type { Recipient } from './recipient.ts'

/** What Node listens with when a program names none. */
const usualBacklog = 511

export interface AcceptorOptions extends Omit<DispatcherOptions, 'pace'> {
  /** Asks a worker that answers for a further handle of the address's socket; it comes by `offer`, or not. */
  ask(): void
}

/**
 * Node ends accepting only by closing the handle, and with its last descriptor the socket would lose what is queued on it. So the
 * acceptor listens on handles of their own descriptors, which workers send it, and closes them when it is to pause: the
 * socket itself stays in LISTEN state, and what comes waits in its queue.
 */
export class Acceptor {
  readonly #dispatcher: Dispatcher<BareHandle>
  readonly #ask: () => void
  #listening: BareHandle | undefined
  #spare: BareHandle | undefined
  #backlog = usualBacklog
  #asked = false
  #paused = false
  #closed = false

  constructor({ ask, ...options }: AcceptorOptions) {
    this.#ask = ask
    this.#dispatcher = new Dispatcher<BareHandle>({
      ...options,
      pace: (accept) => {
        this.#paused = !accept
        this.#follow()
      },
    })
  }

  /** What the program listens with; counts the next time that accepting begins. */
  set backlog(backlog: number) {
    this.#backlog = backlog
  }

  /** A handle of the address's bound socket. */
  offer(handle: BareHandle): void {
    this.#asked = false
    if (this.#closed || this.#spare !== undefined) return handle.close()
    this.#spare = handle
    this.#follow()
  }

  add(recipient: Recipient<BareHandle>): void {
    this.#dispatcher.add(recipient)
    this.#asked = false
    this.#follow()
  }

  remove(id: number): void {
    this.#dispatcher.remove(id)
    this.#asked = false // perhaps of this one, which will not answer
    this.#follow()
  }

  suspend(id: number, suspended: boolean): void {
    this.#dispatcher.suspend(id, suspended)
    if (suspended) this.#asked = false // as above
    this.#follow()
  }

  /** A worker has given a connection back untouched. */
  returned(client: BareHandle): void {
    this.#dispatcher.dispatch(client)
  }

  /** Nobody accepts, nor will. */
  close(): void {
    this.#closed = true
    this.#dispatcher.close()
    this.#spare?.close()
    this.#spare = undefined
    this.#follow()
  }

  #follow(): void {
    const wanted = !this.#closed && !this.#paused && this.#dispatcher.size > 0
    if (!wanted) {
      this.#listening?.close()
      this.#listening = undefined
    } else if (this.#listening === undefined && this.#spare !== undefined) {
      this.#listen(this.#spare)
      this.#spare = undefined
    }
    // Also while it is to pause, so that accepting begins again without delay.
    const missing = this.#listening === undefined && this.#spare === undefined
    if (this.#closed || this.#asked || !missing || this.#dispatcher.size === 0) return
    this.#asked = true
    this.#ask()
  }

  #listen(handle: BareHandle): void {
    handle.onconnection = (status, client) => {
      // A failed accept concerns nobody but the client that has gone.
      if (status === 0 && client !== undefined) this.#dispatcher.dispatch(client)
    }
    const errno = handle.listen(this.#backlog)
    if (errno === 0) this.#listening = handle
    else handle.close()
  }
}
