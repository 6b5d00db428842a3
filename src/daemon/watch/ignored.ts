// Which changed paths count for nothing.
import { matchesGlob, relative, sep } from 'node:path'

/**
 * Whether a path below `root` is ignored, with everything below it. A pattern without a slash fits any name on the way
 * (`node_modules`, `*.log`), one with a slash the path from the root (`public/assets`, `src/**\/*.test.ts`), and one that
 * begins with a slash the whole path.
 */
export function ignored(root: string, patterns: readonly string[]): (path: string) => boolean {
  const rules = patterns.map(ruleOf)
  return (path) => {
    const below = relative(root, path)
    // The root itself was named on purpose.
    if (below === '') return false
    return rules.some((rule) => rule(path, below))
  }
}

type Rule = (path: string, below: string) => boolean

function ruleOf(pattern: string): Rule {
  const bare = pattern.replace(/^\.\//, '').replace(/\/$/, '')
  const isMatch = matcherOf(bare)
  if (bare.startsWith('/')) return (path) => isMatch(path)
  if (bare.includes('/')) return (_, below) => isMatch(below)
  return (_, below) => below.split(sep).some(isMatch)
}

function matcherOf(pattern: string): (path: string) => boolean {
  // Plain names are most patterns, and need no parser.
  const isPlain = !/[*?[\]{}!()+@]/.test(pattern)
  const inside = `${pattern}/`
  return isPlain
    ? (path) => path === pattern || path.startsWith(inside)
    : (path) => path === pattern || matchesGlob(path, pattern)
}
