// What the workers of an app have answered, each by its own word.
import type { Millis } from '../kernel/clock.ts'
import type { Member } from './crew.ts'

/** How long a worker may take to say how much it has served. */
const countWithin: Millis = 1000

/** What a worker has answered since it was first asked. */
export interface ServedReport {
  readonly slot: number
  readonly pid: number | null
  readonly requests: number
  /** Answers with a status of 500 and more. */
  readonly errors: number
}

export function servedReports(members: Iterable<Member>): Promise<ServedReport[]> {
  const counted = async ({ slot, pid, guard }: Member): Promise<ServedReport> => {
    const { requests, errors } = await guard.counted(countWithin)
    return { slot, pid: pid ?? null, requests, errors }
  }
  return Promise.all([...members].map(counted))
}
