// How many connections the program has open; told to the supervisor where it chooses workers by that.
import type { Server, Socket } from 'node:net'

export class ConnectionCount {
  #open = 0
  #taken = 0
  #due = false
  readonly #tell: (open: number, taken: number) => void

  constructor(tell: (open: number, taken: number) => void) {
    this.#tell = tell
  }

  watch(server: Server): void {
    server.prependListener('connection', (socket: Socket) => {
      this.#open++
      this.#tellSoon()
      socket.once('close', () => {
        this.#open--
        this.#tellSoon()
      })
    })
  }

  /** One of the supervisor's connections was taken; those that were handed on by other workers are not counted as such. */
  taken(): void {
    this.#taken++
  }

  /** Once for each turn of the loop. */
  #tellSoon(): void {
    if (this.#due) return
    this.#due = true
    setImmediate(() => {
      this.#due = false
      this.#tell(this.#open, this.#taken)
    }).unref()
  }
}
