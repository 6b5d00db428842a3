// Processes that end without a word.
import { setTimeout as pause } from 'node:timers/promises'
import type { Arena } from '../arena.ts'
import { type Fault, unharmed } from '../fault.ts'

export const kills: readonly Fault[] = [
  {
    name: 'kill the supervisor',
    async act({ supervision }) {
      await supervision.kill()
      return unharmed
    },
  },
  {
    name: 'kill the supervisor, and the next one as it comes up',
    async act(arena) {
      const { supervision } = arena
      await supervision.kill()
      await pause(arena.between(0, 200))
      for (const pid of supervision.supervisors()) kill(pid)
      return unharmed
    },
  },
  {
    name: 'kill a worker',
    act: (arena) => killWorkers(arena, 1),
  },
  {
    name: 'kill several workers',
    act: async (arena) => killWorkers(arena, arena.between(2, 4)),
  },
  {
    name: 'end a worker with SIGTERM',
    act: (arena) => killWorkers(arena, 1, 'SIGTERM'),
  },
  {
    name: 'kill the supervisor and all workers but one',
    async act(arena) {
      const workers = await arena.workers()
      const victims = arena.some(workers, workers.length - 1)
      await arena.supervision.kill()
      for (const pid of victims) kill(pid)
      return { killed: victims.length }
    },
  },
  {
    name: 'kill a worker, then the supervisor',
    async act(arena) {
      const harm = await killWorkers(arena, 1)
      await pause(arena.between(0, 100))
      await arena.supervision.kill()
      return harm
    },
  },
]

async function killWorkers(
  arena: Arena,
  count: number,
  signal: NodeJS.Signals = 'SIGKILL',
): Promise<{ killed: number }> {
  const victims = arena.some(await arena.workers(), count)
  for (const pid of victims) kill(pid, signal)
  return { killed: victims.length }
}

function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended by itself.
  }
}
