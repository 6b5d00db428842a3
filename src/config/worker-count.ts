// How many workers an app gets: a number, one for each processor, or all processors but some.
import { availableParallelism } from 'node:os'
import { mostWorkers } from './app-spec.ts'

/** `4`, `'max'` (one per processor), or `-1` (all processors but one); a string is what is wrong with it, and what to write. */
export function workerCount(wanted: number | 'max', processors = availableParallelism()): number | string {
  const workers = wanted === 'max' ? processors : wanted < 0 ? processors + wanted : wanted
  if (Number.isInteger(workers) && workers >= 1 && workers <= mostWorkers) return workers
  return wanted !== 'max' && Number.isInteger(wanted) && wanted < 0
    ? `leaves none of the ${processors} processors, write 'max' or a number from 1`
    : workersAdvice
}

export const workersAdvice = `write 1 to ${mostWorkers}, 'max', or -1 for all processors but one`
