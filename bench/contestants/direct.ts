// Contestants that are nothing but Node: the bare server, several of it, and node:cluster in both of its schedulings.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { clusterModule, primaryProgram, serverProgram } from '../system/paths.ts'
import type { Contestant, Place, Started } from './contestant.ts'

export const bare: Contestant = {
  key: 'bare',
  title: 'bare process',
  shape: 'single',
  start: (place) => startNode(place, serverProgram, 1, {}),
}

/** What several processes cost without anybody above them: the floor for whoever shares a port by the kernel's hash. */
export const siblings: Contestant = {
  key: 'reuse-port',
  title: 'bare siblings, reusePort',
  shape: 'siblings',
  start: (place) => startNode(place, serverProgram, place.workers, { REUSE_PORT: 'yes' }),
}

export const clusterRoundRobin: Contestant = {
  key: 'cluster-round-robin',
  title: 'cluster, round robin',
  shape: 'supervised',
  start: (place) => startNode(place, primaryProgram, 1, { SCHEDULING: 'round-robin' }),
}

export const clusterShared: Contestant = {
  key: 'cluster-shared',
  title: 'cluster, shared socket',
  shape: 'supervised',
  start: (place) => startNode(place, primaryProgram, 1, { SCHEDULING: 'shared' }),
}

export const broodClusterRoundRobin: Contestant = {
  key: 'brood-cluster-round-robin',
  title: 'brood/cluster, round robin',
  shape: 'supervised',
  start: (place) =>
    startNode(place, primaryProgram, 1, { CLUSTER: clusterModule, SCHEDULING: 'round-robin' }),
}

export const broodClusterSlots: Contestant = {
  key: 'brood-cluster-slots',
  title: 'brood/cluster, slots',
  shape: 'supervised',
  start: (place) => startNode(place, primaryProgram, 1, { CLUSTER: clusterModule, SCHEDULING: 'slots' }),
}

async function startNode(
  place: Place,
  program: string,
  processes: number,
  extra: NodeJS.ProcessEnv,
): Promise<Started> {
  const children = Array.from({ length: processes }, () =>
    spawn(process.execPath, [program], {
      env: { ...place.environment, WORKERS: String(place.workers), ...extra },
      stdio: ['ignore', place.output, place.output],
    }),
  )
  await Promise.all(children.map((child) => once(child, 'spawn')))
  return {
    supervisor: program === primaryProgram ? children[0]?.pid : undefined,
    async end() {
      await Promise.all(children.map(endChild))
    },
  }
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}
