// The supervisor that a start by systemd finds already there: after a crash, workers bring up a new one by themselves.
import type { Clock, Millis } from '../kernel/clock.ts'
import { BroodError } from '../kernel/errors.ts'
import { read } from '../process/proc.ts'
import type { ControlClient } from './control/client.ts'
import type { SupervisorReport } from './control/contract.ts'
import type { Home } from './home.ts'
import { type FoundWorker, findWorkers } from './survivors.ts'

/** Longer than workers take to agree on who starts the new supervisor, and that one takes to answer. */
const patience: Millis = 15_000
/** Nobody can tell us when the socket is there: its owner does not know of us. */
const lookEvery: Millis = 50

/** Undefined when there is none, and no worker is left that brings one up by itself. */
export async function awaitIncumbent(
  home: Home,
  client: ControlClient,
  clock: Clock,
): Promise<SupervisorReport | undefined> {
  const giveUpAt = clock.now() + patience
  for (;;) {
    const status = await incumbentOf(client)
    if (status !== undefined) return status
    if (clock.now() >= giveUpAt || !findWorkers(home).some(canRescue)) return undefined
    await new Promise<void>((resolve) => clock.at(clock.now() + lookEvery, resolve))
  }
}

/** A program in another language does not know of supervisors, and one of another user has no right to start ours. */
function canRescue({ birth: { rescue } }: FoundWorker): boolean {
  return rescue !== undefined && rescue.command.length > 0
}

/** The supervisor that answers at this moment. */
export async function incumbentOf(client: ControlClient): Promise<SupervisorReport | undefined> {
  try {
    return await client.call('status', {})
  } catch (error) {
    if (error instanceof BroodError && error.code === 'no_supervisor') return undefined
    throw error
  }
}

/**
 * Whether a process is in the same systemd unit as this one. The manager takes only a process of the unit as its main
 * process; one from a login session would also end with that session.
 */
export function isOfThisUnit(
  pid: number,
  own: string = read('/proc/self/cgroup'),
  theirs: string = read(`/proc/${pid}/cgroup`),
): boolean {
  const unit = unitOf(own)
  return unit === undefined || unitOf(theirs) === unit
}

/** The path of the innermost service that a process's cgroup is in; there may be cgroups of our own below it. */
function unitOf(cgroups: string): string | undefined {
  // Unified, or beside the older hierarchies the one that systemd itself uses.
  const paths = cgroups.split('\n').flatMap((line) => /^(?:0:|\d+:name=systemd):(.*)$/.exec(line)?.[1] ?? [])
  return paths.flatMap((path) => /^.*\.service(?=\/|$)/.exec(path)?.[0] ?? [])[0]
}
