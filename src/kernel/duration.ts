// Lengths of time as people write them: '250ms', '30s', '5m', '1h', '2d'.
import type { Millis } from './clock.ts'

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Milliseconds of a text such as `'1.5s'`; a bare number means milliseconds. Undefined when it is no duration. */
export function parseDuration(text: string): Millis | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/.exec(text.trim())
  if (!match) return undefined
  const unit = (match[2] ?? 'ms') as keyof typeof units // the pattern admits no other
  return Math.round(Number(match[1]) * units[unit])
}

/** The two largest units of a length, for people: `3d 4h`, `12m 5s`, `340ms`. */
export function formatDuration(length: Millis): string {
  if (length < 1000) return `${Math.max(0, Math.round(length))}ms`
  const seconds = Math.floor(length / 1000)
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const
  const first = parts.findIndex(([count]) => count > 0)
  return parts
    .slice(first, first + 2)
    .filter(([count], index) => index === 0 || count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ')
}

/** The text people would have written for a length, nothing rounded: `90s`, `1500ms`, `2d`. */
export function exactDuration(length: Millis): string {
  const found = Object.entries(units).findLast(([, unit]) => length % unit === 0)
  return length === 0 || found === undefined ? `${length}ms` : `${length / found[1]}${found[0]}`
}
