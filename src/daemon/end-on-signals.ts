// SIGTERM and SIGINT end all apps in order; what was wanted of them is remembered for the next supervisor.
import type { Served } from './serve.ts'

/** `before` is called once, when the end begins. */
export function endOnSignals(served: Served, before: () => void = () => {}): void {
  let ending = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (ending) return
      ending = true
      before()
      served.end({ forget: false })
    })
  }
}
