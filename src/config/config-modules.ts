// How a configuration file and what it imports are resolved, where Node itself would fail or complain.
import { readFileSync } from 'node:fs'
import type { registerHooks } from 'node:module'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemCode } from '../kernel/errors.ts'

type Resolve = NonNullable<Parameters<typeof registerHooks>[0]['resolve']>

export const resolveForConfig: Resolve = (specifier, context, next) => {
  const resolved = specifier === 'brood' ? ownPackage(specifier, context, next) : next(specifier, context)
  const format = resolved.format ?? evidentFormat(resolved.url)
  return format === undefined ? resolved : { ...resolved, format }
}

/** Where brood is installed for the whole machine, a file's `import … from 'brood'` finds no package: it gets this one. */
const ownPackage: Resolve = (specifier, context, next) => {
  try {
    return next(specifier, context)
  } catch (error) {
    if (!['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes(systemCode(error) ?? '')) throw error
    const url = new URL(`../index${extname(import.meta.url)}`, import.meta.url).href
    return { url, shortCircuit: true }
  }
}

/**
 * In a package that does not say what its files are, Node finds out by trying, and prints a warning of several lines where it
 * was an ES module. Nobody who writes a configuration file wants to hear of that.
 */
function evidentFormat(url: string): string | undefined {
  const ending = url.startsWith('file:') ? extname(new URL(url).pathname) : ''
  if (ending !== '.ts' && ending !== '.js') return undefined
  try {
    const text = readFileSync(fileURLToPath(url), 'utf8')
    if (!/^(import|export)\b(?! *\()/m.test(text)) return undefined
    return ending === '.ts' ? 'module-typescript' : 'module'
  } catch {
    return undefined // Node says better what is wrong with it
  }
}
