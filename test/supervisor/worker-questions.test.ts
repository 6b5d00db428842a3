// A question to a worker is answered once: by the worker, by the clock, or by the worker's end.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WorkerQuestions } from '../../src/supervisor/worker-questions.ts'
import type { SupervisorMessage } from '../../src/wire/messages.ts'
import { FakeClock } from '../support/fake-clock.ts'

const bounded = { timeout: 10_000 }

function questions() {
  const clock = new FakeClock()
  const sent: SupervisorMessage[] = []
  return { clock, sent, questions: new WorkerQuestions((message) => sent.push(message), clock) }
}

test('each question has a number, and gets the answer with that number', bounded, async () => {
  const { sent, questions: asked, clock } = questions()
  const first = asked.ask('/a', 1000)
  const second = asked.ask('/b', 2000)
  assert.deepEqual(sent, [
    { type: 'probe', id: 0, path: '/a', within: 1000 },
    { type: 'probe', id: 1, path: '/b', within: 2000 },
  ])
  asked.answered({ type: 'probed', id: 7 })
  asked.answered({ type: 'probed', id: 1, problem: 'answered 503' })
  asked.answered({ type: 'probed', id: 0 })
  assert.deepEqual(await Promise.all([first, second]), [undefined, 'answered 503'])
  assert.equal(clock.waiting, 0)
})

test('a worker that does not answer is answered for', bounded, async () => {
  const { questions: asked, clock } = questions()
  const answer = asked.ask('/', 1000)
  await clock.pass(1100)
  assert.equal(await answer, 'no answer within 1s')
  asked.answered({ type: 'probed', id: 0 })
})

test('with the worker all questions end', bounded, async () => {
  const { questions: asked, clock } = questions()
  const answers = [asked.ask('/', 1000), asked.ask('/', 1000)]
  asked.close()
  assert.deepEqual(await Promise.all(answers), ['the worker has ended', 'the worker has ended'])
  assert.equal(clock.waiting, 0)
})
