// One way to harm a brood, or to ask much of it.
import type { Arena } from './arena.ts'

export interface Harm {
  /** Workers of the app under load that were killed: what they had accepted may fail, and nothing else. */
  readonly killed: number
}

export const unharmed: Harm = { killed: 0 }

export interface Fault {
  readonly name: string
  /** Why it cannot be done here; undefined when it can. */
  readonly impossible?: (arena: Arena) => string | undefined
  act(arena: Arena): Promise<Harm>
}
