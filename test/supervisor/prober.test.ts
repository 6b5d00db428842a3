// A worker is asked again and again, one question at a time, until the answers say enough.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Prober } from '../../src/supervisor/prober.ts'
import { FakeClock } from '../support/fake-clock.ts'

const bounded = { timeout: 10_000 }
const rhythm = { every: 100, timeout: 50 }

/** Answers in turn, then well for ever; notes when it was asked. */
function asked(clock: FakeClock, answers: (string | undefined)[]) {
  const times: number[] = []
  const ask = (timeout: number): Promise<string | undefined> => {
    assert.equal(timeout, rhythm.timeout)
    times.push(clock.now())
    return Promise.resolve(answers.shift())
  }
  return { times, ask }
}

suite('readiness', () => {
  const tables: [answers: (string | undefined)[], asked: number[]][] = [
    [[], [0]],
    [['no'], [0, 100]],
    [
      ['no', 'no', 'still no'],
      [0, 100, 200, 300],
    ],
  ]
  for (const [answers, times] of tables) {
    test(
      `after the answers ${JSON.stringify(answers)} is asked for at ${times} and told once`,
      bounded,
      async () => {
        const clock = new FakeClock()
        const questions = asked(clock, [...answers])
        let ready = 0
        Prober.untilReady(questions.ask, rhythm, clock, () => ready++)
        await clock.pass(10_000)
        assert.deepEqual(questions.times, times)
        assert.equal(ready, 1)
        assert.equal(clock.waiting, 0)
      },
    )
  }

  test('tells why it is not there yet', bounded, async () => {
    const clock = new FakeClock()
    const problems: string[] = []
    const { ask } = asked(clock, ['refused', 'answered 503'])
    Prober.untilReady(
      ask,
      rhythm,
      clock,
      () => problems.push('ready'),
      (problem) => problems.push(problem),
    )
    await clock.pass(10_000)
    assert.deepEqual(problems, ['refused', 'answered 503', 'ready'])
  })
})

suite('liveness', () => {
  const plan = { ...rhythm, failures: 3 }
  const tables: [answers: (string | undefined)[], failedAt: number | undefined][] = [
    [[], undefined],
    [['a', 'b'], undefined],
    [['a', 'b', undefined, 'c', 'd'], undefined],
    [['a', 'b', 'c'], 300],
    [[undefined, 'a', 'b', 'c', 'd'], 400],
    [['a', undefined, 'a', 'b', 'c'], 500],
  ]
  for (const [answers, failedAt] of tables) {
    const outcome = failedAt === undefined ? 'goes on' : `ends at ${failedAt}`
    test(`with the answers ${JSON.stringify(answers)} ${outcome}`, bounded, async () => {
      const clock = new FakeClock()
      const questions = asked(clock, [...answers])
      const failures: [number, string][] = []
      const prober = Prober.whileAlive(questions.ask, plan, clock, (reason) =>
        failures.push([clock.now(), reason]),
      )
      await clock.pass(1000)
      const last = failedAt === undefined ? [] : [[failedAt, answers[failedAt / 100 - 1]]]
      assert.deepEqual(failures, last)
      assert.equal(questions.times.length, failedAt === undefined ? 10 : failedAt / 100)
      assert.equal(questions.times[0], 100, 'not asked at once')
      prober.close()
      assert.equal(clock.waiting, 0)
    })
  }

  test('counts a question that throws as a bad answer', bounded, async () => {
    const clock = new FakeClock()
    const reasons: string[] = []
    const ask = () => Promise.reject(new Error('broken'))
    Prober.whileAlive(ask, plan, clock, (reason) => reasons.push(reason))
    await clock.pass(1000)
    assert.deepEqual(reasons, ['broken'])
  })
})

test('a question waits for the answer to the one before', bounded, async () => {
  const clock = new FakeClock()
  const open: PromiseWithResolvers<string | undefined>[] = []
  const ask = () => {
    const answer = Promise.withResolvers<string | undefined>()
    open.push(answer)
    return answer.promise
  }
  Prober.untilReady(ask, rhythm, clock, () => {})
  await clock.pass(1000)
  assert.equal(open.length, 1)
  open[0]?.resolve('no')
  await clock.pass(99)
  assert.equal(open.length, 1)
  await clock.pass(1)
  assert.equal(open.length, 2)
})

test('an answer that comes after the close counts no more', bounded, async () => {
  const clock = new FakeClock()
  const answer = Promise.withResolvers<string | undefined>()
  let ended: AbortSignal | undefined
  const ask = (_timeout: number, signal: AbortSignal) => {
    ended = signal
    return answer.promise
  }
  const prober = Prober.untilReady(ask, rhythm, clock, () => assert.fail('it was closed'))
  prober.close()
  assert.ok(ended?.aborted, 'whoever was asking is told')
  answer.resolve(undefined)
  await clock.pass(1000)
  assert.equal(clock.waiting, 0)
})
