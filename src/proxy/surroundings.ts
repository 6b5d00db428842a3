// What the parts of a proxy have in common: the time, and where they say what a person should know.
import type { Clock } from '../kernel/clock.ts'

export interface Surroundings {
  readonly clock: Clock
  /** A line for whoever runs the proxy; by rule written to stderr. */
  warn(line: string): void
}
