// The sockets of one app: gives workers the ones they listen on, and keeps every queue moving.
import type { Clock } from '../kernel/clock.ts'
import type { BroodError } from '../kernel/errors.ts'
import type { AddressSockets } from '../listen/address-sockets.ts'
import type { AnySocket } from '../wire/any-socket.ts'
import type { BareHandle } from '../wire/bare-handle.ts'
import { addressKey, type BackMessage, isUdpKey, type ListenAddress } from '../wire/messages.ts'
import { Addresses, type RememberedAddress } from './addresses.ts'
import { Adoption, type Listener } from './adoption.ts'
import type { AppSettings } from './app-settings.ts'
import { BalancedAddresses } from './balanced-addresses.ts'
import { asRefusal, listenCode } from './listen-refusal.ts'
import { Passages } from './passages.ts'
import type { KnownQueue } from './queue-report.ts'
import { UsedQueues } from './used-queues.ts'

export interface AppSocketsEvents {
  /** A worker listens on it for the first time. */
  opened(key: string, slot: number, socket: AnySocket): void
  /** Connections wait that no worker can take: see `isStuck`. */
  stuck(): void
  /** The sockets of an address that somebody else has opened and given to us. */
  given(address: ListenAddress): AddressSockets | undefined
}

/** What a worker says of a server that listens. */
interface Heard {
  readonly speaksHttp?: boolean
  readonly backlog?: number | undefined
}

export class AppSockets {
  /** Of idle connections, between workers. */
  readonly passages: Passages
  readonly used: UsedQueues
  readonly #addresses: Addresses
  readonly #adoption: Adoption
  readonly #workers: ReadonlyMap<number, Listener>
  readonly #events: AppSocketsEvents
  readonly #balanced: BalancedAddresses | undefined

  /** `workers` is read whenever one is looked for; it stays the caller's. */
  constructor(
    { share, balance, ports, maxWorkers }: Pick<AppSettings, 'share' | 'balance' | 'ports' | 'maxWorkers'>,
    clock: Clock,
    workers: ReadonlyMap<number, Listener>,
    events: AppSocketsEvents,
  ) {
    this.#events = events
    this.#addresses = new Addresses({ mode: share, slots: maxWorkers, ports }, (address) =>
      this.#given(address),
    )
    this.#workers = workers
    this.used = new UsedQueues(this.#addresses)
    this.#adoption = new Adoption(workers, this.#addresses, () => events.stuck())
    this.passages = new Passages(workers, (key) => this.#adoption.serving(key))
    if (share === 'balanced') this.#balanced = new BalancedAddresses(balance, workers, clock)
  }

  get remembered(): RememberedAddress[] {
    return this.#addresses.remembered
  }

  get keys(): string[] {
    return this.#addresses.keys
  }

  get labels(): { key: string; label: string }[] {
    return this.#addresses.labels
  }

  /** Queues that are served by another slot's worker just now. */
  get adopted(): { key: string; slot: number; worker: number }[] {
    return this.#adoption.adopted
  }

  /** Every TCP queue that connections can wait in. */
  get queues(): KnownQueue[] {
    const { adopted } = this
    return this.used.known((key, slot) => {
      const adopter = adopted.find((one) => one.key === key && one.slot === slot)?.worker
      return adopter === undefined ? undefined : this.#workers.get(adopter)?.slot
    })
  }

  /** The workers whose connections would wait for them, and for nobody else. */
  get owners(): number[] {
    const keys = this.keys.filter(
      (key) => this.#isBalanced(key) || (this.#addresses.get(key)?.queues ?? 1) > 1,
    )
    return [...new Set(keys.flatMap((key) => this.#adoption.serving(key)))]
  }

  /** They listen from the start, so every one of their queues needs somebody from the start. */
  #given(address: ListenAddress): AddressSockets | undefined {
    const sockets = this.#events.given(address)
    for (let queue = 0; queue < (sockets?.queues ?? 0); queue++) {
      this.#adoption.unserved(addressKey(address), queue)
    }
    return sockets
  }

  /** Addresses whose connections the supervisor accepts. Several sockets, as only a service manager gives them, are not balanced. */
  get balanced(): string[] {
    return this.keys.filter((key) => this.#isBalanced(key))
  }

  #isBalanced(key: string): boolean {
    return this.#balanced !== undefined && this.#addresses.get(key)?.queues === 1
  }

  bind(addresses: readonly ListenAddress[]): void {
    for (const address of addresses) this.#addresses.open(address)
  }

  /**
   * Binds again what an earlier supervisor had bound. `occupied`: its workers live, so what could not be passed on is
   * bound beside them.
   */
  inherit(
    addresses: readonly RememberedAddress[],
    inherited: readonly { key: string; slot: number; socket: AnySocket }[],
    occupied: boolean,
  ): void {
    for (const remembered of addresses) {
      const key = addressKey(remembered.address)
      const sockets = inherited.filter((one) => one.key === key)
      const bySlot = new Map(sockets.map(({ slot, socket }) => [slot, socket]))
      this.#addresses.inherit(remembered, bySlot, occupied)
      for (const { slot } of sockets) this.used.add(key, slot)
    }
  }

  /** Until it says otherwise, a worker of an earlier supervisor serves its slot's queue of every address. */
  assume(id: number): void {
    const slot = this.#workers.get(id)?.slot
    for (const { key, slot: used } of this.used.all) {
      const queues = this.#addresses.get(key)?.queues ?? 1
      if (slot !== undefined && slot % queues === used) this.#adoption.listens(id, key)
    }
  }

  /** A worker of an earlier supervisor says what it serves. */
  back(id: number, { listening, adopted }: BackMessage): void {
    for (const key of this.keys) {
      if (listening.includes(key)) this.#adoption.listens(id, key)
      else this.left(id, key)
    }
    for (const { key, slot } of adopted) this.#adoption.adopts(id, key, slot)
  }

  adoptOrphans(): void {
    for (const { key, slot } of this.used.all) this.#adoption.orphan(key, slot)
  }

  /** Whether another worker can be sent the connections of this one. */
  hasHeir(id: number): boolean {
    return this.keys.some((key) => this.passages.heirs(key, id).length > 0)
  }

  /** What a worker of the slot is born with. */
  socketsOf(slot: number): ReadonlyMap<string, AnySocket> {
    return this.#addresses.socketsOf(slot)
  }

  /** Answers a worker that wants to listen where it was born without a socket; the refusal, if it is refused. */
  give(id: number, request: number, address: ListenAddress): BroodError | undefined {
    const worker = this.#workers.get(id)
    if (worker === undefined) return undefined
    try {
      const sockets = this.#addresses.want(address)
      const listener = sockets.socketOf(worker.slot)
      const balanced = this.#isBalanced(sockets.key) ? { balanced: true as const } : {}
      // It may have datagrams already, so somebody has to answer for it from now on, also if this worker dies right away.
      if (address.kind === 'udp') this.#owns(id, sockets)
      worker.process.sendListener({ type: 'listen', request, key: sockets.key, ...balanced }, listener)
      return undefined
    } catch (error) {
      const refusal = asRefusal(error)
      worker.process.send({ type: 'refused', request, code: listenCode(refusal), message: refusal.message })
      return refusal
    }
  }

  /** A worker accepts on its own slot's socket of an address. */
  listening(id: number, key: string, { speaksHttp, backlog }: Heard = {}): void {
    const worker = this.#workers.get(id)
    const sockets = this.#addresses.use(key, speaksHttp)
    if (worker === undefined || sockets === undefined) return
    if (backlog !== undefined) this.used.backlog(key, backlog)
    this.#owns(id, sockets)
    // All of those that somebody else has opened hold connections from the start, whoever accepts from them.
    const all = Array.from({ length: sockets.queues }, (_, slot) => slot)
    for (const slot of sockets.lasting ? all : [worker.slot % sockets.queues]) {
      this.used.add(key, slot)
      this.#events.opened(key, slot, sockets.socketOf(slot))
    }
    if (this.#isBalanced(key)) this.#balanced?.listening(id, key, backlog)
  }

  /**
   * Whether a worker that listens there is ready. Next to a server of connections UDP is a sideline: its bind says nothing about
   * the requests that are to be answered.
   */
  makesReady(key: string): boolean {
    return !isUdpKey(key) || this.used.keys.every(isUdpKey)
  }

  /** The queue of the worker's slot holds something, or may, and the worker takes it. */
  #owns(id: number, { key, queues }: AddressSockets): void {
    const worker = this.#workers.get(id)
    if (worker === undefined) return
    this.used.add(key, worker.slot % queues)
    this.#adoption.listens(id, key)
  }

  /** A worker accepts no longer, on one address or on all: others take over what it served. */
  left(id: number, key?: string): void {
    this.#balanced?.left(id, key)
    if (key === undefined) this.passages.left(id)
    this.#adoption.left(id, key)
  }

  /** A worker did not take in a queue it was told to. */
  unable(id: number): void {
    this.#adoption.unable(id)
  }

  /** Only a new worker can take what waits somewhere: no other has the socket, nor can be sent it. */
  get isStuck(): boolean {
    return this.#adoption.isStuck
  }

  /** A worker's loop does not turn just now: siblings accept from its queues. */
  blocked(id: number): void {
    this.#balanced?.suspend(id, true)
    this.#adoption.blocked(id)
  }

  /** It turns again. */
  awake(id: number): void {
    this.#balanced?.suspend(id, false)
    this.#adoption.awake(id)
  }

  /** A worker has sent the socket of a balanced address to accept on, or gives a connection back. */
  bare(id: number, type: 'queue' | 'client', key: string, handle: BareHandle): void {
    if (this.#balanced === undefined || !this.#isBalanced(key)) handle.close()
    else this.#balanced.bare(id, type, key, handle)
  }

  /** A worker tells how many connections it has. */
  load(id: number, open: number, taken: number): void {
    this.#balanced?.load(id, open, taken)
  }

  /** Nobody is there to accept, nor will be: clients are to be refused. */
  release(): void {
    this.#balanced?.close()
    this.#addresses.release()
    this.#adoption.forget()
    this.used.clear()
  }

  /** Binds again what was given back; throws when somebody else has it now. */
  reopen(): void {
    this.#addresses.reopen()
  }

  close(): void {
    this.#balanced?.close()
    this.#addresses.close()
  }
}
