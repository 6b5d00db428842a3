// Sends handles to a child over Node's IPC, several under way at a time, and tells of each whether it has arrived.
//
// Private to Node: the names of two of its internal messages, unchanged since 0.12, and `_handleQueue`. Node acknowledges every
// handle as it reads it, before the program can; told so, no message of our own is needed for each connection. But it also keeps
// every further handle back until the last one is acknowledged, in that array: emptied after each send, it keeps back none. Where
// the array is not found Node goes on as it always does, one at a time, with the same result.
import type { ChildProcess } from 'node:child_process'
import { Socket } from 'node:net'
import type { AnySocket } from '../wire/any-socket.ts'
import { type BareHandle, bareHandleOf, type HandleSender } from '../wire/bare-handle.ts'

type Told = (arrived: boolean) => void

interface HandleQueue {
  _handleQueue?: unknown
}

/** Node would close the handle itself; its owner may need it for another receiver. */
const keepOpen = { keepOpen: true }

export class HandleLine {
  readonly #child: ChildProcess & HandleQueue
  readonly #sender: HandleSender
  /** Those that the child has yet to acknowledge, in the order in which it will. */
  readonly #sent: Told[] = []
  /** Those that could not be written; the end of the line follows. */
  readonly #unsent: Told[] = []

  constructor(child: ChildProcess) {
    this.#child = child
    this.#sender = child.send.bind(child) as unknown as HandleSender // Node sends bare handles too
    // Before Node's own listener, which expects the array.
    child.prependListener('internalMessage' as 'message', (message) => {
      const { cmd } = message as { cmd?: unknown } // Node emits no other kind
      if (cmd !== 'NODE_HANDLE_ACK' && cmd !== 'NODE_HANDLE_NACK') return
      const told = this.#sent.shift()
      if (told === undefined) return // forged: Node misses its array, and the guard of the line ends it
      this.#child._handleQueue ??= []
      // After Node's listener, which writes what it has kept back.
      process.nextTick(told, cmd === 'NODE_HANDLE_ACK')
    })
  }

  /** `told` is called once: when the child has the handle, or will not have it. False when nothing can be sent any more. */
  send(message: object, handle: AnySocket | BareHandle, told: Told): boolean {
    if (!this.#child.connected) return false
    if (handle instanceof Socket && bareHandleOf(handle) === undefined) {
      process.nextTick(told, true) // closed meanwhile: nothing is left of it that could get lost
      return true
    }
    this.#sent.push(told)
    this.#sender(message, handle, keepOpen, (error) => {
      // It is not on its way, so no acknowledgement is its.
      if (error !== null) this.#unsent.push(...this.#sent.splice(this.#sent.indexOf(told), 1))
    })
    const queue = this.#child._handleQueue
    if (Array.isArray(queue) && queue.length === 0) this.#child._handleQueue = null
    return true
  }

  /** Nothing will be acknowledged any more. */
  end(): void {
    for (const told of [...this.#sent.splice(0), ...this.#unsent.splice(0)]) told(false)
  }
}
