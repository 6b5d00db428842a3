// Takes brood's own messages off Node's IPC in a child, so that its program notices nothing: not their content, not by when it ends.
import type { EventEmitter } from 'node:events'

export interface TapEvents {
  /** Gets every message first; true when it was brood's own, which then nobody else sees. */
  take(message: unknown, handle: unknown): boolean
  /** The channel is closed, by either side; true when the program is not to know. */
  closed(): boolean
}

interface Tap {
  readonly all: Set<TapEvents>
  /** Reasons of brood's own to keep the process alive. */
  holds: number
}

/** On brood's own listeners, so that a second copy of this module in the process does not take them for the program's. */
const ownListener = Symbol.for('brood.ipc.listener')

let tap: Tap | undefined

/** Shows every message to `take` before the program's listeners; nothing happens in a process without an IPC channel. */
export function tapMessages(events: TapEvents): void {
  tap ??= install()
  tap?.all.add(events)
}

/** Keeps the process alive, as a 'message' listener of the program would; call the result to let go. */
export function holdChannel(): () => void {
  const current = tap
  if (current === undefined) return () => {}
  if (current.holds++ === 0) follow(current)
  let held = true
  return () => {
    if (!held) return
    held = false
    if (--current.holds === 0) follow(current)
  }
}

/** What the program itself last asked of `process.channel`; from then on its listeners no longer count, as in Node. */
let asked: 'ref' | 'unref' | undefined
let referChannel: (() => void) | undefined
let releaseChannel: (() => void) | undefined

/** Node keeps a child alive while it listens; only the program's own listeners and brood's holds may count. */
function follow(current: Tap): void {
  if (process.channel === undefined || process.channel === null) return
  if (current.holds > 0 || programHoldsChannel()) referChannel?.()
  else releaseChannel?.()
}

/** Whether the program wants to live for as long as the channel does. */
export function programHoldsChannel(): boolean {
  return asked === undefined ? programListens('message') || programListens('disconnect') : asked === 'ref'
}

function programListens(event: 'message' | 'disconnect'): boolean {
  return process.rawListeners(event).some((listener) => !(ownListener in listener))
}

function isSecret({ all }: Tap): boolean {
  // Everybody is told, whatever the others say.
  return [...all].map(({ closed }) => closed()).includes(true)
}

function install(): Tap | undefined {
  const { channel } = process
  if (channel === undefined || channel === null) return undefined
  const installed: Tap = { all: new Set(), holds: 0 }
  referChannel = channel.ref.bind(channel)
  releaseChannel = channel.unref.bind(channel)
  channel.ref = () => askFor('ref', installed)
  channel.unref = () => askFor('unref', installed)

  const emitter: EventEmitter = process
  const emit = emitter.emit
  /** The program's messages from before it listens: Node would keep them, but only while nobody listens at all. */
  const waiting: unknown[][] = []
  const deliver = (): void => {
    while (waiting.length > 0 && programListens('message'))
      emit.call(process, 'message', ...(waiting.shift() ?? []))
  }
  emitter.emit = function (this: EventEmitter, event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'disconnect' && isSecret(installed)) return true
    if (event !== 'message') return emit.call(this, event, ...args)
    for (const { take } of installed.all) if (take(args[0], args[1])) return true
    if (waiting.length === 0 && programListens('message')) return emit.call(this, event, ...args)
    waiting.push(args)
    deliver()
    return true
  }

  // Without any listener Node would keep brood's messages back as well.
  const listen = Object.assign((): void => {}, { [ownListener]: true })
  process.on('message', listen)
  const changed = (event: string | symbol): void => {
    if (event !== 'message' && event !== 'disconnect') return
    // The event comes before the change.
    process.nextTick(() => {
      if (!process.rawListeners('message').includes(listen)) process.on('message', listen) // removeAllListeners
      follow(installed)
      deliver()
    })
  }
  process.on('newListener', changed)
  process.on('removeListener', changed)
  follow(installed)
  return installed
}

function askFor(what: 'ref' | 'unref', current: Tap): void {
  asked = what
  follow(current)
}
