// A worker that is no Node program: it hears signals and nothing else, and says nothing but how it ended.
import type { ChildProcess } from 'node:child_process'
import { type Clock, type Millis, systemClock } from '../kernel/clock.ts'
import { endGroup, signalGroup } from '../process/process-group.ts'
import { spawnFailure } from '../process/spawn-failure.ts'
import { startProcess } from '../process/start-process.ts'
import { type AnySocket, stdioOf } from '../wire/any-socket.ts'
import { type Birth, birthVariable } from '../wire/birth.ts'
import { isUdpKey } from '../wire/messages.ts'
import type { AppSettings } from './app-settings.ts'
import { foreignBirth } from './foreign-birth.ts'
import type { WorkerEvents, WorkerProcess } from './worker-process.ts'

export interface ForeignSetup {
  readonly settings: AppSettings & { readonly interpreter: string }
  readonly slot: number
  readonly worker: number
  readonly release: number
  readonly env: Readonly<Record<string, string>>
  readonly stdout: number | 'inherit'
  readonly stderr: number | 'inherit'
  readonly sockets: ReadonlyMap<string, AnySocket>
}

export class ForeignWorker implements WorkerProcess {
  readonly takesSockets = false
  readonly startedAt: Millis
  readonly #child: ChildProcess
  readonly #clock: Clock
  #exited = false

  constructor(setup: ForeignSetup, events: WorkerEvents, clock: Clock = systemClock) {
    const { settings, slot, worker, release, env, stdout, stderr } = setup
    // It is promised sockets that it can accept connections on.
    const sockets = new Map([...setup.sockets].filter(([key]) => !isUdpKey(key)))
    this.#clock = clock
    this.startedAt = clock.now()
    // Nothing in it is for the program; it tells a supervisor to come whose worker this is.
    const birth: Birth = {
      app: settings.name,
      slot,
      worker,
      release,
      control: -1,
      sockets: {},
      held: [],
    }
    const { file, args, ...made } = foreignBirth({
      script: settings.script,
      args: settings.args,
      interpreter: settings.interpreter,
      interpreterArgs: settings.nodeArgs,
      env: { ...env, [birthVariable]: JSON.stringify(birth) },
      sockets: [...sockets.keys()],
    })
    const { uid, gid } = settings.identity ?? {}
    const started = startProcess({
      file,
      args,
      options: {
        cwd: settings.cwd,
        env: made.env,
        ownGroup: true,
        ...(uid === undefined ? {} : { uid }),
        ...(gid === undefined ? {} : { gid }),
      },
      stdio: ['ignore', stdout, stderr, ...[...sockets.values()].map(stdioOf)],
    })
    if ('failure' in started) throw started.failure
    this.#child = started.process
    this.#child.on('error', (error) => {
      if (this.#child.pid !== undefined) return
      const why = spawnFailure(file, settings.cwd, error)
      this.#end(() => events.exit({ code: null, signal: null }, why))
    })
    this.#child.on('exit', (code, signal) => this.#end(() => events.exit({ code, signal }, undefined)))
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  send(): void {}

  sendListener(): boolean {
    return false
  }

  sendClient(): boolean {
    return false
  }

  sendConnection(): boolean {
    return false
  }

  signal(signal: NodeJS.Signals): void {
    if (this.pid !== undefined && !this.#exited) signalGroup(this.pid, signal)
  }

  signalLeader(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  endRest(signal: NodeJS.Signals, within: Millis): Promise<void> {
    if (this.pid === undefined) return Promise.resolve()
    return endGroup(this.pid, signal, this.#clock.now() + within, this.#clock)
  }

  #end(tell: () => void): void {
    if (this.#exited) return
    this.#exited = true
    tell()
  }
}
