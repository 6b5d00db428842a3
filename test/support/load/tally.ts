/** Counts how the requests of one kind of client ended, each way apart. */
import type { Outcome } from './outcome.ts'
import { Times } from './times.ts'

export class Tally {
  successes = 0
  /** The connection broke before or in the middle of an answer to a request that was sent. */
  resets = 0
  /** Nobody listened. */
  refusals = 0
  /** No complete answer in time. */
  timeouts = 0
  /** An answer, but not the right one: status, content, or not HTTP at all. */
  wrong = 0
  /** Kept connections that the server closed while nothing was asked: no failure, but the client had to reconnect. */
  idleCloses = 0
  /** Connections that were opened. */
  connections = 0
  readonly connectTimes = new Times()
  /** From the first byte asked (connecting included) to the last byte answered. */
  readonly answerTimes = new Times()
  /** How many answers came from which process, by their header `x-pid`. */
  readonly pids = new Map<number, number>()

  get failures(): number {
    return this.resets + this.refusals + this.timeouts + this.wrong
  }

  connected(milliseconds: number): void {
    this.connections++
    this.connectTimes.record(milliseconds)
  }

  count(outcome: Outcome, milliseconds: number): void {
    switch (outcome.is) {
      case 'success':
        this.successes++
        this.answerTimes.record(milliseconds)
        this.#countPid(outcome.answer.head.headers.get('x-pid'))
        return
      case 'reset':
        this.resets++
        return
      case 'refusal':
        this.refusals++
        return
      case 'timeout':
        this.timeouts++
        return
      case 'wrong':
        this.wrong++
        return
    }
  }

  #countPid(header: string | undefined): void {
    if (header === undefined) return
    const pid = Number(header)
    this.pids.set(pid, (this.pids.get(pid) ?? 0) + 1)
  }
}
