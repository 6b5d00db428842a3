// The lifecycle against random worlds: whatever happens, in whatever order, its promises hold (see support/lifecycle/world.ts).
import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import fc from 'fast-check'
import { isLeaving } from '../../src/supervisor/phases.ts'
import { initialState } from '../../src/supervisor/state.ts'
import { step } from '../../src/supervisor/step.ts'
import { deeds, happen, policies, sizes } from '../support/lifecycle/deeds.ts'
import { World } from '../support/lifecycle/world.ts'

/** How many times as many histories as usual; `BROOD_STEPS=10` makes several million events of them. */
const times = Number(process.env.BROOD_STEPS ?? 1)
const runs = { numRuns: 3000 * times }
const bounded = { timeout: 120_000 * times }

const histories = {
  policy: policies,
  size: sizes,
  /** Workers that an earlier supervisor left: their slots, and whether they were told to go. */
  left: fc.array(fc.record({ slot: fc.nat(3), draining: fc.boolean() }), { maxLength: 4 }),
  before: fc.array(deeds, { maxLength: 60, size: 'max' }),
  /** Which workers leave only when killed, by number. */
  stubborn: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
}

type History = {
  [Key in keyof typeof histories]: (typeof histories)[Key] extends fc.Arbitrary<infer T> ? T : never
}

function live({ policy, size, left, before }: History): World {
  const world = new World(policy, size)
  for (const [index, { slot, draining }] of left.entries()) world.find(index + 1, slot, draining)
  for (const deed of before) happen(world, deed)
  return world
}

const stubbornOf =
  ({ stubborn }: History) =>
  (worker: number): boolean =>
    stubborn[worker % stubborn.length] ?? false

/** A worker that is ready without delay and does not crash can be had only with some time to become ready. */
const fair = (history: History): History => ({
  ...history,
  policy: { ...history.policy, readyTimeout: Math.max(1, history.policy.readyTimeout) },
})

function isLeavingNow(world: World, id: number): boolean {
  const worker = world.state.workers.get(id)
  return worker === undefined || isLeaving(worker)
}

function property(check: (history: History) => void): void {
  fc.assert(
    fc.property(fc.record(histories), (history) => check(fair(history))),
    runs,
  )
}

const began = process.hrtime.bigint()
after(() => {
  const seconds = Number(process.hrtime.bigint() - began) / 1e9
  const each = Math.round(World.events / seconds)
  console.log(`${World.events} events, each held against every rule; ${each} a second`)
})

suite('after any history, once the world behaves', () => {
  test('every operation ends, and each wanted slot is ready, done or given up', bounded, () => {
    property((history) => {
      const world = live(history)
      world.behave(stubbornOf(history))
      const { operation, wanted, size, slots, workers } = world.state
      assert.equal(operation.type, 'none')
      if (wanted === 'stopped') {
        assert.equal(workers.size, 0)
        return
      }
      for (let slot = 0; slot < size; slot++) {
        const here = [...workers.values()].filter((worker) => worker.slot === slot).map(({ at }) => at)
        assert.deepEqual(
          here,
          slots[slot]?.at === 'active' ? ['ready'] : [],
          `slot ${slot} is ${slots[slot]?.at}`,
        )
      }
    })
  })

  test('a stop leaves nobody', bounded, () => {
    property((history) => {
      const world = live(history)
      const before = world.notices.length
      world.take({ type: 'stop' })
      world.behave(stubbornOf(history))
      assert.equal(world.notices.slice(before).filter(({ type }) => type === 'stopped').length, 1)
      assert.equal(world.processes.size, 0)
      assert.equal(world.state.workers.size, 0)
      assert.deepEqual([world.state.wanted, world.state.operation.type], ['stopped', 'none'])
    })
  })

  const revivals = [
    { type: 'start', fresh: false },
    { type: 'start', fresh: true },
    { type: 'restart' },
    { type: 'reload' },
  ] as const
  for (const command of revivals) {
    const words = command.type === 'start' && command.fresh ? 'fresh start' : command.type
    test(`a ${words} brings every slot to ready, whatever had become of it`, bounded, () => {
      property((history) => {
        const world = live(history)
        world.behave(stubbornOf(history))
        const before = world.notices.length
        world.take(command)
        world.behave(stubbornOf(history))
        const ends = world.notices
          .slice(before)
          .filter(({ type }) => type === 'started' || type === 'reloaded')
        assert.equal(ends.length, 1)
        const workers = [...world.state.workers.values()]
        assert.deepEqual(
          workers.map(({ slot }) => slot).sort(),
          Array.from({ length: world.state.size }, (_, i) => i),
        )
        assert.ok(workers.every(({ at }) => at === 'ready'))
        assert.equal(world.state.operation.type, 'none')
      })
    })
  }
})

suite('a release that fails', () => {
  /** What can happen in the meantime, commands apart. */
  const meantime = fc.array(
    deeds.filter((deed) => deed.do !== 'command' && deed.do !== 'stray'),
    { maxLength: 25 },
  )
  const failing = 99

  test('has no slot left once it is taken back, unless taking back fails as well', bounded, () => {
    let takenBack = 0
    fc.assert(
      fc.property(fc.record(histories), meantime, (history, events) => {
        const world = live(fair(history))
        world.take({ type: 'stop' })
        world.behave(() => false)
        world.take({ type: 'start', fresh: false })
        world.behave(() => false)
        const trusted = world.state.release
        const before = world.notices.length
        world.take({ type: 'reload', release: failing, rollback: true })
        for (const deed of events) happen(world, deed)
        const { operation } = world.state
        const next =
          operation.type === 'reload' && operation.why === 'command' ? operation.current[0] : undefined
        if (next !== undefined && !isLeavingNow(world, next.next)) world.exit(next.next, 'crash')
        world.behave(stubbornOf(history))
        const notices = world.notices.slice(before)
        if (!notices.some(({ type }) => type === 'reload-aborted')) return
        if (notices.some((notice) => notice.type === 'rolled-back' && notice.failed !== undefined)) return
        takenBack++
        const { workers, slots, release } = world.state
        const left = [...workers.values(), ...slots].map((one) => one.release)
        assert.deepEqual(
          left.filter((one) => one === failing),
          [],
        )
        assert.equal(release, trusted)
      }),
      runs,
    )
    assert.ok(takenBack > runs.numRuns / 20, `${takenBack} releases were taken back`)
  })
})

suite('in any history', () => {
  test(
    'a reload never leaves a slot with fewer ready workers than it had, if nobody but new workers crashes',
    bounded,
    () => {
      fc.assert(
        fc.property(fc.record(histories), fc.array(fc.boolean(), { maxLength: 4 }), (history, crashes) => {
          const world = new World({ ...fair(history).policy, restart: 'permanent' }, history.size)
          world.take({ type: 'start', fresh: true })
          world.behave(() => false)
          world.take({ type: 'reload' })
          for (const crash of crashes) {
            const { operation } = world.state
            const next = operation.type === 'reload' ? operation.current[0]?.next : undefined
            if (next === undefined) break
            if (!crash) world.take({ type: 'ready', worker: next })
            else world.exit(next, 'crash')
            for (let slot = 0; slot < history.size; slot++) {
              const serving = [...world.state.workers.values()].filter(
                (worker) =>
                  worker.slot === slot &&
                  (worker.at === 'ready' || worker.at === 'settling') &&
                  !isLeaving(worker),
              )
              assert.ok(serving.length >= 1, `slot ${slot} is served`)
            }
            world.pass(Infinity)
          }
        }),
        runs,
      )
    },
  )

  test(
    'late and early ticks, and a clock that stands still, break nothing but the count of restarts',
    bounded,
    () => {
      fc.assert(
        fc.property(fc.record(histories), fc.array(fc.nat(5000)), (history, jumps) => {
          const world = live({ ...history, policy: { ...history.policy, intensity: 1000 } })
          for (const jump of jumps) {
            world.now += jump
            world.take({ type: 'tick' })
            world.reapKilled()
          }
        }),
        runs,
      )
    },
  )

  test('a state that never began understands every event', bounded, () => {
    fc.assert(
      fc.property(policies, sizes, deeds, (policy, size, deed) => {
        if (!('event' in deed)) return
        const { state } = step(initialState(policy, size), deed.event, 0)
        assert.equal(typeof state.nextId, 'number')
      }),
    )
  })
})
