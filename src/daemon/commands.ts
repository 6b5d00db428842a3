// What can be done with apps, by whoever asks: each command told in the history, and each app's failure with its app.
import { existsSync } from 'node:fs'
import type { AppSpec } from '../config/app-spec.ts'
import { insteadOf } from '../config/share-mode.ts'
import { BroodError } from '../kernel/errors.ts'
import type { AppReport } from '../supervisor/report.ts'
import { startOrder } from '../supervisor/start-order.ts'
import { type Apps, asItWas, bindPort, type Entry, end } from './apps.ts'
import { Changes } from './changes.ts'
import type { Chronicle } from './chronicle.ts'
import type { Companions } from './companions.ts'
import type { AppDetail, AppResult } from './control/contract.ts'
import { assertOnItsOwn, frontOf } from './front/front.ts'
import { Fronts } from './front/fronts.ts'
import type { Memory } from './memory.ts'

export class Commands {
  readonly #apps: Apps
  readonly #chronicle: Chronicle
  readonly #companions: Companions
  readonly #memory: Memory
  readonly #changes: Changes
  readonly #fronts: Fronts
  #isOver = false

  constructor(apps: Apps, chronicle: Chronicle, companions: Companions, memory: Memory) {
    this.#apps = apps
    this.#chronicle = chronicle
    this.#companions = companions
    this.#memory = memory
    this.#changes = new Changes(apps, companions, memory)
    this.#fronts = new Fronts(apps, this.#changes, (spec) => this.#start(spec))
  }

  /** What is begun from now on would end with the supervisor, and nobody would remember it. */
  end(): void {
    this.#isOver = true
  }

  async start(spec: AppSpec): Promise<AppDetail> {
    this.assertStays()
    assertOnItsOwn(spec, 'start')
    const front = frontOf(spec)
    if (front !== undefined) this.#assertNew(front.name)
    else this.#fronts.forget(spec.name)
    const detail = await this.#start(spec)
    if (front === undefined) return detail
    try {
      await this.#start(front)
    } catch (error) {
      await this.#remove(spec.name)
      throw error
    }
    return this.#apps.detail(spec.name)
  }

  async #start(spec: AppSpec): Promise<AppDetail> {
    this.#assertNew(spec.name)
    if (!existsSync(spec.script)) {
      throw new BroodError('script_not_found', `there is no script ${spec.script}: check the path`)
    }
    this.#assertNoCircle(spec)
    const before = this.#apps.find(spec.name)
    const entry = this.#apps.add(spec)
    this.#chronicle.asked(spec.name, 'start', 'command start')
    const reason = insteadOf(spec.share)
    if (reason !== undefined) this.#chronicle.note({ type: 'warning', app: spec.name, reason })
    this.#memory.starting.add(entry)
    try {
      before?.dismiss()
      before?.waiting?.abort() // or it would come up beside this one, unseen
      before?.app.close()
      await this.#companions.awaitDependencies(entry, spec.ready.timeout)
      bindPort(entry)
      this.#memory.save() // a disk that is full must be known before anything runs
      await entry.app.commands.start(true)
      this.#memory.starting.delete(entry)
      this.#memory.unrestored.delete(spec.name)
      await this.#companions.attend(entry)
      this.#memory.save()
      return await this.#apps.detail(spec.name)
    } catch (error) {
      this.#memory.starting.delete(entry)
      // Nothing is left half-started.
      await entry.app.commands.stop()
      entry.app.close()
      this.#apps.remove(entry, before) // the stopped app whose name it wanted to take
      this.#memory.save()
      throw error
    }
  }

  reload(target: string): Promise<AppResult[]> {
    this.assertStays()
    return this.#each(target, 'reload', async (entry, slot) => {
      await asItWas(entry)
      entry.app.commands.assertFree() // or a change of files that waits for its turn would be lost for nothing
      await this.#companions.attend(entry)
      return entry.app.commands.reload(slot === undefined ? undefined : [slot])
    })
  }

  restart(target: string): Promise<AppResult[]> {
    this.assertStays()
    return this.#each(whole(target, 'restart'), 'restart', async (entry) => {
      await asItWas(entry)
      entry.app.commands.assertFree()
      await this.#companions.attend(entry)
      return entry.app.commands.restart()
    })
  }

  /** All: those that depend on others first. */
  stop(target: string): Promise<AppResult[]> {
    return this.#eachInReverse(whole(target, 'stop'), 'stop', async (entry) => {
      entry.dismiss()
      entry.waiting?.abort()
      await entry.app.commands.stop()
    })
  }

  /** Nothing is left of an app that has come up, and yet cannot be served. */
  async #remove(name: string): Promise<void> {
    const entry = this.#apps.get(name)
    await end(entry)
    this.#apps.remove(entry)
    this.#memory.save()
  }

  delete(target: string): Promise<AppResult[]> {
    if (target === 'all') this.#memory.unrestored.clear()
    else if (this.#apps.find(target) === undefined && this.#memory.unrestored.delete(target)) {
      this.#memory.trySave()
      return Promise.resolve([{ app: target, report: this.#reportOf(target) }])
    }
    return this.#eachInReverse(whole(target, 'delete'), 'delete', async (entry) => {
      await end(entry)
      this.#apps.remove(entry)
    })
  }

  async scale(name: string, change: string): Promise<AppReport> {
    this.assertStays()
    const entry = this.#apps.get(name)
    this.#changes.assertFree(name)
    const { app, spec } = entry
    const size = /^[+-]/.test(change) ? app.state.size + Number(change) : Number(change)
    if (size < 1)
      throw new BroodError(
        'usage',
        `'${name}' cannot have ${size} workers: 1 is the least, 'brood stop' ends all`,
      )
    if (size > spec.maxWorkers) {
      throw new BroodError(
        'usage',
        `'${name}' can have at most ${spec.maxWorkers} workers: delete it and start it with --max-workers ${size}`,
      )
    }
    this.#chronicle.asked(name, `scale to ${size}`, 'command scale')
    await asItWas(entry)
    try {
      await app.commands.scale(size)
    } catch (error) {
      this.#memory.trySave() // as many as there are now are to be, also for a next supervisor
      throw error
    }
    this.#memory.save()
    return this.#apps.report(entry)
  }

  /** How many workers were reached. */
  signal(target: string, signal: NodeJS.Signals): number {
    const targets = this.#apps.select(target)
    return targets.reduce((sum, { entry, slot }) => sum + entry.app.signal(signal, slot), 0)
  }

  /** Gives an app another description, by the way that its changes take. */
  async update(spec: AppSpec, how: 'live' | 'reload' | 'restart'): Promise<AppResult> {
    this.assertStays()
    const entry = this.#apps.get(spec.name)
    this.#changes.assertFree(spec.name)
    this.#assertNoCircle(spec)
    return this.#result(spec.name, async () => {
      this.#chronicle.asked(spec.name, `change (${how})`, 'command apply')
      await this.#fronts.around(spec, () =>
        how === 'restart' ? this.#changes.byRestart(spec) : this.#changes.gently(entry, spec, how),
      )
      this.#chronicle.note({ type: 'applied', app: spec.name })
    })
  }

  /** Back to the description before the latest. */
  async rollback(name: string): Promise<AppResult> {
    this.assertStays()
    const entry = this.#apps.get(name)
    this.#changes.assertFree(name)
    const { previous } = entry
    if (previous === undefined) {
      throw new BroodError('usage', `'${name}' has had no other description than the one it has`)
    }
    const { differencesOf } = await import('../config/spec-difference.ts')
    const ways = differencesOf(entry.spec, previous.spec).map(({ takes }) => takes)
    return this.#result(name, async () => {
      this.#chronicle.asked(name, 'roll back', 'command rollback')
      await this.#fronts.around(previous.spec, () =>
        ways.includes('restart')
          ? this.#changes.byRestart(previous.spec)
          : this.#changes.gently(entry, previous.spec, 'reload'),
      )
      this.#chronicle.note({ type: 'rolled-back', app: name })
    })
  }

  /** Does something to every app a target names; with `all` or one app alike, each failure is told with its app. */
  async #each(
    target: string,
    command: string,
    act: (entry: Entry, slot: number | undefined) => Promise<void>,
  ): Promise<AppResult[]> {
    const results = await Promise.all(
      this.#apps.select(target).map(({ entry, slot }) => {
        const { name } = entry.spec
        return this.#result(name, () => {
          this.#changes.assertFree(name)
          this.#memory.wanted.delete(name)
          const what = slot === undefined ? command : `${command} of slot ${slot}`
          this.#chronicle.asked(name, what, `command ${command}`)
          return act(entry, slot)
        })
      }),
    )
    this.#memory.trySave() // it is done; what cannot be written now is written with the next change
    return results
  }

  /** Like `#each`, those that depend on others before them. */
  async #eachInReverse(
    target: string,
    command: 'stop' | 'delete',
    act: (entry: Entry) => Promise<void>,
  ): Promise<AppResult[]> {
    const results: AppResult[] = []
    const named = this.#apps.select(target).map(({ entry }) => entry)
    if (target !== 'all') for (const { spec } of named) assertOnItsOwn(spec, command)
    const fronts = named.flatMap(({ spec }) => this.#fronts.of(spec.name) ?? [])
    await inReverse([...new Set([...named, ...fronts])], async (entry) => {
      const { name } = entry.spec
      this.#changes.callOff(name, command)
      this.#memory.wanted.delete(name)
      this.#chronicle.asked(name, command, `command ${command}`)
      results.push(await this.#result(name, () => act(entry)))
    })
    this.#memory.trySave()
    return results
  }

  async #result(app: string, act: () => Promise<void>): Promise<AppResult> {
    try {
      await act()
      return { app, report: this.#reportOf(app) }
    } catch (error) {
      if (!(error instanceof BroodError)) throw error
      return { app, error: { code: error.code, message: error.message, detail: error.detail } }
    }
  }

  /** Of one that was deleted, nothing more than its name. */
  #reportOf(name: string): AppReport {
    const entry = this.#apps.find(name)
    if (entry !== undefined) return this.#apps.report(entry)
    return { name, script: '', status: 'stopped', size: 0, addresses: [], workers: [] }
  }

  assertStays(): void {
    if (this.#isOver)
      throw new BroodError('busy', 'the supervisor is about to end: try again when it is gone')
  }

  /** A name is free when nobody has it, or when its app was stopped: then the new one takes its place. */
  #assertNew(name: string): void {
    this.#changes.assertFree(name)
    const entry = this.#apps.find(name)
    if (entry === undefined) return
    if (this.#memory.starting.has(entry)) {
      throw new BroodError(
        'app_exists',
        `'${name}' is just being started: wait for it, or give it up with 'brood stop ${name}'`,
      )
    }
    const { wanted, workers } = entry.app.state
    if (wanted === 'stopped' && workers.size === 0) return
    throw new BroodError(
      'app_exists',
      `'${name}' is running: 'brood reload ${name}' replaces its workers, --name starts another`,
    )
  }

  /** Throws when apps would wait for each other. */
  #assertNoCircle(spec: AppSpec): void {
    startOrder([...this.#apps.specs.filter(({ name }) => name !== spec.name), spec])
  }
}

/** Those that depend on others before them. */
export async function inReverse(
  entries: readonly Entry[],
  act: (entry: Entry) => Promise<void>,
): Promise<void> {
  for (const wave of startOrder(entries.map(({ spec }) => spec)).reverse()) {
    await Promise.all(entries.filter(({ spec }) => wave.includes(spec.name)).map(act))
  }
}

/** For what concerns an app as a whole. */
function whole(target: string, command: string): string {
  if (!target.includes('/')) return target
  const [name] = target.split('/')
  throw new BroodError(
    'usage',
    `${command} takes a whole app: use ${name}, or 'brood reload ${target}' for one slot`,
  )
}
