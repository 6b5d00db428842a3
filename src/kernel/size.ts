// Amounts of memory and disk as people write them: '512MB', '1.5GiB'.

/** Bytes. */
export type Bytes = number

const units = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
} as const

/** From the largest down; where two units fit alike, the decimal one is written. */
const written = [
  ['GiB', units.gib],
  ['GB', units.gb],
  ['MiB', units.mib],
  ['MB', units.mb],
  ['KiB', units.kib],
  ['KB', units.kb],
] as const

/** Bytes of a text such as `'512MB'`; a bare number means bytes. Undefined when it is no size. */
export function parseSize(text: string): Bytes | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmg]?i?b)?$/i.exec(text.trim())
  if (!match) return undefined
  const unit = (match[2] ?? 'b').toLowerCase()
  if (!Object.hasOwn(units, unit)) return undefined
  const bytes = Math.round(Number(match[1]) * units[unit as keyof typeof units]) // `hasOwn` has just checked it
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** The shortest text that `parseSize` reads back as the same number. */
export function formatSize(bytes: Bytes): string {
  const texts = written.flatMap(([name, unit]) => (bytes % unit === 0 ? [`${bytes / unit}${name}`] : []))
  return bytes === 0
    ? '0B'
    : [...texts, `${bytes}B`].reduce((best, one) => (one.length < best.length ? one : best))
}
