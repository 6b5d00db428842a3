// One UDP socket of the program that brood gave its handle to: its own queue, and queues of other slots that it took in.
import type { Socket as DatagramSocket } from 'node:dgram'
import type { DatagramHandle } from '../wire/datagram-handle.ts'

const dgram = process.getBuiltinModule('node:dgram')

/**
 * How long a draining worker is given for answers to datagrams that it has read, in milliseconds. Nobody can see which are
 * still to come; who needs longer says so by a hook.
 */
const answersWithin = 250

export class ServedDatagrams {
  readonly key: string
  readonly socket: DatagramSocket
  readonly #handle: DatagramHandle
  readonly #adopters = new Map<number, DatagramSocket>()
  #draining = false

  constructor(key: string, socket: DatagramSocket, handle: DatagramHandle) {
    this.key = key
    this.socket = socket
    this.#handle = handle
    this.#shareMemberships()
  }

  /** Reads from another slot's queue too, as if it were the program's own; `closed`: the socket is closed again. */
  adopt(
    slot: number,
    held: number | DatagramHandle,
    settled: (accepting: boolean) => void,
    closed: () => void,
  ): void {
    const adopter = dgram.createSocket(this.key.includes('[') ? 'udp6' : 'udp4')
    adopter.on('message', (...datagram) => this.socket.emit('message', ...datagram))
    adopter.once('listening', () => settled(true))
    adopter.once('close', closed)
    adopter.on('error', () => {}) // of a single datagram; the queue goes on
    this.release(slot)
    try {
      // Node takes a bare handle too, as it gets one in a cluster; its types do not say so.
      adopter.bind(typeof held === 'number' ? { fd: held, exclusive: true } : (held as { fd: number }))
    } catch {
      adopter.close()
      settled(false)
      return
    }
    adopter.unref() // the program's own socket decides whether the process stays
    this.#adopters.set(slot, adopter)
  }

  release(slot: number): void {
    this.#adopters.get(slot)?.close()
    this.#adopters.delete(slot)
  }

  /** The other slots whose queues it reads. */
  get adopting(): number[] {
    return [...this.#adopters.keys()]
  }

  stopAdopting(): void {
    for (const slot of this.adopting) this.release(slot)
  }

  get isDraining(): boolean {
    return this.#draining
  }

  /** What comes from now on waits in the kernel for others. The socket stays: what has been read is still to be answered. */
  async drain(): Promise<void> {
    this.#draining = true
    this.#handle.recvStop()
    this.stopAdopting()
    // Others go on with the same socket of the kernel's, and with its groups.
    this.socket.dropMembership = () => {}
    this.socket.dropSourceSpecificMembership = () => {}
    await new Promise((resolve) => setTimeout(resolve, answersWithin))
  }

  /** A group that the socket is in already, by a worker before or beside this one, is refused by the kernel and yet joined. */
  #shareMemberships(): void {
    const { socket } = this
    const join = socket.addMembership
    const joinFrom = socket.addSourceSpecificMembership
    socket.addMembership = (...group) => unlessMember(() => join.apply(socket, group))
    socket.addSourceSpecificMembership = (...group) => unlessMember(() => joinFrom.apply(socket, group))
  }
}

function unlessMember(join: () => void): void {
  try {
    join()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
  }
}
