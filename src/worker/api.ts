// What the preload offers the program, found by a registered symbol so that any copy of `brood/worker` finds it.

/** Told to every drain hook. */
export interface Draining {
  /** Why the worker leaves. */
  readonly reason: 'drain'
  /** Milliseconds until the process is ended, whatever is unfinished. */
  readonly within: number
}

export type DrainHook = (draining: Draining) => void | Promise<void>

export interface WorkerApi {
  readonly app: string
  readonly slot: number
  readonly drainHooks: Set<DrainHook>
  /** Tells the supervisor that this worker is ready. */
  ready(): void
}

export const apiKey: unique symbol = Symbol.for('brood.worker') as never // `unique symbol` needs the assertion
