// Figures as people read them, and bars drawn to an eighth of a column.

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/** A bar as long as `value` is of `most`; `width` columns are the whole. What is more than nothing can be seen. */
export function bar(value: number, most: number, width: number): string {
  if (!(value > 0) || !(most > 0)) return ''
  const parts = Math.max(1, Math.min(width * 8, Math.round((value / most) * width * 8)))
  return '█'.repeat(Math.floor(parts / 8)) + (eighths[parts % 8] ?? '')
}

/** 12345 as 12,345. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** Milliseconds to three digits: 0.31 ms, 14.2 ms, 1.20 s. */
export function lengthText(millis: number): string {
  return millis < 1000 ? `${threeDigits(millis)} ms` : `${threeDigits(millis / 1000)} s`
}

export function microsText(micros: number): string {
  return micros < 1000 ? `${threeDigits(micros)} µs` : `${threeDigits(micros / 1000)} ms`
}

export function bytesText(bytes: number): string {
  const steps = ['B', 'kB', 'MB', 'GB', 'TB']
  let step = 0
  let value = bytes
  for (; value >= 1000 && step < steps.length - 1; step++) value /= 1000
  return `${step === 0 ? whole(value) : threeDigits(value)} ${steps[step]}`
}

export function percentText(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

/** How much more than its share the busiest has; undefined when nobody has anything. */
export function busiestToMean(values: readonly number[]): number | undefined {
  const sum = values.reduce((total, one) => total + one, 0)
  return sum <= 0 ? undefined : Math.max(...values) / (sum / values.length)
}

function threeDigits(value: number): string {
  if (value >= 100) return whole(value)
  return value.toFixed(value >= 9.995 ? 1 : 2)
}
