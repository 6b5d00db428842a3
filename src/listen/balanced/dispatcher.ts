// Gives accepted connections to workers: a few under way to each, others behind them, and what is behind a slow one to others.
import { type Balancer, type BalancerName, balancers, isSticky, type Target } from '../../balance/index.ts'
import type { Clock, Millis } from '../../kernel/clock.ts'
import type { Client, Recipient } from './recipient.ts'

export interface DispatcherOptions {
  /** By name, or one of the user's own. */
  readonly algorithm: BalancerName | (() => Balancer)
  readonly clock: Clock
  /**
   * How many may wait behind one that is under way. 0: only who is free is chosen, which spreads less evenly, and spares the
   * chosen one the wait and everybody some processor time.
   */
  readonly behind?: number
  /**
   * How many of those that wait behind are sent together, when what was under way is taken: 1 unless given. In a burst the sender
   * and the worker then wake up once for several connections; one that comes alone goes alone.
   */
  readonly together?: number
  /** Too many connections wait, or no longer: whether to go on accepting. */
  pace?(accept: boolean): void
}

interface Member<One extends Client> {
  readonly recipient: Recipient<One>
  underway: number
  /** When what is under way was sent. */
  since: Millis
  /** It has not picked up a connection for a while, or would not; one with sticky clients lags until few of them wait. */
  lagging: boolean
  /** It would not take a connection and is left in peace for a moment; ends that. */
  endRest: (() => void) | undefined
  /** For this member, behind what is under way. */
  readonly queue: One[]
}

/**
 * So many wait behind one that is under way; a member with more to take is left out until it has caught up. Many, because leaving
 * out those who are not quite so quick makes a burst of connections uneven for as long as they last.
 */
const mostBehind = 128
/** After so long a member is slow: what waits behind is for others. On a busy machine a turn of its loop takes tens of them. */
const lagAfter: Millis = 100
/** One that would not take a connection gets none for so long. */
const restFor: Millis = 100
/**
 * With so many waiting, accepting ends; it begins again when there are as few as this. Sticky clients of one that lags do not
 * count while others keep up, for whom accepting goes on: instead no more than `most` of them wait, and those that come then
 * are for others. To be served by another is better than to wait for one that is about to be replaced.
 */
const waiting = { most: 512, again: 128 }

/** Some of the members; what is known of them, in the same order, where there are several to choose from. */
interface Choice<One extends Client> {
  readonly members: readonly Member<One>[]
  readonly loads: readonly [Target, ...Target[]] | undefined
}

const noChoice = { members: [], loads: undefined }

export class Dispatcher<One extends Client> {
  readonly #balancer: Balancer
  readonly #clock: Clock
  readonly #sticky: boolean
  readonly #needsAddress: boolean
  readonly #pace: (accept: boolean) => void
  readonly #behind: number
  readonly #together: number
  readonly #members = new Map<number, Member<One>>()
  /** Those that can be chosen when nobody is left out, which is nearly always: so nothing is built for each connection. */
  #choice: Choice<One> = noChoice
  /** Connections that found nobody, in order. */
  readonly #unplaced: One[] = []
  /** All that wait, in whatever queue. */
  #waiting = 0
  #paused = false
  #closed = false
  #cancel: (() => void) | undefined

  constructor({ algorithm, clock, behind = mostBehind, together = 1, pace = () => {} }: DispatcherOptions) {
    this.#behind = behind
    this.#together = together
    this.#balancer = typeof algorithm === 'function' ? algorithm() : balancers[algorithm]()
    this.#sticky = typeof algorithm !== 'function' && isSticky(algorithm)
    this.#needsAddress = this.#sticky || typeof algorithm === 'function'
    this.#clock = clock
    this.#pace = pace
  }

  get size(): number {
    return this.#members.size
  }

  has(id: number): boolean {
    return this.#members.has(id)
  }

  add(recipient: Recipient<One>): void {
    this.#members.set(recipient.id, {
      recipient,
      underway: 0,
      since: 0,
      lagging: false,
      endRest: undefined,
      queue: [],
    })
    this.#choose()
    this.#waits(0) // now there may be somebody who keeps up
    this.#place()
  }

  /** What waits for it goes to others; what is under way is settled by its `done`. False when it was no member. */
  remove(id: number): boolean {
    const member = this.#members.get(id)
    if (member === undefined) return false
    this.#members.delete(id)
    member.endRest?.()
    this.#choose()
    this.#placeAgain(member)
    return true
  }

  /** It does not take connections just now, or does again: nothing is sent to it meanwhile. A sticky client waits for its own. */
  suspend(id: number, suspended: boolean): void {
    const member = this.#members.get(id)
    if (member === undefined || this.#sticky) return
    member.lagging = suspended
    if (suspended) this.#placeAgain(member)
    else this.#place()
  }

  dispatch(client: One): void {
    if (this.#closed) return client.close()
    const member = this.#pick(client)
    if (member === undefined) {
      this.#unplaced.push(client)
      this.#waits(1)
    } else this.#give(member, client)
  }

  /** Ends the connections that nobody has taken. */
  close(): void {
    this.#closed = true
    this.#cancel?.()
    for (const client of this.#unplaced.splice(0)) client.close()
    for (const { queue, endRest } of this.#members.values()) {
      endRest?.()
      for (const client of queue.splice(0)) client.close()
    }
    this.#members.clear()
    this.#choose()
  }

  #pick(client: One): Member<One> | undefined {
    const remoteAddress = this.#needsAddress ? peerOf(client) : undefined
    const member = this.#pickOf(this.#able(), remoteAddress)
    if (!this.#sticky || member === undefined || this.#hasRoom(member)) return member
    return this.#pickOf(choiceOf(this.#choice.members.filter((one) => this.#hasRoom(one))), remoteAddress)
  }

  #pickOf({ members, loads }: Choice<One>, remoteAddress: string | undefined): Member<One> | undefined {
    if (loads === undefined) return members[0]
    const picked = this.#balancer.pick(loads, { remoteAddress })
    // An algorithm of the user's own may give back anything; a connection that nobody is picked for would look for ever.
    return members.find((one) => one.recipient.load === picked) ?? members[0]
  }

  #able(): Choice<One> {
    if (this.#sticky) return this.#choice
    for (const member of this.#choice.members) {
      if (!this.#hasRoom(member)) return choiceOf(this.#choice.members.filter((one) => this.#hasRoom(one)))
    }
    return this.#choice
  }

  #isAnybodyAble(): boolean {
    return this.#choice.members.some((member) => this.#hasRoom(member))
  }

  #choose(): void {
    const all = [...this.#members.values()]
    // Of a worker and its replacement, which share a load's id, the replacement.
    const own = new Map(all.map((one) => [one.recipient.load.id, one]))
    this.#choice = choiceOf(this.#sticky ? [...own.values()] : all)
  }

  #hasRoom({ lagging, endRest, underway, queue }: Member<One>): boolean {
    if (this.#sticky) return !lagging || queue.length < waiting.most
    if (endRest !== undefined) return false
    if (this.#behind === 0) return underway === 0
    return !lagging && queue.length < this.#behind
  }

  #give(member: Member<One>, client: One): void {
    member.recipient.load.sending()
    if (member.underway === 0 && member.endRest === undefined) {
      member.since = this.#clock.now()
      return this.#send(member, client)
    }
    member.queue.push(client)
    this.#waits(1)
    this.#watch()
  }

  #send(member: Member<One>, client: One): void {
    const { recipient, since } = member
    member.underway++
    const sent = recipient.send(client, (taken) => {
      member.underway--
      member.lagging = this.#sticky && member.lagging && member.queue.length > waiting.again
      if (taken) recipient.load.pickedUp(this.#clock.now() - since)
      else {
        recipient.load.declined()
        this.#rest(member)
      }
      this.#next(member)
      if (taken) client.close()
      else this.dispatch(client)
    })
    if (sent) return
    recipient.load.declined()
    this.remove(recipient.id)
    this.dispatch(client)
  }

  #next(member: Member<One>): void {
    if (member.underway === 0 && member.endRest === undefined && member.queue.length > 0) {
      member.since = this.#clock.now()
      const clients = member.queue.splice(0, this.#together)
      this.#waits(-clients.length)
      for (const client of clients) this.#send(member, client)
    }
    this.#place()
  }

  /**
   * One that has no descriptor left, say, would be sent the same connection again and again, and both sides would do nothing
   * else. What waits behind it is for others, as behind a slow one.
   */
  #rest(member: Member<One>): void {
    if (this.#closed || member.endRest !== undefined || !this.#members.has(member.recipient.id)) return
    member.endRest = this.#clock.at(this.#clock.now() + restFor, () => {
      member.endRest = undefined
      this.#next(member)
    })
    this.#lags(member)
  }

  /** Connections that found nobody look again. */
  #place(): void {
    while (this.#unplaced.length > 0 && this.#isAnybodyAble()) {
      const client = this.#unplaced.shift()
      if (client === undefined) return
      this.#waits(-1)
      this.dispatch(client)
    }
  }

  #placeAgain({ recipient, queue }: Member<One>): void {
    const clients = queue.splice(0)
    this.#waits(-clients.length)
    for (const client of clients) {
      recipient.load.declined()
      this.dispatch(client)
    }
  }

  /** What waits behind it is for others; sticky clients wait for their own, and no longer keep others from being let in. */
  #lags(member: Member<One>): void {
    if (!this.#sticky) return this.#placeAgain(member)
    member.lagging = true
    this.#waits(0)
  }

  #waits(more: number): void {
    this.#waiting += more
    const count = this.#waiting - this.#notCounted
    const paused = count >= waiting.most || (this.#paused && count > waiting.again)
    if (paused === this.#paused) return
    this.#paused = paused
    this.#pace(!paused)
  }

  /** How many wait for somebody that lags, while others keep up. */
  get #notCounted(): number {
    if (!this.#sticky || this.#choice.members.every((one) => one.lagging)) return 0
    return [...this.#members.values()].reduce((sum, one) => sum + (one.lagging ? one.queue.length : 0), 0)
  }

  /** Looks, as long as connections wait behind others, whether somebody is slow. */
  #watch(): void {
    if (this.#cancel !== undefined) return
    this.#cancel = this.#clock.at(this.#clock.now() + lagAfter, () => {
      this.#cancel = undefined
      const due = this.#clock.now() - lagAfter
      const slow = [...this.#members.values()].filter((one) => one.underway > 0 && one.since <= due)
      for (const member of slow) member.lagging = true
      for (const member of slow) this.#lags(member)
      if ([...this.#members.values()].some(({ queue }) => queue.length > 0)) this.#watch()
    })
  }
}

function peerOf(client: Client): string | undefined {
  const peer: { address?: string } = {}
  client.getpeername?.(peer)
  return peer.address
}

function choiceOf<One extends Client>(members: readonly Member<One>[]): Choice<One> {
  if (members.length < 2) return { members, loads: undefined }
  const [first, ...rest] = members.map(({ recipient }) => recipient.load)
  return { members, loads: first === undefined ? undefined : [first, ...rest] }
}
