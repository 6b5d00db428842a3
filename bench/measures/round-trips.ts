// Measures requests to a forked child, one after the other: brood's `request` beside a pair of send and on('message').
import { fork as bareFork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { type Child, fork } from '../../src/process/index.ts'
import { answersBare, answersWithBrood } from '../system/child-programs.ts'

export interface RoundTrips {
  round: number
  kind: 'bare' | 'typed'
  /** Microseconds for one request. */
  each: number
  /** Microseconds of processor time for one request, parent and child together. */
  processor: number
}

interface Asker extends AsyncDisposable {
  readonly kind: RoundTrips['kind']
  ask(value: unknown): Promise<unknown>
  /** Microseconds the child has used. */
  used(): Promise<number>
}

/** Interleaved in rounds, beginning with the other kind each time; the first rounds are for the compilers. */
export async function measureRoundTrips(
  rounds: number,
  requests: number,
  signal: AbortSignal,
  progress: (text: string) => void,
): Promise<RoundTrips[]> {
  await using bare = new BareAsker()
  await using typed = new TypedAsker()
  const results: RoundTrips[] = []
  const warmUp = 3
  for (let round = -warmUp; round < rounds; round++) {
    progress(`round trips: round ${round} of ${rounds}`)
    for (const asker of round % 2 === 0 ? [bare, typed] : [typed, bare]) {
      signal.throwIfAborted()
      const result = await measure(asker, requests)
      if (round >= 0) results.push({ round, kind: asker.kind, ...result })
    }
  }
  return results
}

async function measure(asker: Asker, requests: number): Promise<{ each: number; processor: number }> {
  const usedByChild = await asker.used()
  const usedHere = process.cpuUsage()
  const started = performance.now()
  for (let n = 0; n < requests; n++) await asker.ask({ n, text: 'a small message' })
  const milliseconds = performance.now() - started
  const { user, system } = process.cpuUsage(usedHere)
  const processor = user + system + (await asker.used()) - usedByChild
  return { each: (milliseconds * 1000) / requests, processor: processor / requests }
}

/** What one writes by hand: a number for each request, and a table of those that wait. */
class BareAsker implements Asker {
  readonly kind = 'bare'
  readonly #child: ChildProcess = bareFork(answersBare)
  readonly #waiting = new Map<number, (value: unknown) => void>()
  #last = 0

  constructor() {
    this.#child.on('message', (message: { id: number; value: unknown }) => {
      this.#waiting.get(message.id)?.(message.value)
      this.#waiting.delete(message.id)
    })
  }

  ask(value: unknown): Promise<unknown> {
    return new Promise((resolve) => {
      const id = ++this.#last
      this.#waiting.set(id, resolve)
      this.#child.send({ id, value })
    })
  }

  used(): Promise<number> {
    return this.ask('used').then(Number)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.kill()
    await exited
  }
}

class TypedAsker implements Asker {
  readonly kind = 'typed'
  readonly #child: Child = fork(answersWithBrood)

  ask(value: unknown): Promise<unknown> {
    return this.#child.request('echo', value)
  }

  used(): Promise<number> {
    return this.#child.request('used', null)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stop()
  }
}
