// Loaded into every worker before its program: joins it to the supervisor and gives its servers the shared sockets.
import { fileURLToPath } from 'node:url'
import type { SupervisorMessage } from '../wire/messages.ts'
import { apiKey, type DrainHook, type WorkerApi } from './api.ts'
import { takeBirth } from './birth.ts'
import { wearClusterFace } from './cluster-face.ts'
import { bindDatagramsExclusively } from './datagram.ts'
import { describeError } from './describe-error.ts'
import { Drain } from './drain.ts'
import { Listening } from './listening.ts'
import { surviveFullDisk } from './output.ts'
import { SupervisorLink } from './supervisor-link.ts'

/** Milliseconds a worker without a supervisor takes to finish what it has accepted. */
const graceWithoutSupervisor = 10_000

const birth = takeBirth(fileURLToPath(import.meta.url))

if (birth !== undefined) {
  const hooks = new Set<DrainHook>()
  let drain: Drain | undefined

  const link = new SupervisorLink(birth.control, {
    message: obey,
    handle(purpose, socket) {
      if (purpose.type === 'listen') {
        listening.give(purpose.request, purpose.key, socket)
        return
      }
      const served = listening.servedAt(purpose.key)
      if (purpose.type === 'connection') {
        // Also while draining: it was on its way before the word came, and goes on from here with the next look.
        if (served === undefined) socket.destroy()
        else served.take(socket)
        return
      }
      const { key, slot } = purpose
      const answer = (accepting: boolean) => link.send({ type: 'adopted', key, slot, accepting })
      if (served !== undefined && !served.isDraining) {
        served.adopt(slot, socket, answer)
      } else {
        socket.destroy()
        answer(false)
      }
    },
    lost() {
      // Nobody could stop, replace or count this worker any more: it finishes its work and goes.
      drain?.stay()
      leave(false, graceWithoutSupervisor, () => process.exit(0))
      setTimeout(() => process.exit(0), graceWithoutSupervisor).unref()
    },
  })

  const listening = new Listening(birth.sockets, {
    want: (request, address) => link.send({ type: 'want', request, address }),
    listening: (key) => link.send({ type: 'listening', key }),
    closed: (key) => link.send({ type: 'closed', key }),
    hold: () => link.hold(),
  })

  function obey(message: SupervisorMessage): void {
    switch (message.type) {
      case 'refused':
        listening.refuse(message.request, message.code, message.message)
        break
      case 'taken':
        drain?.taken(message.id)
        break
      case 'release':
        listening.servedAt(message.key)?.release(message.slot)
        break
      case 'drain':
        leave(message.handOn, message.within, () => {
          stayUntil(message.signal)
          link.send({ type: 'drained' })
        })
        break
    }
  }

  /** With its servers gone nothing may keep the process alive, but its own handler of the signal is to run. */
  function stayUntil(signal: string): void {
    const letGo = link.hold()
    if (process.listenerCount(signal) > 0) process.once(signal, letGo)
  }

  function leave(handOn: boolean, within: number, then: () => void): void {
    if (drain !== undefined) return
    drain = new Drain(listening, {
      handOn,
      within,
      sendConnection: (...args) => link.sendConnection(...args),
    })
    drain.run(hooks).then(then)
  }

  // A monitor only looks on: the process dies, or lives on in a handler of the program, as it would without brood.
  process.on('uncaughtExceptionMonitor', (error: unknown, origin) => {
    link.send({ type: 'uncaught', origin, ...describeError(error) })
    link.flush()
  })
  surviveFullDisk((stream, code) => link.send({ type: 'unwritten', stream, code }))

  const api: WorkerApi = {
    app: birth.app,
    slot: birth.slot,
    drainHooks: hooks,
    ready: () => link.send({ type: 'ready' }),
  }
  Object.defineProperty(globalThis, apiKey, { value: api })

  wearClusterFace(birth.slot, () => leave(false, graceWithoutSupervisor, () => process.exit(0)))
  bindDatagramsExclusively()
  listening.intercept()
  process.getBuiltinModule('node:module').syncBuiltinESMExports() // named imports see the cluster face too
  link.send({ type: 'hello', pid: process.pid, node: process.versions.node })
}
