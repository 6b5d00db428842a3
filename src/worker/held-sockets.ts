// The listening sockets that a worker keeps for others: nothing is lost with a supervisor or a sibling while one worker lives.
import { closeSync } from 'node:fs'
import { type AnySocket, closeSocket } from '../wire/any-socket.ts'
import type { HeldSocket } from '../wire/birth.ts'
import type { KeptPlace } from '../wire/messages.ts'
import { inodeOf } from '../wire/socket-inode.ts'

/** An inherited descriptor, or a socket that came over IPC. */
export type Held = number | AnySocket

export interface Kept extends KeptPlace {
  readonly socket: Held
}

export class HeldSockets {
  readonly #kept = new Map<string, Kept>()
  /** By name: those that a server of this process accepts on as well. */
  readonly #lent = new Set<string>()

  constructor(inherited: readonly HeldSocket[]) {
    for (const { fd, ...place } of inherited) this.keep({ ...place, socket: fd })
  }

  get all(): Kept[] {
    return [...this.#kept.values()]
  }

  /** What is kept, for a supervisor that may have others in their place. */
  get places(): (KeptPlace & { inode?: number })[] {
    return this.all.map(({ app, key, slot, socket }) => {
      const inode = inodeOf(socket)
      return inode === undefined ? { app, key, slot } : { app, key, slot, inode }
    })
  }

  keep(kept: Kept): void {
    this.drop(kept)
    this.#kept.set(nameOf(kept.app, kept.key, kept.slot), kept)
  }

  /**
   * Lets a server of this process accept on a socket, which is kept for others all the same: it may be the last copy, and
   * Node cannot make another. False when there is none. The server calls `closed` once it has closed the socket.
   */
  lend(app: string, key: string, slot: number, use: (socket: Held, closed: () => void) => void): boolean {
    const name = nameOf(app, key, slot)
    const kept = this.#kept.get(name)
    if (kept === undefined || this.#lent.has(name)) return false
    this.#lent.add(name)
    use(kept.socket, () => {
      this.#lent.delete(name)
      if (this.#kept.get(name) === kept) this.#kept.delete(name)
    })
    return true
  }

  /** Whether closing the server that accepts on it would close what is kept. */
  isLent(app: string, key: string, slot: number): boolean {
    return this.#lent.has(nameOf(app, key, slot))
  }

  /** The app has given these addresses back. */
  letGo(app: string, keys: readonly string[]): void {
    for (const kept of this.all) {
      if (kept.app === app && keys.includes(kept.key)) this.drop(kept)
    }
  }

  /** Closes one, unless a server of this process accepts on it. */
  drop({ app, key, slot }: KeptPlace): void {
    const name = nameOf(app, key, slot)
    const kept = this.#kept.get(name)
    this.#kept.delete(name)
    if (kept !== undefined && !this.#lent.has(name)) close(kept.socket)
  }
}

function nameOf(app: string, key: string, slot: number): string {
  return `${app} ${key} ${slot}`
}

function close(socket: Held): void {
  if (typeof socket === 'number') closeSync(socket)
  else closeSocket(socket)
}
