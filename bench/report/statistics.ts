// Median and spread: what is reported of repeated measurements.

/** Median with the smallest and the largest value, because a figure without its spread cannot be trusted. */
export interface Spread {
  median: number
  smallest: number
  largest: number
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)]
  const lower = sorted[Math.ceil(sorted.length / 2) - 1]
  if (upper === undefined || lower === undefined) throw new Error('nothing was measured: there is no median')
  return (upper + lower) / 2
}

export function spread(values: readonly number[]): Spread {
  return { median: median(values), smallest: Math.min(...values), largest: Math.max(...values) }
}
