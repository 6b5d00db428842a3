// Brings a new supervisor up when the old one is gone: a worker starts it and gives it every listening socket it holds.
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { stdioOf } from '../wire/any-socket.ts'
import { type Inheritance, inheritanceVariable, type Rescue } from '../wire/birth.ts'
import type { Kept } from './held-sockets.ts'

/** stdin, stdout, stderr come before the sockets. */
const firstSocketDescriptor = 3

/**
 * Run by a shell that ends at once, so that the supervisor is nobody's child: whoever adopts orphans (systemd, init) sees
 * its end, and no worker has one child more than its program started.
 */
const detach = '"$@" &'

/**
 * Starts a supervisor that takes over from the one that died; if another is faster, the new one ends by itself. `ended` is
 * called when it has ended, however that came about. False when it could not even be begun.
 */
export function startSupervisor(rescue: Rescue, sockets: readonly Kept[], ended: () => void): boolean {
  const { spawn } = process.getBuiltinModule('node:child_process')
  const { Socket } = process.getBuiltinModule('node:net')
  const { closeSync, existsSync, openSync } = process.getBuiltinModule('node:fs')
  const inheritance: Inheritance = {
    line: rescue.line,
    token: rescue.token,
    sockets: sockets.map(({ app, key, slot }, index) => ({
      app,
      key,
      slot,
      fd: firstSocketDescriptor + index,
    })),
  }
  const log = openLog()
  const options: SpawnOptions = {
    cwd: '/',
    detached: true, // a session of its own: what is sent to the worker's group is not for it
    env: { ...rescue.env, [inheritanceVariable]: JSON.stringify(inheritance) },
    // The last one is never written to: it closes with the supervisor, which is not our child and tells us nothing else.
    stdio: ['ignore', log, log, ...sockets.map(({ socket }) => stdioOf(socket)), 'pipe'],
  }
  const shell = '/bin/sh'
  const [file = '', ...args] = existsSync(shell)
    ? [shell, '-c', detach, 'brood', ...rescue.command]
    : rescue.command
  try {
    const child = spawn(file, args, options)
    child.on('error', () => {}) // no such file, no more processes: tried again later
    child.unref()
    // Of a process that could not be started because no descriptor was left Node makes no streams at all.
    const streams: ChildProcess['stdio'] | undefined = child.stdio
    const lifeline = streams?.at(-1)
    if (!(lifeline instanceof Socket)) return false
    lifeline.on('error', () => {})
    lifeline.once('close', ended).unref().resume()
    return true
  } catch {
    return false // no memory; the program has not asked for a supervisor, and is not to hear of it
  } finally {
    if (typeof log === 'number') closeSync(log)
  }

  function openLog(): number | 'ignore' {
    try {
      return openSync(rescue.log, 'a', 0o600)
    } catch {
      return 'ignore' // a full disk must not keep the supervisor from coming back
    }
  }
}
