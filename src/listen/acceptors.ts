// Who accepts on which slot's socket, and who should: no socket in LISTEN state may be without a worker whose loop turns.

/** One instruction to a worker about a slot socket that is not its own. */
export type AcceptCommand =
  | { type: 'adopt'; key: string; slot: number; worker: number }
  | { type: 'release'; key: string; slot: number; worker: number }

interface Queue {
  /** The slot's own worker (or workers, in a hand-over) that listens here. */
  owners: Set<number>
  /** A sibling that keeps the queue moving while the slot has no worker of its own that does. */
  adopter: number | undefined
}

/**
 * The accept queues of one app. A queue enters with its first listener and never leaves: its socket stays in LISTEN
 * state, the kernel goes on giving it connections, so somebody must take them. Workers are numbered by the lifecycle.
 */
export class Acceptors {
  readonly #queues = new Map<string, Map<number, Queue>>()
  /** Workers that cannot take in other queues: their program closed the line that sockets travel on, or refuses. */
  readonly #unable = new Set<number>()
  /** Workers whose loop does not turn just now. */
  readonly #blocked = new Set<number>()

  /** A worker listens on its own slot's socket: it owns that queue now. */
  listening(key: string, slot: number, worker: number): AcceptCommand[] {
    const slots = this.#queues.get(key) ?? new Map<number, Queue>()
    this.#queues.set(key, slots)
    const queue = slots.get(slot) ?? { owners: new Set(), adopter: undefined }
    slots.set(slot, queue)
    queue.owners.add(worker)
    return this.#settle()
  }

  /** A queue that is in LISTEN state although none of its workers is known: somebody has to take it. */
  orphan(key: string, slot: number): AcceptCommand[] {
    const slots = this.#queues.get(key) ?? new Map<number, Queue>()
    this.#queues.set(key, slots)
    if (!slots.has(slot)) slots.set(slot, { owners: new Set(), adopter: undefined })
    return this.#settle()
  }

  /** A worker serves another slot's queue already: one that was told to meanwhile need not, nor it, if the slot has its own. */
  adopts(key: string, slot: number, worker: number): AcceptCommand[] {
    const queue = this.#queues.get(key)?.get(slot)
    if (queue === undefined) return []
    if (this.#isServed(queue)) return [{ type: 'release', key, slot, worker }]
    const other = queue.adopter
    queue.adopter = worker
    return other === undefined || other === worker ? [] : [{ type: 'release', key, slot, worker: other }]
  }

  /** A worker accepts no longer (it died, drains, or its program closed the server): on one address, or on all. */
  left(worker: number, key?: string): AcceptCommand[] {
    if (key === undefined) {
      this.#unable.delete(worker)
      this.#blocked.delete(worker)
    }
    for (const [name, slots] of this.#queues) {
      if (key !== undefined && key !== name) continue
      for (const queue of slots.values()) {
        queue.owners.delete(worker)
        if (queue.adopter === worker) queue.adopter = undefined
      }
    }
    return this.#settle()
  }

  /** A worker could not take in a queue: it keeps its own, others take in all that it was to adopt. */
  unable(worker: number): AcceptCommand[] {
    this.#unable.add(worker)
    return this.#settle()
  }

  /** A worker's loop does not turn: siblings take its queues in, and those that it had adopted. */
  blocked(worker: number): AcceptCommand[] {
    this.#blocked.add(worker)
    return this.#settle()
  }

  /** It turns again: its queues are its own. Until the word is obeyed two accept from them, which hurts nobody. */
  back(worker: number): AcceptCommand[] {
    this.#blocked.delete(worker)
    return this.#settle()
  }

  /** Whether connections wait in a queue of an address that others serve, and nobody can take them. */
  get isStuck(): boolean {
    return this.#all().some(({ key, queue }) => {
      const others = this.serving(key)
      // One that is blocked takes it when it is back.
      return isOrphan(queue) && others.length > 0 && others.every((worker) => this.#unable.has(worker))
    })
  }

  /** Slots whose connections are being taken by somebody other than their own worker. */
  adopted(): { key: string; slot: number; worker: number }[] {
    return this.#all().flatMap(({ key, slot, queue }) =>
      queue.adopter === undefined ? [] : [{ key, slot, worker: queue.adopter }],
    )
  }

  /** The workers that own a queue of this address: those that can serve its connections. */
  serving(key: string): number[] {
    return [...new Set([...(this.#queues.get(key)?.values() ?? [])].flatMap((queue) => [...queue.owners]))]
  }

  /** The addresses on which a worker accepts. */
  keysOf(worker: number): string[] {
    return [...this.#queues.keys()].filter((key) => this.serving(key).includes(worker))
  }

  /** Releases first, so that who is relieved counts as such when the next adopter is chosen. */
  #settle(): AcceptCommand[] {
    const released = this.#all().flatMap(({ key, slot, queue }) =>
      this.#isMisplaced(key, queue) ? this.#release(key, slot, queue) : [],
    )
    return [...released, ...this.#adoptOrphans()]
  }

  /** It has a worker of its own whose loop turns. */
  #isServed(queue: Queue): boolean {
    return [...queue.owners].some((worker) => !this.#blocked.has(worker))
  }

  /** When all are blocked, a blocked adopter is as good as any: the first that is back decides. */
  #isMisplaced(key: string, queue: Queue): boolean {
    const { adopter } = queue
    if (adopter === undefined) return false
    if (this.#isServed(queue) || this.#unable.has(adopter)) return true
    return this.#blocked.has(adopter) && this.#helpers(key).length > 0
  }

  /** Who can take in another queue of this address. */
  #helpers(key: string): number[] {
    return this.serving(key).filter((worker) => !this.#unable.has(worker) && !this.#blocked.has(worker))
  }

  #release(key: string, slot: number, queue: Queue): AcceptCommand[] {
    const worker = queue.adopter
    queue.adopter = undefined
    return worker === undefined ? [] : [{ type: 'release', key, slot, worker }]
  }

  #adoptOrphans(): AcceptCommand[] {
    const commands: AcceptCommand[] = []
    for (const { key, slot, queue } of this.#all()) {
      if (queue.adopter !== undefined || this.#isServed(queue)) continue
      const worker = this.#leastLoaded(key)
      if (worker === undefined) continue // nobody is left; the next worker that listens or is back takes the orphans in
      queue.adopter = worker
      commands.push({ type: 'adopt', key, slot, worker })
    }
    return commands
  }

  #leastLoaded(key: string): number | undefined {
    const load = new Map(this.#helpers(key).map((worker) => [worker, 0]))
    for (const { key: other, queue } of this.#all()) {
      const count = queue.adopter === undefined || other !== key ? undefined : load.get(queue.adopter)
      if (queue.adopter !== undefined && count !== undefined) load.set(queue.adopter, count + 1)
    }
    return [...load].toSorted((a, b) => a[1] - b[1])[0]?.[0]
  }

  #all(): { key: string; slot: number; queue: Queue }[] {
    return [...this.#queues].flatMap(([key, slots]) =>
      [...slots].map(([slot, queue]) => ({ key, slot, queue })),
    )
  }
}

function isOrphan({ owners, adopter }: Queue): boolean {
  return owners.size === 0 && adopter === undefined
}
