// What configurations of other proxies have in common.
import type { Route } from '../route.ts'

/** nginx has no room for long names of variables in its usual settings. */
const longestName = 20

/** For upstream blocks and the like: letters, digits and underscores, different for the addresses that one file may hold. */
export function nameOf({ listen }: Route): string {
  const address = 'path' in listen ? listen.path : `${listen.host ?? ''} ${listen.port}`
  const words = address.replaceAll(/\W+/g, '_').slice(-longestName)
  return `brood_${words.replace(/^_+/, '')}`
}

export function indent(lines: readonly string[], by: string): string[] {
  return lines.map((line) => (line === '' ? '' : `${by}${line}`))
}

/** Seconds or milliseconds in the form that nginx and HAProxy share. */
export function timeText(milliseconds: number): string {
  return milliseconds % 1000 === 0 ? `${milliseconds / 1000}s` : `${milliseconds}ms`
}
