// Measures the time from the call that forks to the child's first message, and the processor time of both until then.
import { fork as bareFork } from 'node:child_process'
import { once } from 'node:events'
import { fork } from '../../src/process/index.ts'
import { saysHello, saysHelloWithBrood } from '../system/child-programs.ts'

/** Bare: child_process.fork. Typed: brood's fork of the same program. Both: brood in the child as well. */
const startKinds = ['bare', 'typed', 'both'] as const
export type StartKind = (typeof startKinds)[number]

export interface StartTime {
  repetition: number
  kind: StartKind
  milliseconds: number
  /** Microseconds of processor time, parent and child together. */
  processor: number
}

/** Interleaved, beginning with another kind each time; the first turn only fills the disk cache. */
export async function measureFirstMessage(
  repetitions: number,
  signal: AbortSignal,
  progress: (text: string) => void,
): Promise<StartTime[]> {
  const results: StartTime[] = []
  for (let repetition = 0; repetition <= repetitions; repetition++) {
    progress(`first message: ${repetition} of ${repetitions}`)
    for (let turn = 0; turn < startKinds.length; turn++) {
      signal.throwIfAborted()
      const kind = startKinds[(repetition + turn) % startKinds.length] ?? 'bare'
      const used = process.cpuUsage()
      const started = performance.now()
      const { child, end } = await firstMessage[kind]()
      const milliseconds = performance.now() - started
      const { user, system } = process.cpuUsage(used)
      await end()
      if (repetition > 0) results.push({ repetition, kind, milliseconds, processor: child + user + system })
    }
  }
  return results
}

interface Heard {
  /** Microseconds the child has used. */
  readonly child: number
  readonly end: () => Promise<unknown>
}

const firstMessage: Record<StartKind, () => Promise<Heard>> = {
  async bare() {
    const child = bareFork(saysHello)
    const exited = once(child, 'exit')
    const [message] = await once(child, 'message')
    return { child: Number(message), end: () => exited }
  },
  typed: () => typed(saysHello),
  both: () => typed(saysHelloWithBrood),
}

async function typed(program: string): Promise<Heard> {
  const child = fork(program)
  const { value } = await child.messages().next()
  return { child: Number(value?.message), end: () => child.exit }
}
