// Makes two children acquainted: a direct connection between them, of which their parent keeps nothing.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BroodError, messageOf } from '../kernel/errors.ts'

/** Any `Child` with a message channel, of whatever protocol. */
export interface Acquaintance {
  meet(name: string, connection: Socket): Promise<void>
}

export interface IntroduceOptions {
  /** What the first is called by the second, and the second by the first. */
  readonly names: readonly [first: string, second: string]
}

/**
 * Gives two children a direct channel, which each gets by `await peer(name)` with the name of the other. Settles when
 * both have it. When one of them ends, the other sees its channel close.
 * ```ts
 * await introduce(reader, sorter, { names: ['reader', 'sorter'] })
 * ```
 * Errors: `usage`; `channel_closed` or `no_channel` when a child cannot be reached; `timed_out` when one of them does not
 * import `brood/process`; `not_introduced` when the system has no socket for it.
 */
export async function introduce(
  first: Acquaintance,
  second: Acquaintance,
  { names }: IntroduceOptions,
): Promise<void> {
  const [firstName, secondName] = names
  if (typeof firstName !== 'string' || typeof secondName !== 'string' || firstName === secondName) {
    throw new BroodError('usage', 'introduce: names are two different texts')
  }
  if (first === second) throw new BroodError('usage', 'introduce: a child cannot be introduced to itself')
  const pair = await connectedPair().catch((cause: unknown) => {
    throw new BroodError('not_introduced', `no socket for the two children: ${messageOf(cause)}`, { cause })
  })
  try {
    await Promise.all([first.meet(secondName, pair[0]), second.meet(firstName, pair[1])])
  } finally {
    // Sent or not, this process has no part in it; if only one end arrived, that child sees it close.
    for (const socket of pair) socket.destroy()
  }
}

/** Node has no public socketpair: a listener in a folder that only this user can enter, gone before anybody could look. */
async function connectedPair(): Promise<readonly [Socket, Socket]> {
  const folder = await mkdtemp(join(tmpdir(), 'brood-'))
  const server = createServer({ pauseOnConnect: true })
  try {
    server.listen(join(folder, 'peer'))
    await once(server, 'listening')
    const accepted = once(server, 'connection')
    const near = connect(join(folder, 'peer'))
    near.pause() // what the other child says before this end is sent on must not be read here
    const [[far]] = await Promise.all([accepted, once(near, 'connect')])
    // Once they are on their way, their new owners see what happens to them.
    for (const socket of [near, far]) socket.on('error', () => {})
    return [near, far]
  } finally {
    server.close()
    await rm(folder, { recursive: true, force: true })
  }
}
