// What can happen in the simulated world, as random values for fast-check.
import fc from 'fast-check'
import type { Event, Policy } from '../../../src/supervisor/state.ts'
import type { World } from './world.ts'

/** `pick` chooses among the processes alive; `stray` events come late, twice, or about nobody. */
export type Deed =
  | { do: 'command'; event: Event }
  | {
      do: 'process'
      pick: number
      what: 'ready' | 'drained' | 'fault' | 'blocked' | 'renew' | 'end' | 'crash' | 'kill'
    }
  | { do: 'obey'; pick: number }
  | { do: 'stray'; event: Event }
  | { do: 'policy'; change: Partial<Policy> }
  | { do: 'wait'; most: number }
  | { do: 'next deadline' }

export function happen(world: World, deed: Deed): void {
  switch (deed.do) {
    case 'command':
      world.take(withinSize(deed.event, world.state.size))
      return
    case 'policy':
      world.take({ type: 'policy', policy: { ...world.state.policy, ...deed.change } })
      return
    case 'stray':
      world.take(deed.event)
      return
    case 'wait':
      // Before time passes, the kernel has done what was asked of it.
      world.reapKilled()
      return world.pass(deed.most)
    case 'next deadline':
      world.reapKilled()
      return world.pass(Infinity)
    case 'obey': {
      const leaving = [...world.processes].filter(([, { signalled, killed }]) => signalled || killed)
      const [worker] = leaving[deed.pick % leaving.length] ?? []
      if (worker !== undefined) world.exit(worker, deed.pick % 2 === 0 ? 'end' : 'crash')
      return
    }
    case 'process': {
      const worker = [...world.processes.keys()][deed.pick % world.processes.size]
      if (worker !== undefined) processDoes(world, worker, deed.what)
    }
  }
}

function processDoes(world: World, worker: number, what: (Deed & { do: 'process' })['what']): void {
  switch (what) {
    case 'ready':
      world.report(worker)
      return
    case 'drained':
      world.take({ type: what, worker })
      return
    case 'fault':
    case 'blocked':
    case 'renew':
      world.take({ type: what, worker, reason: 'because' })
      return
    case 'end':
    case 'crash':
    case 'kill':
      world.exit(worker, what)
  }
}

/** The control API lets only slots through that the app has. */
function withinSize(event: Event, size: number): Event {
  if (event.type !== 'reload' || event.slots === undefined) return event
  return { ...event, slots: event.slots.filter((slot) => slot < size) }
}

const ages = fc.constantFrom(
  { age: Infinity, jitter: 0 },
  { age: Infinity, jitter: 0.1 },
  { age: 2000, jitter: 0.2 },
)

export const policies: fc.Arbitrary<Policy> = fc.record({
  restart: fc.constantFrom('permanent', 'permanent', 'transient', 'temporary'),
  intensity: fc.nat(4),
  period: fc.constantFrom(0, 500, 2000),
  backoff: fc.constantFrom(
    { from: 100, to: 400, jitter: 0 },
    { from: 0, to: 0, jitter: 0 },
    { from: 300, to: 1000, jitter: 0.5 },
  ),
  stopExitCodes: fc.constantFrom([], [], [1]),
  parallel: fc.integer({ min: 1, max: 3 }),
  canary: fc.constantFrom(0, 100, 600),
  maxAge: ages,
  readyTimeout: fc.constantFrom(0, 300, 1000),
  settle: fc.constantFrom(0, 50, 250),
  grace: fc.constantFrom(0, 100, 1000),
})

export const sizes = fc.integer({ min: 0, max: 3 })

const commands: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ type: fc.constant('start'), fresh: fc.boolean() }),
  fc.constant({ type: 'stop' } as const),
  fc.constant({ type: 'restart' } as const),
  fc.constant({ type: 'reload' } as const),
  fc.constant({ type: 'reload' } as const),
  fc.record({ type: fc.constant('reload'), slots: fc.array(fc.nat(2), { maxLength: 3 }) }),
  fc.record({
    type: fc.constant('reload'),
    release: fc.integer({ min: 1, max: 5 }),
    rollback: fc.boolean(),
  }),
  fc.record({ type: fc.constant('restart'), release: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ type: fc.constant('scale'), size: sizes }),
)

const anybody = fc.integer({ min: -1, max: 12 })

const strays: fc.Arbitrary<Event> = fc.oneof(
  fc.constant({ type: 'tick' } as const),
  fc.record({ type: fc.constantFrom('ready', 'drained'), worker: anybody }),
  fc.record({
    type: fc.constantFrom('fault', 'blocked', 'renew'),
    worker: anybody,
    reason: fc.constant('stray'),
  }),
  fc.record({
    type: fc.constant('returned'),
    worker: anybody,
    phase: fc.constantFrom('starting', 'ready', 'draining', 'drained'),
  }),
)

export const deeds: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('command'), event: commands }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('process'), pick: fc.nat(5), what: fc.constant('ready') }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('process'),
      pick: fc.nat(5),
      what: fc.constantFrom('drained', 'fault', 'blocked', 'renew', 'renew', 'end', 'crash', 'crash', 'kill'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('policy'), change: fc.record({ maxAge: ages }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('obey'), pick: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stray'), event: strays }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait'), most: fc.integer({ min: 0, max: 600 }) }) },
  { weight: 3, arbitrary: fc.constant({ do: 'next deadline' } as const) },
)
