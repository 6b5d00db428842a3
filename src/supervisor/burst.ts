// One summary of many moves: how many connections have moved in a row of rounds, and what each worker had before and after.
import type { Clock, Millis } from '../kernel/clock.ts'

/** An app whose clients come and go all the time is told of so often at most; what moves meanwhile is told together. */
const tellEvery: Millis = 60_000

interface Counted {
  /** `web/0` */
  readonly worker: string
  readonly connections: number
}

export class Burst {
  readonly #clock: Clock
  readonly #tell: (summary: string) => void
  #before = new Map<string, number>()
  #now = new Map<string, number>()
  #moved = 0
  #toldAt = -Infinity
  #beganAt = -Infinity

  constructor(clock: Clock, tell: (summary: string) => void) {
    this.#clock = clock
    this.#tell = tell
  }

  /** What everybody has, before the next moves or after the last. */
  seen(counts: readonly Counted[]): void {
    this.#now = new Map(counts.map(({ worker, connections }) => [worker, connections]))
    if (this.#moved === 0) this.#before = this.#now
    else if (this.#isDue(this.#beganAt)) this.#sum()
  }

  moved(count: number): void {
    if (this.#moved === 0) this.#beganAt = this.#clock.now()
    this.#moved += count
  }

  /** Nothing moves any more. */
  end(): void {
    if (this.#moved > 0 && this.#isDue()) this.#sum()
  }

  #isDue(after: Millis = this.#toldAt): boolean {
    return this.#clock.now() - Math.max(after, this.#toldAt) >= tellEvery
  }

  #sum(): void {
    const changes = [...this.#now].flatMap(([worker, connections]) => {
      const before = this.#before.get(worker) ?? 0
      return before === connections ? [] : [`${worker} ${before}→${connections}`]
    })
    const connections = this.#moved === 1 ? '1 idle connection' : `${this.#moved} idle connections`
    this.#tell([`moved ${connections}`, ...(changes.length > 0 ? [changes.join(', ')] : [])].join(': '))
    this.#toldAt = this.#clock.now()
    this.#moved = 0
    this.#before = this.#now
  }
}
