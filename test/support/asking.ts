/** Asks again and again on new connections, and keeps count of who answered and what failed. */
import type { Ask } from './ask.ts'

/** Milliseconds for one answer: long enough for a busy machine, short enough to notice a connection left hanging. */
const answerTimeout = 5000

export interface Asking {
  /** Resolves as soon as each of these processes has answered; rejects when the asking ends before. */
  answersFrom(pids: readonly number[]): Promise<void>
  /** Lets the questions under way finish; what failed, in words. */
  stop(): Promise<readonly string[]>
}

/** `clients` ask side by side, each its next question when the last one is answered; `signal` ends them. */
export function keepAsking(ask: Ask, signal: AbortSignal, clients = 4): Asking {
  const stopping = new AbortController()
  const ended = AbortSignal.any([signal, stopping.signal])
  const answered = new Set<number>()
  const failures: string[] = []
  const checks = new Set<() => void>()
  const finished = Promise.all(Array.from({ length: clients }, askOn))
  return {
    answersFrom: (pids) =>
      new Promise((resolve, reject) => {
        const check = () => {
          if (!pids.every((pid) => answered.has(pid))) return
          checks.delete(check)
          resolve()
        }
        checks.add(check)
        check()
        const missing = () => new Error(`of ${pids} only ${[...answered]} answered; ${failures.join(', ')}`)
        finished.then(() => reject(missing()), reject)
      }),
    async stop() {
      stopping.abort()
      await finished
      return failures
    },
  }

  async function askOn(): Promise<void> {
    while (!ended.aborted) {
      try {
        answered.add(await ask(AbortSignal.timeout(answerTimeout)))
      } catch (error) {
        failures.push(String(error))
        // A server that refuses everything would fill the memory with the same sentence.
        if (failures.length >= 20) return
      }
      for (const check of checks) check()
    }
  }
}
