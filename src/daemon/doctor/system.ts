// What the doctor asks the machine, in one place, so that a test can be any machine.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statfsSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'

export interface System {
  readonly platform: NodeJS.Platform
  readonly node: string
  readonly uid: number | undefined
  readonly user: string
  readonly env: NodeJS.ProcessEnv
  /** Milliseconds since the epoch. */
  now(): number
  /** Empty when it cannot be read. */
  read(path: string): string
  exists(path: string): boolean
  /** Undefined when it is not there. */
  stat(path: string): { readonly uid: number; readonly mode: number; readonly isFolder: boolean } | undefined
  /** Of the disk that a path is on, in bytes; `type` is the kernel's number of the file system. */
  disk(path: string): { readonly free: number; readonly type: number } | undefined
  /** What a program prints, or undefined when it is missing or fails. */
  run(file: string, ...args: string[]): string | undefined
}

export const thisSystem: System = {
  platform: process.platform,
  node: process.versions.node,
  uid: process.getuid?.(),
  get user() {
    return userInfo().username
  },
  env: process.env,
  now: () => Date.now(),
  read: (path) => orElse('', () => readFileSync(path, 'latin1')),
  exists: existsSync,
  stat: (path) =>
    orElse(undefined, () => {
      const found = statSync(path)
      return { uid: found.uid, mode: found.mode & 0o777, isFolder: found.isDirectory() }
    }),
  disk: (path) =>
    orElse(undefined, () => {
      const { bavail, bsize, type } = statfsSync(path)
      return { free: bavail * bsize, type }
    }),
  run(file, ...args) {
    const { status, stdout } = spawnSync(file, args, { encoding: 'utf8', timeout: 5000 })
    return status === 0 ? stdout.trim() : undefined
  },
}

function orElse<T>(fallback: T, look: () => T): T {
  try {
    return look()
  } catch {
    return fallback
  }
}
