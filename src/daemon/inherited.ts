// What a supervisor was given by the worker, or the supervisor, that started it: listening sockets, and how workers find it.
import { randomBytes } from 'node:crypto'
import type { KeptSocket } from '../supervisor/spawned-worker.ts'
import { adoptDescriptor } from '../wire/any-socket.ts'
import { type Inheritance, inheritanceVariable } from '../wire/birth.ts'
import type { Home } from './home.ts'

/** Where workers come back to, and what proves that they are ours. */
export interface Line {
  readonly path: string
  readonly token: string
}

export interface Inherited {
  readonly line: Line
  readonly sockets: readonly KeptSocket[]
}

/** Takes the variable away, so that nothing this process starts takes itself for an heir. */
export function takeInheritance(env: NodeJS.ProcessEnv): Inherited | undefined {
  const text = env[inheritanceVariable]
  delete env[inheritanceVariable]
  if (text === undefined) return undefined
  const { line, token, sockets } = JSON.parse(text) as Inheritance // written by a worker or supervisor of this home
  return {
    line: { path: line, token },
    sockets: sockets.map(({ fd, ...place }) => ({
      ...place,
      socket: adoptDescriptor(place.key, fd),
    })),
  }
}

/**
 * A line nobody knows yet. On Linux its name is not in the file system, so that workers under another user reach it; the
 * token keeps others out.
 */
export function newLine(home: Home): Line {
  const random = randomBytes(16).toString('hex')
  const path = process.platform === 'linux' ? `\0brood-${random}` : `${home.path}/workers.sock`
  return { path, token: randomBytes(32).toString('hex') }
}
