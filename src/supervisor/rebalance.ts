// Live rebalancing of one app: round by round, counts the workers' open connections and has idle ones move where there are fewer.
import { isSticky, type Move, planMoves, type Share } from '../balance/index.ts'
import type { Clock, Millis } from '../kernel/clock.ts'
import type { ShareMode } from '../listen/open-address.ts'
import type { AppSettings } from './app-settings.ts'
import { Burst } from './burst.ts'
import type { Passages } from './passages.ts'
import type { AppState } from './state.ts'
import type { WorkerProcess } from './worker-process.ts'

/** Whether it does not matter to a client in which worker its connection is. */
const movable: Readonly<Record<ShareMode, boolean>> = {
  slots: true,
  shared: true,
  balanced: true,
  // These are the proxy's, which counts on each being the slot's that it dialled.
  ports: false,
}

/** Between two rounds. */
const roundEvery: Millis = 1000
/** Who takes longer to say how many connections it has is busy, and gets none. */
const answerWithin: Millis = 500
/** What has not moved after so long will not; the next round begins with what there is then. */
const moveWithin: Millis = 10_000
/** Who had no connection to give is not asked for one for so long. */
const stuckFor: Millis = 30_000
/** A round moves no more than so many from each worker. */
const mostOfEach = 500

export interface Participant {
  readonly id: number
  readonly slot: number
  readonly process: WorkerProcess
}

export interface RebalanceSetup {
  /** Read whenever one is looked for. */
  readonly members: ReadonlyMap<number, Participant>
  readonly passages: Passages
  readonly clock: Clock
  settings(): Pick<AppSettings, 'name' | 'rebalance' | 'share' | 'balance'>
  state(): AppState
  /** The addresses of the app. */
  keys(): readonly string[]
  /** Connections have moved: how many, and what each worker had before and has now. */
  moved(summary: string): void
}

interface Answer {
  readonly open: number
  readonly received: number
}

type Round =
  | { readonly at: 'off' }
  | { readonly at: 'waiting' }
  | { readonly at: 'asking'; readonly answers: Map<number, Answer>; readonly missing: Set<number> }
  | { readonly at: 'moving'; readonly moves: (Move & { left: number })[]; readonly giving: Set<number> }

export class Rebalance {
  readonly #setup: RebalanceSetup
  readonly #burst: Burst
  /** Workers that had nothing to give → until when they are left alone. */
  readonly #stuck = new Map<number, Millis>()
  #round: Round = { at: 'off' }
  /** Tells the answers of one round from late ones of another. */
  #id = 0
  #cancel: () => void = () => {}

  constructor(setup: RebalanceSetup) {
    this.#setup = setup
    this.#burst = new Burst(setup.clock, (summary) => setup.moved(summary))
    setup.passages.route = (from, heirs) => this.#routeOf(from, heirs)
  }

  /** Something has changed: begins where there is something to balance, ends where there is not. */
  follow(): void {
    const isWanted = this.#able().length > 0
    if (isWanted && this.#round.at === 'off') this.#wait()
    if (this.#round.at === 'moving') this.#forgetDead(this.#round.giving)
    if (isWanted || this.#round.at === 'off') return
    this.#cancel()
    this.#round = { at: 'off' }
    this.#burst.end()
  }

  /** A worker has said how many connections it has. */
  counted(worker: number, id: number, answer: Answer): void {
    const round = this.#round
    if (round.at !== 'asking' || id !== this.#id || !round.missing.delete(worker)) return
    round.answers.set(worker, answer)
    if (round.missing.size === 0) this.#plan(round.answers)
  }

  /** A worker has handed on what it could of what it was to. */
  shed(worker: number, id: number, handed: number): void {
    const round = this.#round
    if (id !== this.#id || round.at !== 'moving' || !round.giving.delete(worker)) return
    this.#burst.moved(handed)
    if (handed === 0) this.#stuck.set(worker, this.#setup.clock.now() + stuckFor)
    if (round.giving.size === 0) this.#wait()
  }

  close(): void {
    this.#cancel()
    this.#round = { at: 'off' }
  }

  /** Who is gone will hand on nothing more. */
  #forgetDead(giving: Set<number>): void {
    for (const id of giving) if (!this.#setup.members.has(id)) giving.delete(id)
    if (giving.size === 0) this.#wait()
  }

  /** Those between whom connections can move: not who is new, leaves, or was started by an earlier supervisor. */
  #able(): Participant[] {
    const { rebalance, share, balance } = this.#setup.settings()
    const { wanted, operation, workers } = this.#setup.state()
    if (!rebalance || !movable[share] || (balance !== undefined && isSticky(balance.algorithm))) return []
    if (wanted === 'stopped' || operation.type !== 'none') return []
    return [...this.#setup.members.values()].filter(
      ({ id, process }) => process.takesSockets && workers.get(id)?.at === 'ready',
    )
  }

  #wait(): void {
    this.#next({ at: 'waiting' }, roundEvery, () => this.#ask())
  }

  #ask(): void {
    const asked = this.#able()
    const missing = new Set(asked.map(({ id }) => id))
    const answers = new Map<number, Answer>()
    this.#id++
    this.#next({ at: 'asking', answers, missing }, answerWithin, () => this.#plan(answers))
    for (const { process } of asked) process.send({ type: 'connections', id: this.#id })
  }

  #plan(answers: ReadonlyMap<number, Answer>): void {
    for (const id of this.#stuck.keys()) if (!this.#setup.members.has(id)) this.#stuck.delete(id)
    const shares = this.#able().flatMap((one) => this.#shareOf(one, answers.get(one.id)))
    const { name } = this.#setup.settings()
    this.#burst.seen(shares.map(({ slot, connections }) => ({ worker: `${name}/${slot}`, connections })))
    const moves = planMoves(shares, mostOfEach).map((move) => ({ ...move, left: move.count }))
    if (moves.length === 0) {
      this.#burst.end()
      return this.#wait()
    }
    const giving = new Set(moves.map(({ from }) => from))
    this.#next({ at: 'moving', moves, giving }, moveWithin, () => this.#wait())
    for (const from of giving) {
      const takers = new Set(moves.filter((move) => move.from === from).map(({ to }) => to))
      const count = moves.reduce((sum, move) => sum + (move.from === from ? move.count : 0), 0)
      const keys = this.#setup.keys().filter((key) => this.#heirsOf(key, from).some((id) => takers.has(id)))
      this.#setup.members.get(from)?.process.send({ type: 'shed', id: this.#id, count, keys })
    }
  }

  #heirsOf(key: string, from: number): readonly number[] {
    return this.#setup.passages.heirs(key, from)
  }

  #shareOf({ id, slot }: Participant, answer: Answer | undefined): (Share & { slot: number })[] {
    if (answer === undefined) return []
    const { balance } = this.#setup.settings()
    const { passages, clock } = this.#setup
    // Who cannot be sent anything can neither take nor give.
    if (!this.#setup.keys().some((key) => passages.heirs(key).includes(id))) return []
    const underway = Math.max(0, passages.sentTo(id) - answer.received)
    return [
      {
        ...{ id, slot },
        connections: answer.open + underway,
        weight: balance?.weights[slot] ?? 1,
        gives: clock.now() >= (this.#stuck.get(id) ?? 0),
      },
    ]
  }

  #routeOf(from: number, heirs: readonly number[]): number | undefined {
    if (this.#round.at !== 'moving') return undefined
    const move = this.#round.moves.find((one) => one.from === from && one.left > 0 && heirs.includes(one.to))
    if (move !== undefined) move.left--
    return move?.to
  }

  #next(round: Round, within: Millis, then: () => void): void {
    const { clock } = this.#setup
    this.#cancel()
    this.#round = round
    this.#cancel = clock.at(clock.now() + within, then)
  }
}
