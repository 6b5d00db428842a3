// The living workers of one app, started here or taken back, until nothing of their process trees is left.
import type { Socket } from 'node:net'
import { countsConnections } from '../balance/index.ts'
import type { Clock, Millis } from '../kernel/clock.ts'
import { messageOf } from '../kernel/errors.ts'
import { sharesDatagrams } from '../listen/open-address.ts'
import { AppCgroup, cgroupsAvailable, type Limits } from '../process/cgroup.ts'
import { setNice } from '../process/priority.ts'
import type { BareHandle } from '../wire/bare-handle.ts'
import type { LogBirth } from '../wire/birth.ts'
import type { SupervisorMessage, WorkerMessage } from '../wire/messages.ts'
import type { AppSettings, Output } from './app-settings.ts'
import type { Equipment } from './equipment.ts'
import { ForeignWorker } from './foreign-worker.ts'
import { Guard } from './guard.ts'
import { namesOf } from './keepers.ts'
import type { WorkerFacts } from './report.ts'
import { ReturnedWorker, type Survivor } from './returned-worker.ts'
import { type KeptSocket, SpawnedWorker } from './spawned-worker.ts'
import type { Exit } from './state.ts'
import type { WorkerEvents, WorkerProcess } from './worker-process.ts'

export interface Member extends WorkerFacts {
  readonly id: number
  readonly slot: number
  readonly process: WorkerProcess
  /** What its program threw last, and nobody caught. */
  uncaught: { summary: string; stack: string } | undefined
  /** Where it was when its loop did not turn any more; its end is near. */
  blockedAt: string | undefined
  connections: number | undefined
  /** The kernel has ended it, because its app used all the memory it may. */
  ranOut: boolean
  /** The names of the sockets it keeps for others. */
  readonly keeps: Set<string>
  readonly guard: Guard
}

export interface CrewEvents {
  message(member: Member, message: WorkerMessage): void
  said(member: Member, message: unknown): void
  connection(member: Member, key: string, id: number, socket: Socket): void
  bare(member: Member, type: 'queue' | 'client', key: string, handle: BareHandle): void
  fault(member: Member, reason: string): void
  /** Its readiness probe has had a good answer. */
  ready(member: Member): void
  unready(member: Member, problem: string): void
  blocked(member: Member, silent: Millis): void
  due(member: Member, reason: string): void
  /** Something that was asked for cannot be had, and the worker goes on without. */
  warning(text: string): void
  /** `member` is undefined when it could not even be started. */
  exit(id: number, slot: number, member: Member | undefined, exit: Exit, error: Error | undefined): void
}

export class Crew {
  readonly members: Map<number, Member> = new Map()
  readonly #output: Output
  readonly #clock: Clock
  readonly #events: CrewEvents
  readonly #ending = new Set<Promise<void>>()
  readonly #random: () => number
  #cgroup: AppCgroup | 'unavailable' | undefined
  #warned = false
  /** Those that the cgroup has been given. */
  #limits: string | undefined

  constructor(output: Output, clock: Clock, random: () => number, events: CrewEvents) {
    this.#random = random
    this.#output = output
    this.#clock = clock
    this.#events = events
  }

  spawn(id: number, slot: number, release: number, settings: AppSettings, equipment: Equipment): void {
    try {
      const output = this.#output.open(slot)
      try {
        this.#launch(id, slot, release, settings, equipment, output)
      } finally {
        output.close()
      }
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown))
      this.#events.exit(id, slot, undefined, { code: null, signal: null }, error)
    }
  }

  /** A worker that an earlier supervisor left, and that will come back. */
  find(id: number, slot: number, settings: AppSettings, survivor: Survivor): void {
    this.#findCgroup(settings)
    const worker = new ReturnedWorker(survivor, this.#eventsOf(id, slot), this.#clock)
    this.#enlist(id, slot, settings, worker, [])
  }

  /** Ends what an exited worker has left in its process group. */
  endRest(member: Member, settings: AppSettings): void {
    const rest = member.process.endRest(settings.stopSignal, settings.policy.grace)
    this.#ending.add(rest)
    rest.finally(() => this.#ending.delete(rest))
  }

  /** Settles when nothing is left of those that have exited. */
  async ended(): Promise<void> {
    await Promise.all(this.#ending)
    if (this.members.size > 0 || this.#cgroup === undefined || this.#cgroup === 'unavailable') return
    this.#cgroup.remove()
    this.#cgroup = undefined
  }

  #launch(
    id: number,
    slot: number,
    release: number,
    settings: AppSettings,
    { sockets, balanced, kept, rescue }: Equipment,
    { stdout, stderr, logs }: ReturnType<Output['open']>,
  ): void {
    const { name: app, script, args, nodeArgs, cwd, identity, interpreter, care } = settings
    const env = {
      ...settings.env,
      BROOD_APP: app,
      BROOD_SLOT: `${slot}`,
      NODE_APP_INSTANCE: `${slot}`,
    }
    const common = { slot, worker: id, release, env, stdout, stderr, sockets }
    const events = this.#eventsOf(id, slot)
    const counts = care.maxRequests !== undefined || care.canaryErrors !== undefined
    const worker =
      interpreter === undefined
        ? new SpawnedWorker(
            // Another user has no right to the folder of logs: what it writes goes to the descriptors it is born with.
            {
              ...common,
              app,
              script,
              args,
              nodeArgs,
              cwd,
              identity,
              rescue,
              held: kept,
              counts,
              balanced,
              ownUdpPorts: !sharesDatagrams(settings.share),
              tellsLoad: settings.balance !== undefined && countsConnections(settings.balance.algorithm),
              ownPorts: settings.share === 'ports',
              tellsActivity: settings.share !== 'shared' && settings.maxWorkers > 1,
              logs: identity === undefined ? logs : undefined,
            },
            events,
            this.#clock,
          )
        : new ForeignWorker({ ...common, settings: { ...settings, interpreter } }, events, this.#clock)
    this.#enlist(id, slot, settings, worker, interpreter === undefined ? kept : [])
    this.#warnOfLogs(settings, logs)
    this.#rank(worker.pid, settings)
  }

  /** Said once: such a worker writes as it likes to the files it is born with. */
  #warnOfLogs({ identity, interpreter }: AppSettings, logs: LogBirth | undefined): void {
    const isAsked =
      logs !== undefined && (logs.format !== 'raw' || logs.rotate.size > 0 || logs.rotate.every > 0)
    if (!isAsked || this.#warned || (identity === undefined && interpreter === undefined)) return
    this.#warned = true
    const whose = interpreter === undefined ? 'a worker of another user' : 'a program in another language'
    this.#events.warning(`${whose} writes its own log: it is neither given another format nor rotated`)
  }

  /** Priority and limits, which can be given to a living process only. */
  #rank(pid: number | undefined, { nice, limits, name }: AppSettings): void {
    if (pid === undefined) return
    const notices = [
      nice === undefined ? undefined : setNice(pid, nice),
      limits === undefined ? undefined : this.#limit(pid, name, limits),
    ]
    for (const notice of notices) if (notice !== undefined) this.#events.warning(notice)
  }

  /** Undefined when done; said once when it cannot be done at all. */
  #limit(pid: number, app: string, limits: Limits): string | undefined {
    const wanted = JSON.stringify(limits)
    if (this.#cgroup === undefined || (this.#cgroup !== 'unavailable' && this.#limits !== wanted)) {
      this.#limits = wanted
      const available = cgroupsAvailable()
      this.#cgroup = 'unavailable'
      if (!available.ok) return `${available.why}: ${available.mend}`
      try {
        const group = new AppCgroup(available.base, app, limits)
        group.set()
        this.#cgroup = group
      } catch (error) {
        return `no CPU and memory limits: ${messageOf(error)}`
      }
    }
    return this.#cgroup === 'unavailable' ? undefined : this.#cgroup.add(pid)
  }

  /** The one that an earlier supervisor made: it tells how workers end. The next start sets its limits anew. */
  #findCgroup({ limits, name }: AppSettings): void {
    if (limits === undefined || this.#cgroup !== undefined) return
    const available = cgroupsAvailable()
    if (available.ok) this.#cgroup = new AppCgroup(available.base, name, limits)
  }

  /** Whether the kernel has ended it at the app's limit. Of a worker that was taken back nobody knows the signal. */
  #ranOut({ code, signal }: Exit): boolean {
    if (this.#cgroup === undefined || this.#cgroup === 'unavailable') return false
    return this.#cgroup.hasRunOut() && code === null && (signal === null || signal === 'SIGKILL')
  }

  #enlist(
    id: number,
    slot: number,
    settings: AppSettings,
    process: WorkerProcess,
    kept: readonly KeptSocket[],
  ): void {
    const { pid, startedAt } = process
    const send = (message: SupervisorMessage): void => process.send(message)
    const whenKnown = this.#whenKnown(id)
    const guard = new Guard(pid ?? 0, settings, send, this.#clock, this.#random(), {
      ready: () => whenKnown((member) => this.#events.ready(member)),
      unready: (problem) => whenKnown((member) => this.#events.unready(member, problem)),
      unwell: (reason) => whenKnown((member) => this.#events.fault(member, `is not well: ${reason}`)),
      blocked: (silent) => whenKnown((member) => this.#events.blocked(member, silent)),
      due: (reason) => whenKnown((member) => this.#events.due(member, reason)),
    })
    this.members.set(id, {
      id,
      slot,
      process,
      pid,
      startedAt,
      uncaught: undefined,
      blockedAt: undefined,
      connections: undefined,
      ranOut: false,
      keeps: namesOf(kept),
      guard,
    })
  }

  #whenKnown(id: number): (act: (member: Member) => void) => void {
    return (act) => {
      const member = this.members.get(id)
      if (member !== undefined) act(member)
    }
  }

  #eventsOf(id: number, slot: number): WorkerEvents {
    const whenKnown = this.#whenKnown(id)
    return {
      message: (message) =>
        whenKnown((member) => {
          member.guard.hear(message)
          this.#events.message(member, message)
        }),
      said: (message) => whenKnown((member) => this.#events.said(member, message)),
      connection: (key, connection, socket) =>
        whenKnown((member) => this.#events.connection(member, key, connection, socket)),
      // Of a worker that is gone already the handle is still good.
      bare: (type, key, handle) => {
        const member = this.members.get(id)
        if (member === undefined) handle.close()
        else this.#events.bare(member, type, key, handle)
      },
      fault: (error) => whenKnown((member) => this.#events.fault(member, messageOf(error))),
      exit: (exit, error) => {
        const member = this.members.get(id)
        if (member === undefined || !this.#ranOut(exit))
          return this.#events.exit(id, slot, member, exit, error)
        member.ranOut = true
        this.#events.exit(id, slot, member, { code: null, signal: 'SIGKILL' }, error)
      },
    }
  }
}
