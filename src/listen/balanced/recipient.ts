// Who takes accepted connections, as the one sees it that gives them out.
import type { Target } from '../../balance/index.ts'
import type { Millis } from '../../kernel/clock.ts'

/** A connection that has been accepted, and that nobody reads yet. */
export interface Client {
  close(): void
  getpeername?(out: { address?: string }): number
}

/** What is known of a recipient, and is told what becomes of its connections. */
interface RecipientLoad extends Target {
  sending(): void
  declined(): void
  pickedUp(after: Millis): void
}

/** Somebody who takes connections. */
export interface Recipient<One extends Client> {
  /** Never that of another. */
  readonly id: number
  /** What is known of it; with a sticky algorithm, of two with the same `load.id` the one added last is chosen. */
  readonly load: RecipientLoad
  /**
   * Sends a connection; `done` tells, once, whether it was taken. False when nothing can be sent to this one any more: then
   * `done` is not called.
   */
  send(client: One, done: (taken: boolean) => void): boolean
}
