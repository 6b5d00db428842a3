// How many connections each worker has taken, seen from outside: by how many sockets it holds more than before (Linux: /proc).
import { link, list } from '../../process/proc.ts'

/**
 * The sockets that each process holds; undefined where the system does not tell. The kernel's table of connections would
 * tell exactly those of one port, but reading it takes long while it is full of connections just closed.
 */
export function socketsOf(pids: readonly number[]): number[] | undefined {
  const counts = pids.map((pid) => {
    const folder = `/proc/${pid}/fd`
    return list(folder).filter((fd) => link(`${folder}/${fd}`).startsWith('socket:')).length
  })
  // Each worker has sockets to its supervisor.
  return counts.includes(0) ? undefined : counts
}

export function connectionsBetween(
  before: readonly number[] | undefined,
  after: readonly number[] | undefined,
): number[] {
  if (before === undefined || after === undefined) return []
  return after.map((count, index) => Math.max(0, count - (before[index] ?? 0)))
}
