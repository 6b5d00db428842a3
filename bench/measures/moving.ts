// Measures what it costs to move connections to new workers, and whether whoever asks on them meanwhile notices.
import { setTimeout as delay } from 'node:timers/promises'
import { scaleBrood } from '../contestants/brood.ts'
import type { Contestant } from '../contestants/contestant.ts'
import { launch } from '../contestants/launch.ts'
import { processorTime } from '../system/processes.ts'
import { HeldConnections } from './held-connections.ts'
import { spreadConnections, spreadWorkers } from './spread.ts'

/** After a scale everything has moved by then; and no idle connection has been closed for its age. */
const moving = 3500
/** Between an answer and the next request on the same connection. */
const pause = { from: 50, to: 350 }

export interface MovingRepetition {
  contestant: string
  /** Connections that another process answered on afterwards. */
  moved: number
  /** Of all processes, while the connections were silent and the moves took place. */
  processorMicroseconds: number
}

export interface MovingAnswers {
  contestant: string
  requests: number
  failures: number
  /** Milliseconds. */
  p50: number
  p99: number
  slowest: number
  moved: number
}

/** All connections are opened with one worker, and then there are more of them. */
async function withMoreWorkers<Result>(
  contestant: Contestant,
  signal: AbortSignal,
  measure: (held: HeldConnections, pids: () => number[]) => Promise<Result>,
): Promise<Result & { contestant: string; moved: number }> {
  await using running = await launch(contestant, 1, signal)
  using held = new HeldConnections(running.port, spreadConnections)
  const before = await held.askAll()
  await scaleBrood(running, spreadWorkers, signal)
  const result = await measure(held, () => running.pids())
  const after = await held.askAll()
  const moved = after.filter((pid, index) => pid !== before[index]).length
  if (held.ended > 0) throw new Error(`${held.ended} connections were closed`)
  return { ...result, contestant: contestant.key, moved }
}

export function measureMoving(contestant: Contestant, signal: AbortSignal): Promise<MovingRepetition> {
  return withMoreWorkers(contestant, signal, async (_held, pids) => {
    const before = new Map(pids().map((pid) => [pid, processorTime(pid)]))
    await delay(moving, undefined, { signal })
    let nanoseconds = 0
    for (const [pid, used] of before) nanoseconds += processorTime(pid) - used
    return { processorMicroseconds: nanoseconds / 1000 }
  })
}

export function measureAnswers(contestant: Contestant, signal: AbortSignal): Promise<MovingAnswers> {
  return withMoreWorkers(contestant, signal, async (held) => {
    const until = performance.now() + moving
    const times: number[] = []
    let failures = 0
    const asking = Array.from({ length: held.count }, async (_, index) => {
      while (performance.now() < until) {
        await delay(pause.from + Math.random() * (pause.to - pause.from), undefined, { signal })
        try {
          times.push((await held.ask(index)).milliseconds)
        } catch {
          failures++
          return
        }
      }
    })
    await Promise.all(asking)
    times.sort((a, b) => a - b)
    const at = (part: number): number => times[Math.floor(part * (times.length - 1))] ?? 0
    return { requests: times.length, failures, p50: at(0.5), p99: at(0.99), slowest: at(1) }
  })
}
