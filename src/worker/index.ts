// `brood/worker`: what a program may ask of the supervision it runs under; harmless where there is none.
import { apiKey, type DrainHook, type WorkerApi } from './api.ts'

export type { DrainHook, Draining } from './api.ts'

const api = (globalThis as { [apiKey]?: WorkerApi })[apiKey]

/** The name of the app this process is a worker of; undefined outside brood. */
export const app: string | undefined = api?.app

/** The slot this worker occupies, from 0; undefined outside brood. */
export const slot: number | undefined = api?.slot

/**
 * Calls `hook` when this worker is to leave: it has stopped accepting, and leaves as soon as its connections are gone
 * and the hook has settled, but no later than `within` milliseconds. For what brood cannot end by itself:
 * ```js
 * onDrain(() => { for (const client of webSockets.clients) client.close(1001, 'reload') })
 * ```
 * Returns a function that takes the hook back. Outside brood the hook is never called.
 */
export function onDrain(hook: DrainHook): () => void {
  api?.drainHooks.add(hook)
  return () => {
    api?.drainHooks.delete(hook)
  }
}

/** Says that this worker is ready, for apps started with `--ready message`; the same as `process.send('ready')`. */
export function ready(): void {
  api?.ready()
}
