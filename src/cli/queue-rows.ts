// The accept queues of an app in the words of `brood show`: who waits, where, and which queue is long.
import type { QueueReport } from '../supervisor/queue-report.ts'

/** With more queues than this only those in which somebody waits are named. */
const mostListed = 16

/** Rows of title and text; none where the system does not tell. */
export function queueRows(queues: readonly QueueReport[]): [string, string][] {
  const known = queues.filter(({ waiting }) => waiting !== null)
  const texts = [...Map.groupBy(known, ({ address }) => address)].flatMap(([address, here]) => [
    `${address}  ${depths(here)}`,
    ...here.flatMap(remarks),
  ])
  return texts.map((text, index) => [index === 0 ? 'waiting' : '', text])
}

function depths(queues: readonly QueueReport[]): string {
  if (queues.every(({ waiting }) => waiting === 0)) return 'nobody'
  if (queues.length <= mostListed) return queues.map(({ waiting }) => waiting).join(' ')
  return queues
    .filter(({ waiting }) => waiting !== 0)
    .map(({ slot, waiting }) => `${waiting} for slot ${slot}`)
    .join(', ')
}

function remarks({ slot, waiting, limit, adopter }: QueueReport): string[] {
  const whose = slot === null ? 'the queue' : `slot ${slot}`
  const texts: string[] = []
  if (adopter !== null) texts.push(`${whose}: slot ${adopter} accepts in its place`)
  if (waiting !== null && limit !== null && waiting >= limit / 2) {
    const fullness =
      waiting >= limit ? 'is full, further clients are not even answered' : 'is more than half full'
    texts.push(`${whose}: ${fullness} (${waiting} of ${limit})`)
  }
  return texts
}
