// Waits for what an app depends on: other apps that are to be up, and services outside that are to answer.
import type { Clock, Millis } from '../kernel/clock.ts'
import { formatDuration } from '../kernel/duration.ts'
import { BroodError } from '../kernel/errors.ts'
import { askOverNetwork, type NetworkProbe } from '../supervisor/probe.ts'
import { isOutside } from '../supervisor/start-order.ts'

/** Between two looks. An app's state is at hand; asking a service costs a connection. */
const lookEvery = { app: 50, outside: 500 } as const
const answerWithin: Millis = 2000

/** What became of the wait: undefined when all is there, else what is not, and why. */
type Missing = { readonly name: string; readonly why: string } | undefined

export interface Wait {
  /** Why an app is not up; undefined when it is. */
  readonly whyNotUp: (app: string) => string | undefined
  readonly clock: Clock
  /** Ends the wait. */
  readonly signal: AbortSignal
}

/**
 * Settles when everything is there. Throws `not_ready` after `within`, which names what is missing; without it waits for
 * ever, until the signal.
 */
export async function awaitDependencies(
  app: string,
  dependsOn: readonly string[],
  within: Millis | undefined,
  wait: Wait,
): Promise<void> {
  const until = within === undefined ? Infinity : wait.clock.now() + within
  for (const name of dependsOn) {
    for (;;) {
      const missing = await lookFor(name, wait)
      assertWanted(name)
      if (missing === undefined) break
      if (wait.clock.now() >= until) {
        throw new BroodError(
          'not_ready',
          `'${app}' waits for ${missing.name}, which ${missing.why}; not there within ${formatDuration(within ?? 0)}`,
        )
      }
      await pause(isOutside(name) ? lookEvery.outside : lookEvery.app, wait)
      assertWanted(name)
    }
  }

  function assertWanted(name: string): void {
    if (wait.signal.aborted) throw new BroodError('aborted', `'${app}' does not wait for ${name} any more`)
  }
}

/** What of it is not there at this moment. */
export async function lookFor(name: string, { whyNotUp, signal, clock }: Wait): Promise<Missing> {
  const why = isOutside(name) ? await ask(name, signal, clock) : whyNotUp(name)
  return why === undefined ? undefined : { name, why }
}

function ask(service: string, signal: AbortSignal, clock: Clock): Promise<string | undefined> {
  const url = new URL(
    service.startsWith('tcp:') && !service.startsWith('tcp://') ? `tcp://${service.slice(4)}` : service,
  )
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const probe: NetworkProbe =
    url.protocol === 'tcp:'
      ? { type: 'tcp', host, port: Number(url.port) }
      : { type: 'http', host, port: Number(url.port || 80), path: `${url.pathname}${url.search}` }
  return askOverNetwork(probe, answerWithin, signal, clock)
}

function pause(length: Millis, { clock, signal }: Wait): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      cancel()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.at(clock.now() + length, end)
    signal.addEventListener('abort', end, { once: true })
  })
}
