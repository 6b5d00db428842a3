// Scheduling priority of a process, set after its start: Node has no option for it.
import { setPriority } from 'node:os'
import { messageOf } from '../kernel/errors.ts'
import { list } from './proc.ts'

/**
 * Gives `pid` the niceness −20 (first) to 19 (last). Undefined when done, else a notice that says what to do: a worker of
 * another priority still is a worker.
 */
export function setNice(pid: number, nice: number): string | undefined {
  try {
    // On Linux each thread has a niceness of its own, which those it starts inherit: a process that runs has several.
    const threads = list(`/proc/${pid}/task`).map(Number)
    for (const thread of threads.length === 0 ? [pid] : threads) setPriority(thread, nice)
    return undefined
  } catch (error) {
    return /\b(EACCES|EPERM)\b/.test(messageOf(error))
      ? `nice ${nice} was refused for pid ${pid}: only root may raise a priority; choose a higher number, or run the supervisor as root`
      : `nice ${nice} could not be set for pid ${pid}: ${messageOf(error)}`
  }
}
