// Ending a whole process tree: a worker leads a process group of its own, and its children are in it.
import type { Clock, Millis } from '../kernel/clock.ts'
import { systemCode } from '../kernel/errors.ts'
import { processes, statFields } from './proc.ts'

/** How often a group without a leader is looked at: the kernel tells only parents of exits, and we are not theirs. */
const pollEvery: Millis = 25
/** After SIGKILL only zombies can remain, which nobody but their parent or PID 1 can remove. */
const patienceAfterKill: Millis = 1000

/** Signals every process of the group; false when there is none left. */
export function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal)
    return true
  } catch (error) {
    if (systemCode(error) === 'ESRCH') return false
    // EPERM: the group holds a process of another user (a setuid child); it is still there.
    if (systemCode(error) === 'EPERM') return true
    throw error
  }
}

/**
 * Whether any process of the group still runs. Zombies do not: they are dead, and their reaping is up to PID 1, which in
 * many a container takes its time or never does it.
 */
function isAlive(group: number): boolean {
  if (!signalGroup(group, 0)) return false
  const members = processes()
    .map(statFields)
    .filter((fields) => Number(fields[2]) === group)
  // Where the system does not list processes, the signal alone tells.
  return members.length === 0 || members.some(([state]) => state !== 'Z' && state !== 'X')
}

/**
 * Ends what a dead leader left in its group: `signal` (0: none yet), then SIGKILL at `killAt`. Settles when nothing is left.
 * The group's number cannot be given to others while a member lives.
 */
export function endGroup(
  group: number,
  signal: NodeJS.Signals | 0,
  killAt: Millis,
  clock: Clock,
): Promise<void> {
  if (!signalGroup(group, signal)) return Promise.resolve()
  return new Promise((resolve) => {
    let killed = false
    const look = (): void => {
      const over = killed && clock.now() > killAt + patienceAfterKill
      if (over || !isAlive(group)) return resolve()
      if (!killed && clock.now() >= killAt) {
        killed = true
        signalGroup(group, 'SIGKILL')
      }
      clock.at(clock.now() + pollEvery, look)
    }
    clock.at(clock.now() + pollEvery, look)
  })
}
