// Runs a supervisor in this process: takes the reign, binds the control socket, serves it, and ends in order.
import { chmodSync, rmSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { type Millis, steadyClock, systemClock } from '../kernel/clock.ts'
import { BroodError, messageOf, systemCode } from '../kernel/errors.ts'
import { leaveAppCgroup } from '../process/cgroup.ts'
import { workerLine } from '../supervisor/worker-line.ts'
import { keepSocket } from './control/keep-socket.ts'
import { ControlServer } from './control/server.ts'
import { GivenSockets } from './given-sockets.ts'
import { handlersOf } from './handlers.ts'
import { asHomeError, type Home, prepareHome } from './home.ts'
import { type Inherited, newLine } from './inherited.ts'
import { lock } from './kernel-lock.ts'
import { Supervisor } from './supervisor.ts'
import { endRemains, endWorkers, findWorkers } from './survivors.ts'
import { version } from './version.ts'

/**
 * How long an heir waits for the supervisor before it to be gone. One that hands over leaves at once; one that was killed is
 * gone long before its heir is up, so that whoever holds the lock then is another heir.
 */
const heirWaits = { successor: 5000, rescue: 500 } as const satisfies Record<string, Millis>

/** How long workers of a `brood run` that was killed may take to end. */
const predecessorGrace: Millis = 10_000

/** How long, and how often, it is tried to listen where workers come back. */
const lineWithin: Millis = 2000
const lineEvery: Millis = 5

export interface Served {
  readonly supervisor: Supervisor
  /** Settles when the supervisor has ended all apps and closed its socket. */
  readonly ended: Promise<void>
  /** Ends all apps; with `forget`, nothing is remembered for the next supervisor. */
  end(options: { forget: boolean }): Promise<void>
}

export interface ServeOptions {
  /** Whether apps, and the workers that live, are to come back with the next supervisor. */
  readonly remember: boolean
  /** What the one before has left. */
  readonly inherited?: Inherited
  /** The one before is there and waits for this one. */
  readonly isSuccessor?: boolean
}

/** Throws `supervisor_running` when another supervisor of this home is alive. */
export async function serve(home: Home, options: ServeOptions): Promise<Served> {
  const { remember, inherited, isSuccessor } = options
  prepareHome(home)
  stepAside()
  const wait = inherited === undefined ? 0 : heirWaits[isSuccessor ? 'successor' : 'rescue']
  const abdicate = lock(home, home.reign, wait)
  if (abdicate === undefined || (inherited === undefined && (await isAnswered(home)))) {
    abdicate?.()
    throw new BroodError(
      'supervisor_running',
      `a supervisor of ${home.path} is running already: use 'brood start', or end it with 'brood kill'`,
    )
  }
  // Held until this process ends, by whatever end; what nobody refers to would be closed by the garbage collector.
  process.once('exit', abdicate)
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  const given =
    inherited === undefined
      ? GivenSockets.ofManager(process.env, (notice) => process.stderr.write(`brood: ${notice}\n`))
      : GivenSockets.among(inherited.sockets)
  const supervisor = new Supervisor({
    home,
    version,
    clock: systemClock,
    steady: steadyClock,
    remember,
    newLine: () => inherited?.line ?? newLine(home),
    onKilled: () => close(),
    // Whatever is to be told has been told; the kernel gives back the rest.
    onReplaced: () => control.end().then(() => process.exit(0)),
    given,
  })
  if (!remember) await endPredecessors(home)
  const workers = remember ? findWorkers(home) : []
  if (inherited !== undefined && !isSuccessor && workers.length === 0) {
    throw new BroodError('no_supervisor', 'the workers that wanted a supervisor back are gone')
  }
  supervisor.restore(inherited?.sockets ?? [], workers)
  const line = workerLine(supervisor.line.token, systemClock, (back, connection) =>
    supervisor.takeBack(back, connection),
  )
  const control = new ControlServer(handlersOf(supervisor, home), version)
  const close = (): void => {
    leaveSocket()
    line.close()
    control.end().then(resolve)
  }
  rmSync(home.socket, { force: true }) // left by one that was killed; nobody answers on it
  await listen(home, control.server, home.socket)
  chmodSync(home.socket, 0o600)
  const leaveSocket = keepSocket(home.socket, () => {
    control.server.close()
    control.server.listen(home.socket, () => chmodSync(home.socket, 0o600))
  })
  if (remember) await listenSoon(home, line, supervisor.line.path)
  rmSync(home.claim, { force: true })
  return {
    supervisor,
    ended,
    async end(options) {
      await supervisor.shutDown(options)
      close()
      await ended
    },
  }
}

/** Whether somebody without the lock has the control socket: another program, or a brood that knew no lock. */
function isAnswered(home: Home): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(home.socket, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** A `brood run` that was killed: its workers drain and end by themselves, programs of other languages do not. */
async function endPredecessors(home: Home): Promise<void> {
  await endWorkers(findWorkers(home), predecessorGrace, systemClock)
  await endRemains(home, [], systemClock)
}

/** A killed supervisor gives back its lock a moment before its sockets. */
async function listenSoon(home: Home, server: Server, path: string): Promise<void> {
  const until = systemClock.now() + lineWithin
  for (;;) {
    try {
      return await listen(home, server, path)
    } catch (error) {
      if (systemCode(error) !== 'EADDRINUSE' || systemClock.now() >= until) throw error
      await new Promise<void>((resolve) => systemClock.at(systemClock.now() + lineEvery, resolve))
    }
  }
}

function listen(home: Home, server: Server, path: string): Promise<void> {
  return new Promise((listening, failed) => {
    server.once('error', (error) => {
      failed(systemCode(error) === 'EADDRINUSE' ? error : asHomeError(home, error))
    })
    server.listen(path, listening)
  })
}

/** A supervisor that a worker has started begins within the limits of that worker's app. */
function stepAside(): void {
  try {
    leaveAppCgroup()
  } catch (error) {
    process.stderr.write(`brood: the supervisor stays within an app's limits: ${messageOf(error)}\n`)
  }
}
