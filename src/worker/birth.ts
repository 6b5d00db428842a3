// Whether this process is a worker's main thread, and what it was given; leaves no trace for the program's own children.
import { isMainThread } from 'node:worker_threads'
import { forgetArguments, forgetPreload } from '../kernel/preload.ts'
import { type Birth, birthVariable } from '../wire/birth.ts'
import { isInspectorArgument } from '../wire/inspector.ts'

/** The birth of this worker; undefined in any process or thread that brood did not start itself. */
export function takeBirth(preloadPath: string): Birth | undefined {
  forgetPreload(preloadPath)
  forgetArguments(isInspectorArgument)
  const text = process.env[birthVariable]
  if (text === undefined || !isMainThread) return undefined
  delete process.env[birthVariable]
  return JSON.parse(text) as Birth // written by the supervisor of the same version
}
