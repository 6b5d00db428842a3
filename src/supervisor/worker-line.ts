// Where workers of an earlier supervisor report: each says who it is and proves it, and is listened to from then on.
import { createServer, type Server, type Socket } from 'node:net'
import type { Clock, Millis } from '../kernel/clock.ts'
import { Channel } from '../wire/channel.ts'
import {
  type BackMessage,
  type SupervisorMessage,
  type WorkerMessage,
  wireVersion,
} from '../wire/messages.ts'
import { asBackMessage, asWorkerMessage } from './worker-messages.ts'

interface ConnectionEvents {
  message(message: WorkerMessage): void
  close(error: Error | undefined): void
}

/** A worker's connection that has proved itself. */
export interface WorkerConnection {
  /** From now on the worker is heard by `events`. */
  take(events: ConnectionEvents): void
  send(message: SupervisorMessage): void
  close(): void
}

/** How long a connection may take to say who it is. */
const introductionWithin: Millis = 5000

/** Not yet listening: call `listen` with the line's path. */
export function workerLine(
  token: string,
  clock: Clock,
  back: (message: BackMessage, connection: WorkerConnection) => void,
): Server {
  const server = createServer((socket) => introduce(socket, token, clock, back))
  server.unref()
  return server
}

function introduce(
  socket: Socket,
  token: string,
  clock: Clock,
  back: (message: BackMessage, connection: WorkerConnection) => void,
): void {
  let events: ConnectionEvents | undefined
  const cancel = clock.at(clock.now() + introductionWithin, () => socket.destroy())
  const check = (value: unknown): WorkerMessage | BackMessage | undefined =>
    events === undefined ? asBackMessage(value) : asWorkerMessage(value)
  const channel = new Channel<WorkerMessage | BackMessage, SupervisorMessage>(socket, check, {
    message(message) {
      if (message.type !== 'back') return events?.message(message)
      cancel()
      if (message.token !== token || message.wire !== wireVersion) return channel.close()
      back(message, {
        take(taker) {
          events = taker
        },
        send: (answer) => channel.send(answer),
        close: () => channel.close(),
      })
    },
    close(error) {
      cancel()
      events?.close(error)
    },
  })
}
