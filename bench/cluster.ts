// Answers: what does sharing a port cost per request, and what does the supervisor cost beside it?
import { type ClusterOptions, type PartName, readOptions } from './cluster-options.ts'
import { launch, launchAll } from './contestants/launch.ts'
import { type ListRepetition, measureListTime } from './measures/list-time.ts'
import { measurePreload, type StartRepetition } from './measures/preload.ts'
import { measureRequests, type RequestRound } from './measures/requests.ts'
import { measureSpread, type SpreadRepetition, spreadWorkers } from './measures/spread.ts'
import { measureSupervisor, type SupervisorCost, supervisorWorkers } from './measures/supervisor.ts'
import { findWrk, loadConnections } from './measures/wrk.ts'
import { printCluster } from './report/cluster-report.ts'
import { clusterTargets } from './report/cluster-targets.ts'
import { progress } from './report/progress.ts'
import { saveResults } from './report/save.ts'
import { judge } from './report/targets.ts'
import type { Suite } from './suite.ts'
import { describeMachine } from './system/machine.ts'
import { ensurePeers, peerVersions } from './system/peers.ts'

const workers = 2

/** Raw figures of one run; a part that was not asked for has none. */
export interface ClusterFigures {
  requests: RequestRound[]
  spread: SpreadRepetition[]
  supervisor: SupervisorCost[]
  list: ListRepetition[]
  preload: StartRepetition[]
}

export const cluster: Suite = {
  question: 'what does sharing a port cost per request?',
  async run(words, signal) {
    const options = readOptions(words)
    const machine = describeMachine()
    const wrk = await findWrk(signal)
    if (options.contestants.some(({ key }) => key === 'pm2')) await ensurePeers(signal)

    const figures: ClusterFigures = { requests: [], spread: [], supervisor: [], list: [], preload: [] }
    for (const part of options.parts) await parts[part](figures, options, signal)
    progress('')

    const targets = clusterTargets(figures).map(judge)
    const versions = { ...peerVersions(), wrk }
    printCluster(figures, targets, { machine, versions })
    const file = saveResults('cluster', options.complete, {
      question: cluster.question,
      date: new Date().toISOString(),
      machine,
      versions,
      settings: { rounds: options.rounds, seconds: options.seconds, workers, loadConnections },
      targets,
      figures,
    })
    console.log(`\nraw figures: ${file}`)
  },
}

type Part = (figures: ClusterFigures, options: ClusterOptions, signal: AbortSignal) => Promise<void>

const parts: Record<PartName, Part> = {
  async requests(figures, { contestants, rounds, seconds }, signal) {
    figures.requests = await measureRequests(contestants, { workers, rounds, seconds, signal, progress })
  },

  async spread(figures, { contestants }, signal) {
    for (const contestant of contestants.filter(({ shape }) => shape !== 'single')) {
      progress(`spread of connections: ${contestant.title}`)
      await using running = await launch(contestant, spreadWorkers, signal)
      figures.spread.push(...(await measureSpread(running, 5, signal)))
    }
  },

  async supervisor(figures, { contestants }, signal) {
    for (const contestant of contestants.filter(({ shape }) => shape === 'supervised')) {
      progress(`idle supervisor of ${supervisorWorkers} workers: ${contestant.title}`)
      await using running = await launch(contestant, supervisorWorkers, signal)
      figures.supervisor.push(await measureSupervisor(running, 3, 10, signal))
    }
  },

  async list(figures, { contestants }, signal) {
    const managers = contestants.filter(({ key }) => key === 'pm2' || key === 'brood')
    progress('time of the list command')
    await using running = await launchAll(managers, workers, signal)
    figures.list = await measureListTime(running.all, 10, signal)
  },

  async preload(figures, { contestants }, signal) {
    if (!contestants.some(({ key }) => key === 'brood')) return
    progress('cost of the preload')
    figures.preload = await measurePreload(20, signal)
  },
}
