// What somebody may have meant who wrote a key that does not exist.

/** The one of `known` that is at most a slip away from `written`; undefined when none is. */
export function nearestKey(written: string, known: readonly string[]): string | undefined {
  const plain = plainly(written)
  const [nearest] = known
    .map((key) => ({ key, distance: editDistance(plain, plainly(key)) }))
    .toSorted((a, b) => a.distance - b.distance)
  const bearable = Math.max(1, Math.floor(plain.length / 3))
  return nearest !== undefined && nearest.distance <= bearable ? nearest.key : undefined
}

/** `max_memory` and `MaxMemory` are `maxMemory`. */
function plainly(key: string): string {
  return key.toLowerCase().replaceAll(/[-_ ]/g, '')
}

/** Letters to insert, drop, replace or swap with the next (optimal string alignment). */
function editDistance(from: string, to: string): number {
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, index) => index)]
  const cell = (row: number, column: number): number => rows[row]?.[column] ?? Number.POSITIVE_INFINITY
  for (let i = 1; i <= from.length; i++) {
    rows.push([i])
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1]
      const swapped = from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      const distance = Math.min(
        cell(i - 1, j) + 1,
        cell(i, j - 1) + 1,
        cell(i - 1, j - 1) + (same ? 0 : 1),
        swapped ? cell(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY,
      )
      rows[i]?.push(distance)
    }
  }
  return cell(from.length, to.length)
}
