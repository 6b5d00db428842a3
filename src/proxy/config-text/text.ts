// What configurations of other proxies have in common.
import type { Route } from '../route.ts'

/** For upstream blocks and the like: letters, digits and underscores, different for different addresses. */
export function nameOf({ listen }: Route): string {
  if ('path' in listen) return `brood_${listen.path.replaceAll(/\W+/g, '_').replace(/^_/, '')}`
  const host = listen.host === undefined ? '' : `${listen.host.replaceAll(/\W+/g, '_')}_`
  return `brood_${host}${listen.port}`
}

export function indent(lines: readonly string[], by: string): string[] {
  return lines.map((line) => (line === '' ? '' : `${by}${line}`))
}

/** Seconds or milliseconds in the form that nginx and HAProxy share. */
export function timeText(milliseconds: number): string {
  return milliseconds % 1000 === 0 ? `${milliseconds / 1000}s` : `${milliseconds}ms`
}
