// The variables a program gets: layer upon layer, a later one wins, and none may be lost without a word.
import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { messageOf, systemCode } from '../kernel/errors.ts'
import type { Variables } from './written.ts'

export interface EnvFile {
  /** Absolute. */
  readonly path: string
  readonly optional: boolean
}

/** Later layers win; a variable that is undefined or null in one is taken away from those before it. */
export function mergeVariables(layers: readonly (Variables | NodeJS.ProcessEnv)[]): Record<string, string> {
  const merged = new Map<string, string>()
  for (const [name, value] of layers.flatMap((layer) => Object.entries(layer))) {
    if (value === undefined || value === null) merged.delete(name)
    else merged.set(name, `${value}`)
  }
  return Object.fromEntries(merged)
}

/** Editors of Windows begin a file with a byte order mark, which would be part of the first name. */
export function withoutMark(text: string): string {
  return text.replace(/^\uFEFF/, '')
}

/** What an env file says; a string tells why it cannot be had. */
export function readEnvFile({ path, optional }: EnvFile): NodeJS.ProcessEnv | string {
  try {
    return parseEnv(withoutMark(readFileSync(path, 'utf8')))
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') return `cannot be read: ${messageOf(error)}`
    return optional ? {} : `there is no file ${path}: check the path, or write { path, optional: true }`
  }
}
