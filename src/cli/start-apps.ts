// Starts several apps through the control API, those first that others depend on.
import type { AppSpec } from '../config/app-spec.ts'
import { insteadOf } from '../config/share-mode.ts'
import type { ControlClient } from '../daemon/control/client.ts'
import { BroodError } from '../kernel/errors.ts'
import type { AppReport } from '../supervisor/report.ts'
import { startOrder } from '../supervisor/start-order.ts'

/** In the order of `specs`. When one fails, those that depend on it are not started; what was started goes on. */
export async function startApps(
  client: ControlClient,
  specs: readonly AppSpec[],
  note: (text: string) => void,
): Promise<AppReport[]> {
  for (const { name, share } of specs) {
    const notice = insteadOf(share)
    if (notice !== undefined) note(`${name}: ${notice}`)
  }
  const started = new Map<string, AppReport>()
  for (const wave of startOrder(specs)) {
    const outcomes = await Promise.allSettled(
      specs
        .filter(({ name }) => wave.includes(name))
        .map(async (spec) => started.set(spec.name, await client.call('start', { spec }))),
    )
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed !== undefined) throw withDone(failed.reason, [...started.keys()], specs.length)
  }
  return specs.flatMap(({ name }) => started.get(name) ?? [])
}

/** Whoever asked for several apps must know how far it came. */
function withDone(error: unknown, started: readonly string[], asked: number): unknown {
  if (!(error instanceof BroodError) || asked === 1) return error
  const done =
    started.length === 0 ? 'no other app was started' : `started before that: ${started.join(', ')}`
  return new BroodError(error.code, `${error.message} (${done})`, { cause: error, detail: error.detail })
}
