// Loaded into every worker before its program: joins it to the supervisor and gives its servers the shared sockets.
import { fileURLToPath } from 'node:url'
import {
  type BackMessage,
  type ListenAddress,
  type SupervisorMessage,
  type WorkerMessage,
  wireVersion,
} from '../wire/messages.ts'
import { Activity } from './activity.ts'
import { apiKey, type DrainHook, type WorkerApi } from './api.ts'
import { takeBirth } from './birth.ts'
import { wearClusterFace } from './cluster-face.ts'
import { ConnectionCount } from './connection-count.ts'
import { Datagrams } from './datagrams.ts'
import { Departures } from './departures.ts'
import { describeError } from './describe-error.ts'
import { Drain, type DrainOptions } from './drain.ts'
import { HeldSockets } from './held-sockets.ts'
import { speaksHttp } from './idle-connections.ts'
import { Listening } from './listening.ts'
import { setUpOutput } from './output.ts'
import { probeProgram } from './probe.ts'
import { Queues } from './queues.ts'
import { RequestCount } from './request-count.ts'
import { SupervisorLink } from './supervisor-link.ts'
import { Transfers } from './transfers.ts'
import { WayBack } from './way-back.ts'

/** Milliseconds a worker takes to finish what it has accepted when nobody will bring its supervisor back. */
const graceWithoutSupervisor = 10_000
/** How a worker leaves that nobody else has told to. */
const leaving = { idle: 'close', within: graceWithoutSupervisor } as const

const birth = takeBirth(fileURLToPath(import.meta.url))

if (birth !== undefined) {
  const { app, slot, worker, release, rescue } = birth
  const hooks = new Set<DrainHook>()
  let count = birth.counts === true ? new RequestCount() : undefined
  const held = new HeldSockets(birth.held)
  let phase: BackMessage['phase'] = 'starting'
  let drain: Drain | undefined
  let isAlone = false
  let requests = 0
  const link = new SupervisorLink(birth.control, rescue !== undefined, {
    message: obey,
    handle(purpose, socket) {
      switch (purpose.type) {
        case 'listen':
        case 'hold':
        case 'adopt':
          return queues.take(purpose, socket)
        case 'connection':
          return transfers.receive(purpose.key, socket)
      }
    },
    client(key, client) {
      if (listening.takeClient(key, client)) return connections?.taken()
      // The server was closed while the connection was on its way: it is for somebody else.
      const close = (): void => client.close()
      if (!link.sendBare({ type: 'client', key }, client, close)) close()
    },
    lost,
  })

  const departures = new Departures((...connection) => link.sendConnection(...connection))

  const connections =
    birth.tellsLoad === true
      ? new ConnectionCount((open, taken) => link.send({ type: 'load', open, taken }))
      : undefined

  const activity =
    birth.tellsActivity === true
      ? new Activity((type) => {
          link.send({ type })
          link.flush()
        })
      : undefined

  const listening = new Listening(birth.sockets, birth.balanced ?? [], birth.ownPorts === true, {
    want,
    listening(key, server, backlog) {
      count?.watch(server)
      connections?.watch(server)
      activity?.watch(server)
      link.send({ type: 'listening', key, speaksHttp: speaksHttp(server), backlog })
    },
    closed: (key) => link.send({ type: 'closed', key }),
    alone() {
      isAlone = true
      link.send({ type: 'alone' })
    },
    adopted: (key, other, accepting) => link.send({ type: 'adopted', key, slot: other, accepting }),
    hold: () => link.hold(),
  })

  const datagrams = new Datagrams(birth.sockets, birth.ownUdpPorts === true, {
    want,
    listening: (key) => link.send({ type: 'listening', key, speaksHttp: false }),
    closed: (key) => link.send({ type: 'closed', key }),
    adopted: (key, other, accepting) => link.send({ type: 'adopted', key, slot: other, accepting }),
    hold: () => link.hold(),
  })

  const send = (message: WorkerMessage): void => link.send(message)
  const queues = new Queues(app, listening, datagrams, held, send)
  const transfers = new Transfers(listening, departures, send)

  const wayBack =
    rescue === undefined
      ? undefined
      : new WayBack(rescue, held, {
          isLeaving: () => drain !== undefined,
          found(socket) {
            link.reopen(socket, back(rescue.token))
            // Neither the questions nor the answers of the one that died are on their way any more.
            for (const [request, address] of [...listening.wanted, ...datagrams.wanted])
              link.send({ type: 'want', request, address })
            activity?.repeat()
          },
        })

  function want(address: ListenAddress): number {
    const request = requests++
    link.send({ type: 'want', request, address })
    return request
  }

  function obey(message: SupervisorMessage): void {
    switch (message.type) {
      case 'refused':
        return queues.refuse(message.request, message.code, message.message)
      case 'trusted':
        if (phase === 'starting') phase = 'ready'
        return
      case 'taken':
        return departures.taken(message.id)
      case 'connections':
        return transfers.tell(message.id)
      case 'shed':
        return transfers.shed(message.id, message.count, message.keys)
      case 'release':
        return queues.release(message.key, message.slot)
      case 'lacking':
        return wayBack?.lacks()
      case 'lead':
        return wayBack?.leads()
      case 'welcome':
        return wayBack?.welcomed()
      case 'adopt':
        return queues.adoptKept(message.key, message.slot)
      case 'let-go':
        held.letGo(message.app, message.keys)
        return link.send({ type: 'let-go', id: message.id })
      case 'drop':
        for (const place of message.sockets) held.drop(place)
        return
      case 'queue': {
        const handle = listening.queueOf(message.key)
        if (handle !== undefined) link.sendBare({ type: 'queue', key: message.key }, handle, () => {})
        return
      }
      case 'count':
        return tellCount()
      case 'ping':
        return link.send({ type: 'pong', id: message.id })
      case 'probe':
        return probe(message.id, message.path, message.within)
      case 'drain':
        if (phase === 'drained') return link.send({ type: 'drained' })
        return leave({ idle: message.idle, within: message.within, byProgram: false }, () => {
          phase = 'drained'
          stayUntil(message.signal)
          link.send({ type: 'drained' })
        })
    }
  }

  /** Without being told at its birth, it counts from the first question on: until then requests pay nothing for it. */
  function tellCount(): void {
    if (count === undefined) {
      count = new RequestCount()
      for (const { server } of listening.served) count.watch(server)
    }
    link.send({ type: 'counted', requests: count.requests, errors: count.errors })
  }

  function probe(id: number, path: string, within: number): void {
    const servers = listening.served.map(({ server }) => server)
    probeProgram(servers, path, within).then((problem) =>
      link.send({ type: 'probed', id, ...(problem === undefined ? {} : { problem }) }),
    )
  }

  function lost(): void {
    transfers.stop()
    departures.stay()
    if (wayBack !== undefined) return wayBack.lost()
    // Nobody could stop, replace or count this worker any more: it finishes its work and goes.
    leave({ ...leaving, byProgram: false }, () => process.exit(0))
    setTimeout(() => process.exit(0), graceWithoutSupervisor).unref()
  }

  /** Who it is and what it serves, for a supervisor that has not started it. */
  function back(token: string): BackMessage {
    const { pid } = process
    const known = { token, app, slot, worker, release, pid, phase, alone: isAlone }
    return { type: 'back', wire: wireVersion, ...known, ...queues.serving, held: held.places }
  }

  /** With its servers gone nothing may keep the process alive, but its own handler of the signal is to run. */
  function stayUntil(signal: string): void {
    const letGo = link.hold()
    if (process.listenerCount(signal) > 0) process.once(signal, letGo)
  }

  function leave(options: Omit<DrainOptions, 'departures'>, then: () => void): void {
    if (drain !== undefined) return
    phase = 'draining'
    transfers.end()
    drain = new Drain(listening, datagrams, { ...options, departures })
    drain.run(hooks).then(then)
  }

  // A monitor only looks on: the process dies, or lives on in a handler of the program, as it would without brood.
  process.on('uncaughtExceptionMonitor', (error: unknown, origin) => {
    link.send({ type: 'uncaught', origin, ...describeError(error) })
    link.flush()
  })
  process.on('exit', (code) => {
    if (wayBack?.isAdopted !== true) return // a parent is told by the kernel
    link.send({ type: 'exiting', code })
    link.flush()
  })
  setUpOutput(birth, {
    failed: (stream, code) => link.send({ type: 'unwritten', stream, code }),
    rotated: (stream, path) => link.send({ type: 'rotated', stream, path }),
  })

  const api: WorkerApi = {
    app,
    slot,
    drainHooks: hooks,
    ready() {
      if (phase === 'starting') phase = 'ready'
      link.send({ type: 'ready' })
    },
  }
  Object.defineProperty(globalThis, apiKey, { value: api })

  wearClusterFace(slot, () => leave({ ...leaving, byProgram: true }, () => process.exit(0)))
  datagrams.intercept()
  listening.intercept()
  process.getBuiltinModule('node:module').syncBuiltinESMExports() // named imports see the cluster face too
  link.send({ type: 'hello', pid: process.pid, node: process.versions.node })
}
