// Keeps what a child writes to Node's IPC from ending this process: Node trusts the other end and throws at what it cannot read.
import type { ChildProcess } from 'node:child_process'
import { Server, Socket } from 'node:net'
import { BroodError, messageOf } from '../kernel/errors.ts'

/** The longest line that a child may send, in bytes; a passed socket's message has some hundred. */
const longestLine = 16 << 20
const newline = 0x0a

interface Channel {
  onread: (this: unknown, buffer: ArrayBuffer | undefined) => void
}

/**
 * Two places of Node throw outside of any handler of ours: the reader of the pipe, at a line that is not JSON, and the
 * listener for Node's own messages, at one that is forged. Both end the conversation with this child instead.
 */
export function guardIpc(
  child: ChildProcess,
  broken: (error: BroodError) => void,
  longest = longestLine,
): void {
  let over = false
  const end = (why: string): void => {
    if (over) return
    over = true
    if (child.connected) child.disconnect()
    broken(new BroodError('bad_frame', `not a message on Node's IPC: ${why}`))
  }

  const emit = child.emit
  child.emit = function (this: ChildProcess, event: string | symbol, ...args: unknown[]): boolean {
    if (event !== 'internalMessage') return Reflect.apply(emit, this, [event, ...args])
    if (over) return true
    try {
      return Reflect.apply(emit, this, [event, ...args])
    } catch (error) {
      end(messageOf(error).split('\n')[0] ?? '')
      return true
    }
  } as typeof child.emit

  const channel = channelOf(child)
  if (channel === undefined) return // a Node that keeps it elsewhere: unguarded, as without brood
  const read = channel.onread
  let line = 0
  channel.onread = function (buffer) {
    if (over && buffer !== undefined) return
    if (buffer !== undefined) {
      const last = new Uint8Array(buffer).lastIndexOf(newline)
      line = last < 0 ? line + buffer.byteLength : buffer.byteLength - last
      if (line > longest) {
        end(`a line of more than ${longest} bytes`)
        return
      }
    }
    try {
      Reflect.apply(read, this, [buffer])
    } catch (error) {
      end(messageOf(error))
    }
  }
}

/** Closes a handle that nobody here asked for; left alone it would be read, and its errors would be nobody's. */
export function refuseHandle(handle: unknown): void {
  if (handle instanceof Socket) handle.on('error', () => {}).destroy()
  else if (handle instanceof Server) handle.close()
  else if (
    typeof handle === 'object' &&
    handle !== null &&
    'close' in handle &&
    typeof handle.close === 'function'
  ) {
    handle.close() // a datagram socket
  }
}

function channelOf(child: ChildProcess): Channel | undefined {
  const symbol = Object.getOwnPropertySymbols(child).find((one) => one.description === 'kChannelHandle')
  const channel: unknown = symbol === undefined ? undefined : Reflect.get(child, symbol)
  const isChannel = typeof channel === 'object' && channel !== null && 'onread' in channel
  return isChannel && typeof channel.onread === 'function' ? (channel as Channel) : undefined
}
