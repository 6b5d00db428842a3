// Finds a configuration file and loads what it says, whatever kind of file it is.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { createRequire, registerHooks } from 'node:module'
import { basename, extname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { BroodError, messageOf } from '../kernel/errors.ts'
import type { AppSpec } from './app-spec.ts'
import { resolveForConfig } from './config-modules.ts'
import type { ConfigContext } from './define-config.ts'
import { withoutMark } from './environment.ts'
import { fileOrigin, refusal } from './origin.ts'
import { type Choices, resolveConfig } from './resolve-config.ts'

/** In this order. */
const names = ['ts', 'mts', 'js', 'mjs', 'cjs', 'json'].map((ending) => `brood.config.${ending}`)

/** Whether an argument names a configuration file and not a script. */
export function isConfigFile(argument: string): boolean {
  return /(^|\.)config\.[mc]?[jt]s$/.test(basename(argument)) || extname(argument) === '.json'
}

/** The absolute path of the file that is meant: the one given, or the one in this folder. */
export function findConfig(given: string | undefined, folder: string = process.cwd()): string {
  const path = resolve(folder, given ?? '.')
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat?.isFile()) return path
  if (stat === undefined) throw notFound(`there is no file ${path}: check the path`)
  const found = names.find((name) => existsSync(join(path, name)))
  if (found !== undefined) return join(path, found)
  throw notFound(
    `there is no brood.config.ts (or .js, .json) in ${path}: 'brood init' writes one, or name the file`,
  )
}

/** Every app of a file, resolved. */
export async function loadConfig(path: string, choices: Choices): Promise<AppSpec[]> {
  const origin = fileOrigin(path)
  const exported = extname(path) === '.json' ? readJson(path) : await importDefault(path)
  const { envName } = choices
  const config = isFunction(exported) ? await callConfig(path, exported, { envName }) : exported
  if (config === undefined) {
    throw refusal(origin, [
      { path: [], says: 'exports nothing by default: write export default { apps: [] }' },
    ])
  }
  return resolveConfig(config, origin, choices)
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(withoutMark(readFileSync(path, 'utf8')))
  } catch (error) {
    throw broken(path, error)
  }
}

let loads = 0

/** A file may be loaded again after a change, so each load goes by another address. */
async function importDefault(path: string): Promise<unknown> {
  delete createRequire(path).cache[path] // CommonJS modules are remembered by their path alone
  const hooks = registerHooks({ resolve: resolveForConfig })
  try {
    const module: { default?: unknown } = await import(`${pathToFileURL(path)}?load=${loads++}`)
    return module.default
  } catch (error) {
    throw broken(path, error)
  } finally {
    hooks.deregister()
  }
}

type MakeConfig = (context: ConfigContext) => unknown

function isFunction(exported: unknown): exported is MakeConfig {
  return typeof exported === 'function'
}

async function callConfig(path: string, make: MakeConfig, context: ConfigContext): Promise<unknown> {
  try {
    return await make(context)
  } catch (error) {
    throw broken(path, error)
  }
}

function broken(path: string, cause: unknown): BroodError {
  const line = cause instanceof Error ? lineIn(path, cause) : ''
  return refusal(fileOrigin(path), [{ path: [], says: `cannot be loaded: ${messageOf(cause)}${line}` }], {
    cause,
  })
}

/** Where in the file it happened, as far as the error knows. */
function lineIn(path: string, error: Error): string {
  const after = error.stack?.split(path)[1]
  const line = after === undefined ? undefined : /^[^\n:]*:(\d+)/.exec(after)?.[1]
  return line === undefined ? '' : ` (line ${line})`
}

function notFound(message: string): BroodError {
  return new BroodError('config_not_found', message)
}
