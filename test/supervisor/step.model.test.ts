// The lifecycle against random worlds: whatever happens, in whatever order, its promises hold (see support/lifecycle/world.ts).
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { initialState } from '../../src/supervisor/state.ts'
import { isLeaving, step } from '../../src/supervisor/step.ts'
import { deeds, happen, policies, sizes } from '../support/lifecycle/deeds.ts'
import { World } from '../support/lifecycle/world.ts'

const runs = { numRuns: 3000 }
const bounded = { timeout: 120_000 }

const histories = {
  policy: policies,
  size: sizes,
  before: fc.array(deeds, { maxLength: 60, size: 'max' }),
  /** Which workers leave only when killed, by number. */
  stubborn: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
}

type History = {
  [Key in keyof typeof histories]: (typeof histories)[Key] extends fc.Arbitrary<infer T> ? T : never
}

function live({ policy, size, before }: History): World {
  const world = new World(policy, size)
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

function property(check: (history: History) => void): void {
  fc.assert(
    fc.property(fc.record(histories), (history) => check(fair(history))),
    runs,
  )
}

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
            const next = operation.type === 'reload' ? operation.current?.next : undefined
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
