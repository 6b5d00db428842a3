// The pulse of an app under a fake clock: it asks while connections come in, and knows who does not answer.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { MainThread } from '../../src/process/main-thread.ts'
import { Pulse } from '../../src/supervisor/pulse.ts'
import { HandClock } from '../support/hand-clock.ts'

const bounded = { timeout: 20_000 }

/** Workers that answer at once unless they are silent; by default they use all the processor they want. */
class Workers {
  readonly clock = new HandClock()
  readonly all = new Set([1, 2, 3])
  readonly silent = new Set<number>()
  readonly said: string[] = []
  readonly main = new Map<number, { state: MainThread['state']; share: number }>()
  pings = 0
  readonly #begun = this.clock.now()
  readonly #unanswered = new Set<number>()
  readonly pulse: Pulse

  constructor() {
    this.pulse = new Pulse({
      clock: this.clock,
      workers: () => [...this.all],
      ping: (worker, id) => {
        this.pings++
        assert.ok(!this.#unanswered.has(worker), 'nobody is asked again before the answer')
        if (this.silent.has(worker)) this.#unanswered.add(worker)
        else this.pulse.pong(worker, id)
      },
      look: (worker) => {
        const { state, share } = this.main.get(worker) ?? { state: 'running', share: 1 }
        return { state, cpu: (this.clock.now() - this.#begun) * share }
      },
      blocked: (worker) => this.said.push(`${worker} blocked`),
      back: (worker) => this.said.push(`${worker} back`),
    })
  }

  /** It answers what it still owes. */
  wake(worker: number): void {
    this.silent.delete(worker)
    if (this.#unanswered.delete(worker)) this.pulse.pong(worker, 0)
  }
}

suite('the pulse', () => {
  test('asks nobody while all are quiet, and ends when the last busy worker is', bounded, () => {
    const { pulse, clock, ...workers } = new Workers()
    assert.deepEqual(clock.waits, [])
    pulse.busy(1)
    pulse.busy(2)
    clock.advance(1000)
    pulse.quiet(1)
    clock.advance(1000)
    assert.notDeepEqual(clock.waits, [])
    pulse.quiet(2)
    clock.advance(1000)
    assert.deepEqual(clock.waits, [])
    assert.deepEqual(workers.said, [])
  })

  test('asks every worker 25 times a second, and does not ask more in all for more workers', bounded, () => {
    for (const [count, asked] of [
      [2, 2 * 25],
      [4, 4 * 25],
      [8, 8 * 12.5],
      [32, 32 * 12.5],
    ] as const) {
      const workers = new Workers()
      workers.all.clear()
      for (let worker = 0; worker < count; worker++) workers.all.add(worker)
      workers.pulse.busy(0)
      workers.clock.advance(9999)
      assert.equal(workers.pings, asked * 10, `${count} workers`)
    }
  })

  test('asks nobody where nobody could stand in, until somebody can', bounded, () => {
    const { pulse, clock, all, ...workers } = new Workers()
    all.delete(2)
    all.delete(3)
    pulse.busy(1)
    assert.deepEqual(clock.waits, [])
    all.add(2)
    pulse.joined()
    assert.notDeepEqual(clock.waits, [])
    assert.deepEqual(workers.said, [])
  })

  test(
    'tells of a worker that is silent for 40 ms after it was asked, and of its first answer',
    bounded,
    () => {
      const workers = new Workers()
      const { pulse, clock, said } = workers
      workers.silent.add(2)
      pulse.busy(1)
      clock.advance(39)
      assert.deepEqual(said, [])
      clock.advance(1)
      assert.deepEqual(said, ['2 blocked'])
      clock.advance(10_000)
      assert.deepEqual(said, ['2 blocked'], 'once')
      workers.wake(2)
      assert.deepEqual(said, ['2 blocked', '2 back'])
      clock.advance(1000)
      assert.deepEqual(said, ['2 blocked', '2 back'])
    },
  )

  test('takes a stopped worker for blocked, and one that waits in a system call', bounded, () => {
    for (const state of ['stopped', 'asleep'] as const) {
      const { pulse, clock, main, silent, said } = new Workers()
      main.set(3, { state, share: 0 })
      silent.add(3)
      pulse.busy(1)
      clock.advance(50)
      assert.deepEqual(said, ['3 blocked'], state)
    }
  })

  test('leaves alone who wants to run and gets no processor, and who is dead', bounded, () => {
    const cases = [{ state: 'running', share: 0.05 } as const, { state: 'dead', share: 0 } as const]
    for (const main of cases) {
      const workers = new Workers()
      workers.main.set(3, main)
      workers.silent.add(3)
      workers.pulse.busy(1)
      workers.clock.advance(60)
      assert.deepEqual(workers.said, [], main.state)
    }
  })

  test('does not count the time in which the supervisor itself was late', bounded, () => {
    const { pulse, clock, silent, said } = new Workers()
    silent.add(2)
    pulse.busy(1)
    clock.set(clock.now() + 3000)
    clock.fire()
    assert.deepEqual(said, [])
    clock.advance(50)
    assert.deepEqual(said, ['2 blocked'])
  })

  test('reads an answer that came while the supervisor was at its look', bounded, () => {
    const workers = new Workers()
    const { pulse, clock, said } = workers
    workers.silent.add(2)
    pulse.busy(1)
    clock.set(clock.now() + 25)
    clock.fire()
    clock.set(clock.now() + 25)
    clock.fire() // the look at which it is due; the answer lies unread
    workers.wake(2)
    clock.advance(1000)
    assert.deepEqual(said, [])
  })

  test('rests when only blocked workers were busy, and hears when they are back', bounded, () => {
    const workers = new Workers()
    const { pulse, clock, said } = workers
    workers.silent.add(1)
    pulse.busy(1)
    clock.advance(1000)
    assert.deepEqual(said, ['1 blocked'])
    assert.deepEqual(clock.waits, [])
    workers.wake(1)
    assert.deepEqual(said, ['1 blocked', '1 back'])
    assert.notDeepEqual(clock.waits, [], 'what it has taken in by then may block it again')
  })

  test('forgets a worker that serves no longer, whatever it was', bounded, () => {
    const { pulse, clock, all, silent, said } = new Workers()
    silent.add(2)
    silent.add(3)
    pulse.busy(1)
    clock.advance(30)
    all.delete(3)
    clock.advance(500)
    assert.deepEqual(said, ['2 blocked'])
    all.delete(2)
    all.add(4)
    clock.advance(500)
    assert.deepEqual(said, ['2 blocked', '2 back'])
    all.delete(1)
    clock.advance(500)
    assert.deepEqual(clock.waits, [])
  })
})
