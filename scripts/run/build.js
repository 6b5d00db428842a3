// Builds src/ into dist/ with plain tsc, and the JSON Schema of configuration files, when anything has changed since the last build that succeeded.
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { runChild } from './child.js'

/** Its time is that of the last good build. Kept out of dist/, which is published, and gone with node_modules. */
const STAMP = 'node_modules/.cache/brood/built'
const SETTINGS = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json']

/** What dist/ has besides the built sources, and what makes it; the descriptions in it are those of the reference. */
const SCHEMA = 'dist/config.schema.json'
const SCHEMA_SCRIPT = 'scripts/config-schema.ts'
const SCHEMA_DOCS = 'docs/reference/config.md'

const DONE = { code: 0, signal: null, stop: false }

export async function build(root, node, { env, quiet }) {
  removeStale(root)
  if (isBuilt(root)) return DONE
  // Taken before, so that what is edited while tsc runs counts as newer.
  const started = new Date()
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc')
  const stamp = path.join(root, STAMP)
  rmSync(stamp, { force: true }) // tsc writes even when it finds errors, so dist/ may be neither old nor new now
  const compiled = await runChild(node, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, env, quiet })
  const result =
    compiled.code === 0 ? await runChild(node, [SCHEMA_SCRIPT], { cwd: root, env, quiet }) : compiled
  if (result.code === 0) {
    mkdirSync(path.dirname(stamp), { recursive: true })
    writeFileSync(stamp, '')
    utimesSync(stamp, started, started)
  }
  return result
}

function isBuilt(root) {
  const stamp = path.join(root, STAMP)
  if (!existsSync(stamp)) return false
  const builtAt = statSync(stamp).mtimeMs
  const inputs = [...SETTINGS, SCHEMA_SCRIPT, SCHEMA_DOCS, ...filesIn(root, 'src')]
  const missing = sources(root).some((source) => !existsSync(path.join(root, 'dist', `${source}.js`)))
  return (
    !missing &&
    existsSync(path.join(root, SCHEMA)) &&
    inputs.every((file) => statSync(path.join(root, file)).mtimeMs < builtAt)
  )
}

/**
 * Removes what was built from a source that is gone. Only that, and not the whole folder: a cluster that runs from
 * dist/ starts workers at any moment.
 */
function removeStale(root) {
  const known = new Set(sources(root))
  for (const file of filesIn(root, 'dist')) {
    const source = path.relative('dist', file).replace(/(\.d\.ts|\.js)(\.map)?$/, '')
    if (!known.has(source) && file !== SCHEMA) rmSync(path.join(root, file))
  }
}

/** The TypeScript files under src/, as paths relative to it and without extension. */
function sources(root) {
  return filesIn(root, 'src')
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => path.relative('src', file).slice(0, -'.ts'.length))
}

function filesIn(root, folder) {
  const top = path.join(root, folder)
  if (!existsSync(top)) return []
  return readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath ?? entry.path, entry.name)))
}
