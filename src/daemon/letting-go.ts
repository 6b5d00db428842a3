// When an app gives an address back, every worker that keeps a copy of its socket has to close it before the port is free.
import type { Clock, Millis } from '../kernel/clock.ts'
import type { App } from '../supervisor/app.ts'

/** A worker whose loop is blocked must not keep others waiting for longer. */
const patience: Millis = 1000

interface Request {
  readonly waitingFor: Set<string>
  readonly resolve: () => void
}

export class LettingGo {
  readonly #clock: Clock
  readonly #requests = new Map<number, Request>()
  #next = 1

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Settles when no worker of these apps keeps a socket of those addresses, or when that takes too long. */
  begin(apps: readonly App[], app: string, keys: readonly string[]): Promise<void> {
    const request = this.#next++
    // Programs in other languages keep nothing for others, and would not answer.
    const keepers = apps.filter(({ settings }) => settings.interpreter === undefined)
    const asked = keepers.flatMap((one) =>
      one.keepers.letGo(app, keys, request).map((worker) => nameOf(one.settings.name, worker)),
    )
    if (asked.length === 0) return Promise.resolve()
    return new Promise((settle) => {
      const cancel = this.#clock.at(this.#clock.now() + patience, () => resolve())
      const resolve = (): void => {
        cancel()
        this.#requests.delete(request)
        settle()
      }
      this.#requests.set(request, { waitingFor: new Set(asked), resolve })
    })
  }

  /** A worker has ended, and answers no more. */
  gone(app: string, worker: number): void {
    for (const id of [...this.#requests.keys()]) this.done(app, worker, id)
  }

  done(app: string, worker: number, id: number): void {
    const request = this.#requests.get(id)
    request?.waitingFor.delete(nameOf(app, worker))
    if (request?.waitingFor.size === 0) request.resolve()
  }
}

function nameOf(app: string, worker: number): string {
  return `${app} ${worker}`
}
