// A program that blocks its event loop, started as a worker is: with the inspector's arguments, and a line for pings.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { asWorkerMessage } from '../../src/supervisor/worker-messages.ts'
import { Channel } from '../../src/wire/channel.ts'
import { inspectorArguments } from '../../src/wire/inspector.ts'
import type { SupervisorMessage, WorkerMessage } from '../../src/wire/messages.ts'
import { temporaryFolder } from './temporary.ts'

const answersPings = fileURLToPath(new URL('../fixtures/blocked/answers-pings.ts', import.meta.url))

export interface Started {
  readonly child: ChildProcess
  readonly pid: number
  readonly channel: Channel<WorkerMessage, SupervisorMessage>
}

/** Settles when the program has written its first byte to stdout, as it does just before what it is for. */
export async function startBlocking(
  t: TestContext,
  path: string,
  stderr: 'file' | 'pipe',
  message: (message: WorkerMessage) => void = () => {},
): Promise<Started> {
  const isFile = stderr === 'file'
  const fd = isFile ? openSync(join(temporaryFolder(t), 'err.log'), 'a') : undefined
  const child = spawn(
    process.execPath,
    [...inspectorArguments([], undefined, isFile), '--require', answersPings, path],
    // A group of its own, so that what it waits for ends with it.
    { stdio: ['ignore', 'pipe', fd ?? 'pipe', 'ignore', 'pipe'], detached: true },
  )
  const { pid } = child
  assert.ok(pid !== undefined)
  const exited = once(child, 'exit')
  t.after(async () => {
    process.kill(-pid, 'SIGKILL')
    await exited
  })
  if (fd !== undefined) closeSync(fd)
  child.stderr?.resume()
  const control = child.stdio[4]
  assert.ok(control instanceof Socket)
  const channel = new Channel<WorkerMessage, SupervisorMessage>(control, asWorkerMessage, {
    message,
    close: () => {},
  })
  assert.ok(child.stdout)
  await Promise.race([once(child.stdout, 'data'), exited.then(() => assert.fail('it ended before it began'))])
  return { child, pid, channel }
}
