// Ends a child with everything below it: a signal, a grace period, then SIGKILL for what is left.
import type { Clock, Millis } from '../kernel/clock.ts'
import { signalGroup } from './process-group.ts'
import { descendantsOf, hasLiveMembers, isAlive, signalProcess, type TreeProcess } from './tree.ts'

export interface TreeRoot {
  readonly pid: number
  /** It leads a process group, whose number is its own. */
  readonly leadsGroup: boolean
  /** From then on its number may be another's. */
  hasExited(): boolean
  readonly exited: Promise<unknown>
}

/** How often what remains is looked at: the kernel tells only parents of exits, and we are not theirs. */
const pollEvery: Millis = 25
/** After SIGKILL only zombies can remain, which nobody but their parent or PID 1 can remove. */
const patienceAfterKill: Millis = 1000
/** Rounds in which a tree that goes on forking is frozen before it is killed. */
const freezeRounds = 10

/** Signals the whole tree once. */
export function signalTree(root: TreeRoot, signal: NodeJS.Signals): void {
  signalAll(root, below(root, []), signal)
}

/** Settles when nothing of the tree is left, or a second after SIGKILL. */
export function endTree(root: TreeRoot, signal: NodeJS.Signals, grace: Millis, clock: Clock): Promise<void> {
  const killAt = clock.now() + grace
  const { promise, resolve } = Promise.withResolvers<void>()
  let tracked: readonly TreeProcess[] = []
  let killed = false
  let cancel: (() => void) | undefined
  const look = (): void => {
    cancel?.()
    tracked = tracked.filter(isAlive)
    const isOver = killed && clock.now() > killAt + patienceAfterKill
    if (isOver || !(isRootLeft(root) || tracked.length > 0)) return resolve()
    if (!killed && clock.now() >= killAt) {
      killed = true
      tracked = killAll(root, tracked)
    }
    cancel = clock.at(Math.min(clock.now() + pollEvery, killed ? Number.POSITIVE_INFINITY : killAt), look)
  }
  if (signal !== 'SIGKILL') {
    tracked = below(root, [])
    signalAll(root, tracked, signal)
  }
  look()
  // Most trees are a single process, whose exit is told.
  root.exited.then(look, () => {})
  return promise
}

/** Frozen first, from the top down: a process that forks between the look and the kill would leave a child behind. */
function killAll(root: TreeRoot, tracked: readonly TreeProcess[]): TreeProcess[] {
  let all = below(root, tracked)
  signalAll(root, all, 'SIGSTOP')
  for (let round = 0; round < freezeRounds; round++) {
    const now = below(root, all)
    const fresh = now.filter(({ pid }) => !all.some((known) => known.pid === pid))
    if (fresh.length === 0) break
    for (const { pid } of fresh) signalProcess(pid, 'SIGSTOP')
    all = now
  }
  signalAll(root, all, 'SIGKILL')
  return all
}

/** What is below the root now, and what was found before: children of an exited process have another parent now. */
function below(root: TreeRoot, known: readonly TreeProcess[]): TreeProcess[] {
  const alive = known.filter(isAlive)
  const roots = alive.map(({ pid }) => pid)
  if (!root.hasExited()) roots.push(root.pid)
  return [...alive, ...descendantsOf(roots)]
}

function signalAll(root: TreeRoot, tracked: readonly TreeProcess[], signal: NodeJS.Signals): void {
  if (root.leadsGroup) {
    if (isGroupOurs(root)) signalGroup(root.pid, signal)
  } else if (!root.hasExited()) {
    signalProcess(root.pid, signal)
  }
  for (const { pid, group } of tracked) {
    // A second SIGTERM means "at once" to many programs: nobody gets it twice.
    if (!(root.leadsGroup && group === root.pid)) signalProcess(pid, signal)
  }
}

function isRootLeft(root: TreeRoot): boolean {
  if (!root.hasExited()) return true
  // Whose parent does not remove zombies must not make us wait for them.
  return root.leadsGroup && isGroupOurs(root) && (hasLiveMembers(root.pid) ?? signalGroup(root.pid, 0))
}

/** The kernel gives nobody the number of a group that has members: a new process of that number means that ours is gone. */
function isGroupOurs(root: TreeRoot): boolean {
  return !root.hasExited() || !signalProcess(root.pid, 0)
}
