// What the driver's faults act on: a brood with two apps, one of them under load, and what is to be true of them at rest.
import assert from 'node:assert/strict'
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { AppReport } from '../../../src/supervisor/report.ts'
import { Brood, pidsOf, portOf, program } from '../../support/brood.ts'
import { startLoad } from '../../support/load/index.ts'
import { seededRandom } from '../../support/load/random.ts'
import { type Disk, smallDisk } from '../../support/small-disk.ts'
import { Supervision } from '../../support/supervision.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { answeredMore } from '../figures.ts'

/** How many connections the load holds at most, and so how many requests a killed worker can take with it. */
export const connections = 22

const kinds = {
  keepAliveBusy: { clients: 8, pause: 10 },
  keepAliveIdle: { clients: 8, idleFrom: 20, idleTo: 400 },
  short: { clients: 4, pause: 5 },
  upload: { clients: 1 },
  stream: { clients: 1 },
} as const

export class Arena {
  readonly brood: Brood
  readonly supervision: Supervision
  readonly random: () => number
  readonly signal: AbortSignal
  readonly load: ReturnType<typeof startLoad>
  /** Undefined where none can be mounted. */
  readonly disk: Disk | undefined
  readonly port: number
  /** How many workers an app has at rest. */
  readonly sizes: Map<string, number>
  readonly #script: string

  private constructor(options: {
    brood: Brood
    supervision: Supervision
    random: () => number
    signal: AbortSignal
    disk: Disk | undefined
    script: string
    port: number
    seed: number
  }) {
    const { port, seed, signal } = options
    this.brood = options.brood
    this.supervision = options.supervision
    this.random = options.random
    this.signal = signal
    this.disk = options.disk
    this.port = port
    this.#script = options.script
    this.sizes = new Map([
      ['web', 3],
      ['side', 2],
    ])
    this.load = startLoad({ port, seed, signal, kinds })
  }

  static async create(t: TestContext, seed: number): Promise<Arena> {
    const small = smallDisk(t, '16m')
    const brood = small?.brood ?? Brood.create(t)
    const script = join(temporaryFolder(t), 'server.mjs')
    copyFileSync(program('http.js'), script)
    // No intensity: a driver kills more often than any program crashes.
    const { port } = await brood.start(script, '--name', 'web', '-w', '3', '--intensity', '1000000')
    const supervision = new Supervision(brood)
    const random = seededRandom(seed)
    const { disk } = small ?? {}
    const arena = new Arena({ brood, supervision, random, signal: t.signal, disk, script, port, seed })
    await arena.startSide()
    await arena.load.until(answeredMore(arena.load.report, 50))
    return arena
  }

  async startSide(): Promise<void> {
    const flags = { name: 'side', workers: '2', env: ['PORT=0'], intensity: '1000000' }
    await this.supervision.start(program('http.js'), flags)
    this.sizes.set('side', 2)
  }

  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number {
    return from + Math.floor(this.random() * (to - from + 1))
  }

  pick<T>(all: readonly T[]): T {
    const picked = all[Math.floor(this.random() * all.length)]
    assert.ok(picked !== undefined, 'there is nothing to pick from')
    return picked
  }

  /** Some of them, in a random order. */
  some<T>(all: readonly T[], count: number): T[] {
    const left = [...all]
    const taken: T[] = []
    while (taken.length < count && left.length > 0) {
      const one = this.pick(left)
      left.splice(left.indexOf(one), 1)
      taken.push(one)
    }
    return taken
  }

  /** The pids of the app under load. */
  async workers(): Promise<number[]> {
    return pidsOf(await this.web())
  }

  async web(): Promise<AppReport | undefined> {
    return (await this.supervision.list()).find(({ name }) => name === 'web')
  }

  async sidePort(): Promise<number | undefined> {
    const side = (await this.supervision.list()).find(({ name }) => name === 'side')
    return side === undefined || side.status === 'stopped' ? undefined : portOf(side)
  }

  /** What the next workers of `web` are to run, until `restoreRelease`. */
  breakRelease(source: string): void {
    writeFileSync(this.#script, source)
  }

  restoreRelease(): void {
    copyFileSync(program('http.js'), this.#script)
  }
}
