// Processes that stand still for a while: stopped by a signal, or in a loop of their own.
import { setTimeout as pause } from 'node:timers/promises'
import { get } from '../../../fixtures/get.ts'
import { type Fault, unharmed } from '../fault.ts'

export const stops: readonly Fault[] = [
  {
    name: 'stop the supervisor for a while',
    async act(arena) {
      await standStill(await arena.supervision.pid(), arena.between(50, 1000))
      return unharmed
    },
  },
  {
    name: 'stop a worker for a while',
    async act(arena) {
      await standStill(arena.pick(await arena.workers()), arena.between(50, 1000))
      return unharmed
    },
  },
  {
    name: 'stop a worker while the supervisor is killed',
    async act(arena) {
      const worker = arena.pick(await arena.workers())
      process.kill(worker, 'SIGSTOP')
      try {
        await arena.supervision.kill()
        await pause(arena.between(0, 600))
      } finally {
        process.kill(worker, 'SIGCONT')
      }
      return unharmed
    },
  },
  {
    name: 'block the event loop of a worker',
    async act(arena) {
      await get({ port: arena.port, path: `/block?ms=${arena.between(100, 1500)}`, signal: arena.signal })
      return unharmed
    },
  },
]

async function standStill(pid: number, milliseconds: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  try {
    await pause(milliseconds)
  } finally {
    process.kill(pid, 'SIGCONT')
  }
}
