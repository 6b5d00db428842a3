// A worker's way out: stop accepting, finish what was accepted, hand idle connections on, run the program's hooks.
import type { IdleConnections } from '../wire/messages.ts'
import type { DrainHook, Draining } from './api.ts'
import type { Datagrams } from './datagrams.ts'
import type { Departures } from './departures.ts'
import type { Listening } from './listening.ts'

/** How often connections that have become idle are looked for, in milliseconds; only while draining. */
const scanEvery = 20

/** How much of its time a drain waits for busy HTTP/2 sessions to fall silent. */
const patience = 0.4

export interface DrainOptions {
  /** What becomes of idle connections. */
  idle: IdleConnections
  /** Milliseconds until the process is ended. */
  within: number
  /** The program has asked for it, and is to hear that its servers are closed. */
  byProgram: boolean
  departures: Departures
}

export class Drain {
  readonly #listening: Listening
  readonly #datagrams: Datagrams
  readonly #options: DrainOptions
  readonly #began = performance.now()

  constructor(listening: Listening, datagrams: Datagrams, options: DrainOptions) {
    this.#listening = listening
    this.#datagrams = datagrams
    this.#options = options
  }

  /** Settles when nothing that the worker accepted is unfinished. */
  async run(hooks: Iterable<DrainHook>): Promise<void> {
    this.#listening.finish()
    const served = this.#listening.unfinished
    const { byProgram } = this.#options
    const gone = served.map((one) => one.drain((server) => this.#listening.closeForDrain(server, byProgram)))
    gone.push(this.#datagrams.drain())
    const timer = setInterval(() => this.#scan(), scanEvery)
    this.#scan()
    try {
      await Promise.all([...gone, runHooks(hooks, { reason: 'drain', within: this.#options.within })])
    } finally {
      clearInterval(timer)
    }
  }

  #scan(): void {
    const { idle, departures } = this.#options
    const late = performance.now() - this.#began > this.#options.within * patience
    for (const served of this.#listening.unfinished) {
      served.closeSessions(late)
      if (idle === 'close') {
        served.closeIdle()
      } else if (idle === 'hand-on' && departures.possible && served.canHandOn) {
        for (const socket of served.idle()) if (!departures.has(socket)) departures.depart(served.key, socket)
      }
      // Idle connections that cannot move (TLS, or nobody to take them) end by their keep-alive timeout: closing one could
      // meet a request.
    }
  }
}

async function runHooks(hooks: Iterable<DrainHook>, draining: Draining): Promise<void> {
  // A hook that fails must not keep the worker from leaving; its error is the program's, so it is shown as such.
  await Promise.all(
    [...hooks].map(async (hook) => {
      try {
        await hook(draining)
      } catch (error) {
        console.error(error)
      }
    }),
  )
}
