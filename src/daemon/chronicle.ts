// Keeps the history of what happened to apps, and tells it to their hooks.
import { hostname } from 'node:os'
import type { AppSpec, Hook } from '../config/app-spec.ts'
import { settingsOf } from '../config/settings.ts'
import type { Clock } from '../kernel/clock.ts'
import { formatDuration } from '../kernel/duration.ts'
import { messageOf } from '../kernel/errors.ts'
import type { Notice } from '../supervisor/state.ts'
import type { NewEvent } from './event.ts'
import type { EventHistory } from './event-history.ts'
import type { Home } from './home.ts'
import type { HookEvent, HookPlace } from './hooks/event.ts'
import type { Hooks } from './hooks/hooks.ts'

/** Which hooks a notice concerns. */
const hooksOf: Partial<Record<Notice['type'], Hook['on'][number]>> = {
  'worker-ready': 'ready',
  'slot-failed': 'failed',
  'start-failed': 'failed',
  reloaded: 'reload',
  'reload-aborted': 'reload-aborted',
}

type About = Pick<NewEvent, 'slot' | 'pid' | 'reason'>

export class Chronicle {
  readonly #history: EventHistory
  readonly #home: Home
  readonly #clock: Clock
  readonly #steady: Clock
  readonly #version: string
  #hooks: Promise<Hooks> | undefined

  /** `steady`: a clock that nobody sets, for what waits. */
  constructor(history: EventHistory, home: Home, version: string, clock: Clock, steady: Clock) {
    this.#history = history
    this.#home = home
    this.#clock = clock
    this.#steady = steady
    this.#version = version
  }

  /** Somebody, or something, wants this done to an app. */
  asked(app: string, what: string, cause: string): void {
    this.#history.add({ type: 'asked', app, reason: what, cause })
  }

  note(event: NewEvent): void {
    this.#history.add(event)
  }

  notice(spec: AppSpec, notice: Notice, pid: number | undefined): void {
    if (notice.type === 'refused') return
    const isCrash = notice.type === 'worker-exited' && !notice.expected
    const reason = reasonOf(notice)
    const about: About = {
      ...('slot' in notice ? { slot: notice.slot } : {}),
      ...(pid === undefined ? {} : { pid }),
      ...(reason === undefined ? {} : { reason }),
    }
    this.#history.add({
      type: notice.type,
      app: spec.name,
      ...about,
      ...(isCrash ? { cause: 'crash' } : {}),
    })
    const on = isCrash ? 'crash' : hooksOf[notice.type]
    if (on !== undefined) this.#tell(spec, on, about)
  }

  blocked(spec: AppSpec, about: About, stack: readonly string[]): void {
    this.#history.add({ type: 'worker-blocked', app: spec.name, ...about, detail: stack })
    this.#tell(spec, 'blocked', about)
  }

  /** An app could not be started, or not again. */
  failed(spec: AppSpec, reason: string): void {
    this.#history.add({ type: 'start-failed', app: spec.name, reason })
    this.#tell(spec, 'failed', { reason })
  }

  async close(): Promise<void> {
    const hooks = await this.#hooks?.catch(() => undefined)
    await hooks?.close()
  }

  #tell(spec: AppSpec, on: Hook['on'][number], about: About): void {
    const asked = spec.hooks.filter((hook) => hook.on.includes(on))
    if (asked.length === 0) return
    const event: HookEvent = { on, app: spec.name, ...about, at: this.#clock.now(), host: hostname() }
    let place: HookPlace | undefined
    try {
      place = this.#placeOf(spec)
    } catch (error) {
      for (const hook of asked) if (hook.run !== undefined) this.#failed(hook, event, messageOf(error))
    }
    // As somebody else than its user a command must not run; addresses can be told all the same.
    const told = place === undefined ? asked.filter(({ run }) => run === undefined) : asked
    this.#hooks ??= this.#loadHooks()
    this.#hooks.then(
      (hooks) => hooks.tell(told, event, place ?? { cwd: '/', env: {} }),
      (error) => {
        this.#hooks = undefined // no descriptor was free, say: the next event tries again
        for (const hook of told) this.#failed(hook, event, messageOf(error))
      },
    )
  }

  /** Throws when its user is gone. */
  #placeOf(spec: AppSpec): HookPlace {
    const { cwd, env, identity } = settingsOf(spec, this.#home.path)
    return { cwd, env, ...(identity === undefined ? {} : { uid: identity.uid, gid: identity.gid }) }
  }

  #failed(hook: Hook, { app, on }: HookEvent, why: string): void {
    this.#history.add({ type: 'hook-failed', app, reason: `on ${on}, ${failureOf(hook, why)}` })
  }

  /** When they are first needed: most apps have none, and the supervisor is to stay small. */
  async #loadHooks(): Promise<Hooks> {
    const { Hooks: Loaded } = await import('./hooks/hooks.ts')
    return new Loaded({
      version: this.#version,
      clock: this.#clock,
      steady: this.#steady,
      random: Math.random,
      onFailed: (hook, event, why) => this.#failed(hook, event, why),
    })
  }
}

/** Of a web address the host alone, as its path can be the receiver's secret; where an answer came from there, it says so itself. */
function failureOf({ run, post = '' }: Hook, why: string): string {
  const whom = run ?? new URL(post).origin
  return why.startsWith(whom) ? why : `${whom}: ${why}`
}

function reasonOf(notice: Notice): string | undefined {
  switch (notice.type) {
    case 'worker-backoff':
      return `the next try is in ${formatDuration(notice.delay)}`
    case 'rolled-back':
      return notice.failed
    default:
      return 'reason' in notice ? notice.reason : undefined
  }
}
