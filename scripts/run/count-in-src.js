// Preloaded into every process of a coverage run: what would load a file of dist/ gets its source in src/ instead.
// Node counts both but doesn't add them up: a line that only one of the two has run would be reported as not run.
import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'

const root = new URL('../../', import.meta.url)
const dist = new URL('dist/', root).href

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context)
    if (!resolved.url.startsWith(dist)) return resolved
    const source = new URL(`src/${resolved.url.slice(dist.length).replace(/\.js$/, '.ts')}`, root)
    return existsSync(source) ? { ...resolved, url: source.href, format: 'module-typescript' } : resolved
  },
})
