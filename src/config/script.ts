// The file an app runs: whether it is there, and what runs it.
import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs'
import { extname, resolve } from 'node:path'
import { messageOf, systemCode } from '../kernel/errors.ts'

const ofNode = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts']
const byEnding: Readonly<Record<string, string>> = { '.py': 'python3', '.sh': 'sh' }

/** Why a script cannot be run; undefined when it can be read. */
export function faultOfScript(path: string): { says: string; cause: unknown } | undefined {
  try {
    if (statSync(path).isDirectory())
      return { says: `${path} is a directory: name the script to run in it`, cause: undefined }
    accessSync(path, constants.R_OK)
    return undefined
  } catch (error) {
    return systemCode(error) === 'ENOENT'
      ? { says: `there is no script ${path}: check the path`, cause: error }
      : { says: `cannot read ${path}: ${messageOf(error)}`, cause: error }
  }
}

/** What runs a script that can be read. `program`: undefined is Node, `none` the script itself. Undefined when nobody can tell. */
export function interpreterOf(path: string): { readonly program: string | undefined } | undefined {
  const ending = extname(path).toLowerCase()
  if (ofNode.includes(ending)) return { program: undefined }
  if (Object.hasOwn(byEnding, ending)) return { program: byEnding[ending] }
  if (!isExecutable(path)) return undefined
  // As a Node program it shares sockets, is watched and drained; so do the launchers in node_modules/.bin.
  return { program: /^#!.*\bnode\b/.test(firstBytes(path)) ? undefined : 'none' }
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Why what is to run a script cannot be started; undefined when it can, or when there is no PATH to look for it in. */
export function faultOfProgram(program: string, cwd: string, path: string | undefined): string | undefined {
  if (program === 'none') return undefined
  if (program.includes('/'))
    return isProgram(program) ? undefined : `${program} is no program that can be run: check the path`
  if (path === undefined || path.split(':').some((folder) => isProgram(resolve(cwd, folder, program))))
    return undefined
  return `no folder of PATH has a program ${program}: install it, or give its full path`
}

function isProgram(path: string): boolean {
  return isExecutable(path) && statSync(path).isFile()
}

function firstBytes(path: string): string {
  const buffer = Buffer.alloc(128)
  const file = openSync(path, 'r')
  try {
    return buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0)).split('\n')[0] ?? ''
  } finally {
    closeSync(file)
  }
}
