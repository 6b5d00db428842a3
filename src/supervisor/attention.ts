// Looks after the workers of one app beyond what each needs by itself: when to begin, canaries among the others, blocked ones.
import type { Clock, Millis } from '../kernel/clock.ts'
import { formatDuration } from '../kernel/duration.ts'
import type { AppEvents } from './app-events.ts'
import type { AppSettings } from './app-settings.ts'
import { captureStack } from './blocked-stack.ts'
import { CanaryWatch } from './canary.ts'
import type { Member } from './crew.ts'
import type { AppState, Event, Notice } from './state.ts'

/** Why a worker of a balanced app is renewed after another supervisor. */
const orphaned = 'only the supervisor that started it could send it connections'

/** Why one worker is, when connections wait on a socket that all who are left lack. */
const lacking = 'only a worker of this supervisor can be given a socket on which connections wait'

/** After these a worker may be there that is to be renewed for one of these, still or again. */
const leavesOrphans: ReadonlySet<Notice['type']> = new Set([
  'worker-returned',
  'worker-ready',
  'renewal-failed',
  'reload-aborted',
])

/** How long a blocked worker may take to say where it is. */
const stackWithin: Millis = 2000

export interface AttentionEvents {
  settings(): AppSettings
  state(): AppState
  take(event: Event): void
  /** Connections wait, and no worker can take them. */
  isStuck(): boolean
  readonly blocked: AppEvents['blocked']
}

export class Attention {
  readonly #members: ReadonlyMap<number, Member>
  readonly #clock: Clock
  readonly #events: AttentionEvents
  #canary: CanaryWatch | undefined

  /** `members` is read whenever one is looked for; it stays the caller's. */
  constructor(members: ReadonlyMap<number, Member>, clock: Clock, events: AttentionEvents) {
    this.#members = members
    this.#clock = clock
    this.#events = events
  }

  notice(notice: Notice): void {
    if (notice.type === 'worker-ready') this.#trust(notice.worker)
    if (notice.type === 'worker-returned') this.#welcome(notice.worker)
    if (!leavesOrphans.has(notice.type)) return
    if (this.#events.settings().share === 'balanced') this.#renewOrphans()
    else if (this.#events.isStuck()) this.relieve()
  }

  /** First its stack, while the loop still stands where it is. */
  async blocked(member: Member, silent: Millis): Promise<void> {
    const { id, slot, pid } = member
    const reason = `did not turn its event loop for ${formatDuration(silent)}`
    const stack =
      pid === undefined ? { none: 'it has no pid' } : await captureStack({ pid, within: stackWithin })
    const lines = 'frames' in stack ? stack.frames : [`no stack: ${stack.none}`]
    member.blockedAt = lines.join('\n')
    this.#events.blocked(slot, pid, reason, lines)
    this.#events.take({ type: 'blocked', worker: id, reason })
  }

  #trust(id: number): void {
    const member = this.#members.get(id)
    member?.process.send({ type: 'trusted' })
    member?.guard.trusted()
    this.#watchCanary(id)
  }

  /** A worker of an earlier supervisor is looked after from where it is. */
  #welcome(id: number): void {
    const guard = this.#members.get(id)?.guard
    const at = this.#events.state().workers.get(id)?.at
    if (at === 'ready') guard?.trusted()
    else if (at === 'starting') guard?.begun()
  }

  /** A balanced app's workers can be sent connections by their parent alone; those of an earlier supervisor have none. */
  #renewOrphans(): void {
    for (const { id, process } of [...this.#members.values()])
      if (!process.takesSockets) this.#events.take({ type: 'renew', worker: id, reason: orphaned })
  }

  /** A new worker will take what waits. */
  relieve(): void {
    const { workers } = this.#events.state()
    const returned = [...this.#members.values()].find(
      ({ id, process }) => !process.takesSockets && workers.get(id)?.at === 'ready',
    )
    if (returned !== undefined) this.#events.take({ type: 'renew', worker: returned.id, reason: lacking })
  }

  #watchCanary(id: number): void {
    const { operation } = this.#events.state()
    const { canaryErrors } = this.#events.settings().care
    const isCanary = operation.type === 'reload' && operation.canary
    const canary = this.#members.get(id)?.guard
    this.#canary?.close()
    if (!isCanary || canaryErrors === undefined || canary === undefined) return
    const others = [...this.#members.values()].filter((one) => one.id !== id).map(({ guard }) => guard)
    this.#canary = new CanaryWatch(canary, others, canaryErrors, this.#clock, (reason) =>
      this.#events.take({ type: 'fault', worker: id, reason }),
    )
  }
}
