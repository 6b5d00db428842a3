// Starts the supervisor that takes over from this one, with every listening socket; the workers notice nothing.
import { spawn } from 'node:child_process'
import { closeSync, openSync, utimesSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Clock, Millis } from '../kernel/clock.ts'
import { formatDuration } from '../kernel/duration.ts'
import { BroodError } from '../kernel/errors.ts'
import type { KeptSocket } from '../supervisor/spawned-worker.ts'
import { stdioOf } from '../wire/any-socket.ts'
import { type Inheritance, inheritanceVariable } from '../wire/birth.ts'
import type { Home } from './home.ts'
import type { Line } from './inherited.ts'
import { readyVariable, successorEnvironment } from './supervisor-process.ts'

const readyDescriptor = 3
const firstSocketDescriptor = 4

/** For loading, on a busy machine. */
const loadWithin: Millis = 10_000
/** How much longer than any other its claim holds: on a busy machine it takes a while from being loaded to being there. */
const claimLonger: Millis = 10_000

/**
 * Settles with the successor's pid when it has loaded and waits for this process to end. Throws when it cannot be loaded:
 * then nothing has happened.
 */
export async function startSuccessor(
  home: Home,
  line: Line,
  sockets: readonly KeptSocket[],
  command: readonly string[],
  clock: Clock,
): Promise<number> {
  const inheritance: Inheritance = {
    line: line.path,
    token: line.token,
    sockets: sockets.map(({ app, key, slot }, index) => ({
      app,
      key,
      slot,
      fd: firstSocketDescriptor + index,
    })),
  }
  const [file = '', ...args] = command
  const log = openSync(home.ownLog, 'a', 0o600)
  const child = spawn(file, args, {
    cwd: home.path,
    detached: true,
    env: {
      ...successorEnvironment(home),
      [inheritanceVariable]: JSON.stringify(inheritance),
      [readyVariable]: `${readyDescriptor}`,
    },
    stdio: ['ignore', log, log, 'pipe', ...sockets.map(({ socket }) => stdioOf(socket))],
  })
  closeSync(log)
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const failed = (why: string): void => {
    cancel()
    child.kill('SIGKILL') // whatever it is, it is no supervisor
    reject(
      new BroodError(
        'supervisor_unreachable',
        `the new supervisor ${why}; the old one goes on, see ${home.ownLog}`,
      ),
    )
  }
  const cancel = clock.at(clock.now() + loadWithin, () =>
    failed(`was not ready within ${formatDuration(loadWithin)}`),
  )
  child.once('error', (error) => failed(`could not be started (${error.message})`))
  child.once('exit', (code, signal) => failed(`ended before it was ready (${signal ?? `code ${code}`})`))
  createInterface({ input: child.stdio[readyDescriptor] as Readable }).once('line', (first) => {
    if (first !== '{"loaded":true}' || child.pid === undefined) return failed(`answered ${first}`)
    cancel()
    // Workers that look for their supervisor in the moment between the two must not start a third. Once it has ended, its
    // claim is worth nothing, however young.
    writeFileSync(home.claim, `${child.pid}`, { mode: 0o600 })
    const from = (clock.now() + claimLonger) / 1000
    utimesSync(home.claim, from, from)
    resolve(child.pid)
  })
  return promise
}
