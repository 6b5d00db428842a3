// Loaded into every worker before its program: joins it to the supervisor and gives its servers the shared sockets.
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Rescue } from '../wire/birth.ts'
import { isDatagramHandle } from '../wire/datagram-handle.ts'
import {
  type BackMessage,
  type IdleConnections,
  isUdpKey,
  type ListenAddress,
  type SupervisorMessage,
  wireVersion,
} from '../wire/messages.ts'
import { stopReading } from '../wire/stop-reading.ts'
import { Activity } from './activity.ts'
import { apiKey, type DrainHook, type WorkerApi } from './api.ts'
import { takeBirth } from './birth.ts'
import { wearClusterFace } from './cluster-face.ts'
import { ConnectionCount } from './connection-count.ts'
import { Datagrams } from './datagrams.ts'
import { Departures } from './departures.ts'
import { describeError } from './describe-error.ts'
import { Drain } from './drain.ts'
import { type Held, HeldSockets } from './held-sockets.ts'
import { speaksHttp } from './idle-connections.ts'
import { Listening } from './listening.ts'
import { setUpOutput } from './output.ts'
import { probeProgram } from './probe.ts'
import { RequestCount } from './request-count.ts'
import type { ServedAddress } from './served.ts'
import type { ServedDatagrams } from './served-datagrams.ts'
import { Shedding } from './shedding.ts'
import { SupervisorLink } from './supervisor-link.ts'
import { WayBack } from './way-back.ts'

/** Milliseconds a worker takes to finish what it has accepted when nobody will bring its supervisor back. */
const graceWithoutSupervisor = 10_000

/** So many ranks later than others a worker brings a supervisor up that has not all sockets for it. */
const behindOthers = 8

/** Milliseconds before a supervisor that has closed the line at once is asked again. */
const turnedAwayPause = 1000

const birth = takeBirth(fileURLToPath(import.meta.url))

if (birth !== undefined) {
  const { app, slot, worker, release, rescue } = birth
  const hooks = new Set<DrainHook>()
  let count = birth.counts === true ? new RequestCount() : undefined
  const held = new HeldSockets(birth.held)
  let phase: BackMessage['phase'] = 'starting'
  let drain: Drain | undefined
  let requests = 0
  let shedding: Shedding | undefined
  /** Connections that came from siblings. */
  let received = 0
  /** Whether the supervisor is another than the one that started this process. */
  let adopted = false
  /** When that one was found. */
  let foundAt = -Infinity
  /** Whether every socket of the home is kept here. */
  let hasAll = true
  /** The last supervisor has named this worker as the first to bring up the next. */
  let leads = false

  const link = new SupervisorLink(birth.control, rescue !== undefined, {
    message: obey,
    handle(purpose, socket) {
      switch (purpose.type) {
        case 'listen':
          if (isDatagramHandle(socket)) return datagrams.give(purpose.request, purpose.key, socket)
          return listening.give(purpose.request, purpose.key, socket, purpose.balanced === true)
        case 'hold':
          // Reading would fail on a socket that only listens, and close it.
          if (isDatagramHandle(socket) || stopReading(socket)) held.keep({ ...purpose, socket })
          else socket.destroy()
          return
        case 'adopt':
          return adopt(purpose.key, purpose.slot, socket)
        case 'connection': {
          if (isDatagramHandle(socket)) return socket.close()
          received++
          const served = listening.servedAt(purpose.key)
          // Also while draining: it was on its way before the word came, and goes on from here with the next look.
          if (served === undefined) sendBack(purpose.key, socket)
          else served.take(socket)
        }
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

  function want(address: ListenAddress): number {
    const request = requests++
    link.send({ type: 'want', request, address })
    return request
  }

  function obey(message: SupervisorMessage): void {
    switch (message.type) {
      case 'refused':
        datagrams.refuse(message.request, message.code, message.message)
        return listening.refuse(message.request, message.code, message.message)
      case 'trusted':
        if (phase === 'starting') phase = 'ready'
        return
      case 'taken':
        return departures.taken(message.id)
      case 'connections':
        return tellConnections(message.id)
      case 'shed':
        return shed(message.id, message.count, message.keys)
      case 'release':
        // Two may accept from one queue; a socket that nobody keeps any more takes its queue with it.
        if (held.isLent(app, message.key, message.slot)) return
        return servedAt(message.key)?.release(message.slot)
      case 'lacking':
        hasAll = false
        return
      case 'lead':
        hasAll = true
        leads = true
        return
      case 'adopt':
        return adoptKept(message.key, message.slot)
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
        return leave(message.idle, message.within, () => {
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

  function servedAt(key: string): ServedAddress | ServedDatagrams | undefined {
    return isUdpKey(key) ? datagrams.servedAt(key) : listening.servedAt(key)
  }

  function adopt(key: string, other: number, socket: Held, closed?: () => void): void {
    if (!isUdpKey(key) && !isDatagramHandle(socket)) listening.adopt(key, other, socket, closed)
    if (isUdpKey(key) && (typeof socket === 'number' || isDatagramHandle(socket)))
      datagrams.adopt(key, other, socket, closed)
  }

  function tellConnections(id: number): void {
    const counts = listening.served.map((served) => served.connections())
    Promise.all(counts).then((all) => {
      const open = all.reduce((sum, count) => sum + count, 0)
      link.send({ type: 'connections', id, open, received })
    })
  }

  function shed(id: number, count: number, keys: readonly string[]): void {
    shedding?.end()
    shedding = undefined
    if (drain !== undefined) return link.send({ type: 'shed', id, handed: 0 })
    const served = listening.served.filter(({ key }) => keys.includes(key))
    const done = (handed: number): void => link.send({ type: 'shed', id, handed })
    shedding = new Shedding({ count, served, departures, done })
  }

  /** The server that it was for has been closed while it was on its way: it is for somebody else. */
  function sendBack(key: string, socket: Socket): void {
    socket.on('error', () => {})
    if (!stopReading(socket) || !departures.depart(key, socket)) socket.destroy()
  }

  /** Told by a supervisor that cannot send sockets here. */
  function adoptKept(key: string, other: number): void {
    const served = servedAt(key)
    if (served?.isDraining === false && served.adopting.includes(other))
      return link.send({ type: 'adopted', key, slot: other, accepting: true })
    const isKept = held.lend(app, key, other, (socket, closed) => adopt(key, other, socket, closed))
    if (!isKept) link.send({ type: 'adopted', key, slot: other, accepting: false })
  }

  function probe(id: number, path: string, within: number): void {
    const servers = listening.served.map(({ server }) => server)
    probeProgram(servers, path, within).then((problem) =>
      link.send({ type: 'probed', id, ...(problem === undefined ? {} : { problem }) }),
    )
  }

  function lost(): void {
    shedding?.end()
    departures.stay()
    if (rescue === undefined) {
      // Nobody could stop, replace or count this worker any more: it finishes its work and goes.
      leave('close', graceWithoutSupervisor, () => process.exit(0))
      setTimeout(() => process.exit(0), graceWithoutSupervisor).unref()
      return
    }
    // One that drains has given some of its sockets up. The next supervisor is to get them all from somebody who has them.
    const usual = drain === undefined && hasAll ? rescue.rank : rescue.rank + behindOthers
    const rank = leads ? 0 : usual
    // One that listens and yet does not take this worker will not at once, either.
    const isTurnedAway = performance.now() - foundAt < turnedAwayPause
    if (isTurnedAway) setTimeout(() => lookForSupervisor(rescue, rank), turnedAwayPause).unref()
    else lookForSupervisor(rescue, rank)
  }

  function lookForSupervisor(rescue: Rescue, rank: number): void {
    new WayBack(
      { ...rescue, rank },
      {
        sockets: () => held.all,
        found(socket) {
          adopted = true
          leads = false
          foundAt = performance.now()
          const { token } = rescue
          const { pid } = process
          const serving = [...listening.served, ...datagrams.served].filter((served) => !served.isDraining)
          link.reopen(socket, {
            type: 'back',
            wire: wireVersion,
            token,
            app,
            slot,
            worker,
            release,
            pid,
            phase,
            listening: serving.map(({ key }) => key),
            adopted: serving.flatMap(({ key, adopting }) => adopting.map((other) => ({ key, slot: other }))),
            held: held.places,
          })
          activity?.repeat()
        },
      },
    )
  }

  /** With its servers gone nothing may keep the process alive, but its own handler of the signal is to run. */
  function stayUntil(signal: string): void {
    const letGo = link.hold()
    if (process.listenerCount(signal) > 0) process.once(signal, letGo)
  }

  function leave(idle: IdleConnections, within: number, then: () => void): void {
    if (drain !== undefined) return
    phase = 'draining'
    shedding?.end()
    drain = new Drain(listening, datagrams, { idle, within, departures })
    drain.run(hooks).then(then)
  }

  // A monitor only looks on: the process dies, or lives on in a handler of the program, as it would without brood.
  process.on('uncaughtExceptionMonitor', (error: unknown, origin) => {
    link.send({ type: 'uncaught', origin, ...describeError(error) })
    link.flush()
  })
  process.on('exit', (code) => {
    if (!adopted) return // a parent is told by the kernel
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

  wearClusterFace(slot, () => leave('close', graceWithoutSupervisor, () => process.exit(0)))
  datagrams.intercept()
  listening.intercept()
  process.getBuiltinModule('node:module').syncBuiltinESMExports() // named imports see the cluster face too
  link.send({ type: 'hello', pid: process.pid, node: process.versions.node })
}
