// After another supervisor: its workers are found, come back one by one or not at all, and what it left undone is put in order.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Life } from '../support/lifecycle/life.ts'
import { type Scenario, testScenarios } from '../support/lifecycle/scenario.ts'

/** Of an app that runs. */
function inherited(scenarios: readonly Scenario[]): void {
  testScenarios(scenarios.map((scenario) => ({ inherited: true, ...scenario })))
}

suite('a found worker that comes back', () => {
  inherited([
    {
      name: 'ready serves on, and nothing is done',
      steps: [['found 1@0'], ['returned 1 ready', 'returned 1@0'], ['wait 1000000']],
      workers: '1:ready',
      slots: 'active',
      operation: 'none',
    },
    {
      name: 'starting has the whole time to become ready',
      steps: [
        ['found 1@0'],
        ['wait 3000'],
        ['returned 1 starting', 'returned 1@0'],
        ['wait 4999'],
        ['ready 1', 'worker-ready 1@0'],
      ],
      workers: '1:ready',
    },
    {
      name: 'starting, and does not become ready, is killed and replaced',
      steps: [
        ['found 1@0'],
        ['returned 1 starting', 'returned 1@0'],
        ['wait 5000', 'kill 1', 'killed 1@0: was not ready within 5s'],
        ['exit 1 SIGKILL', 'crashed 1@0: was not ready within 5s', 'spawn 2@0'],
      ],
    },
    {
      name: 'draining goes on with that, beside its replacement',
      steps: [
        ['found 1@0'],
        ['returned 1 draining', 'returned 1@0', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        ['drained 1', 'signal 1'],
        ['exit 1 normal', 'left 1@0: died'],
      ],
      workers: '2:ready',
    },
    {
      name: 'draining has a grace period of its own',
      steps: [
        ['found 1@0'],
        ['returned 1 draining', 'returned 1@0', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        ['wait 800', 'signal 1'],
        ['wait 200', 'kill 1', 'killed 1@0: was still there after its grace period of 1s'],
      ],
    },
    {
      name: 'drained is told to end, and replaced',
      steps: [
        ['found 1@0'],
        ['returned 1 drained', 'returned 1@0', 'signal 1', 'spawn 2@0'],
        ['exit 1 normal', 'left 1@0: died'],
      ],
      workers: '2:starting',
    },
    {
      name: 'twice, or unexpectedly, is heard once',
      steps: [
        ['found 1@0'],
        ['returned 7 ready'],
        ['returned 1 ready', 'returned 1@0'],
        ['returned 1 draining'],
        ['found 1@0'],
      ],
      workers: '1:ready',
    },
    {
      name: 'is a worker like any other: it can be renewed',
      steps: [
        ['found 1@0'],
        ['returned 1 ready', 'returned 1@0'],
        ['renew 1 leaky', 'renewing 1@0: leaky', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        ['wait 250', 'drain 1 hand-on 1000'],
        ['exit 1 normal', 'left 1@0: died', 'renewed @0'],
      ],
    },
    {
      name: 'counts its age from then on',
      policy: { maxAge: { age: 5000, jitter: 0 } },
      steps: [
        ['found 1@0'],
        ['wait 2000'],
        ['returned 1 ready', 'returned 1@0'],
        ['wait 4999'],
        ['wait 1', 'renewing 1@0: is 5s old', 'spawn 2@0'],
      ],
    },
    {
      name: 'ready is what its slot restarts with, whatever release others have',
      size: 2,
      steps: [
        ['found 1@0 2@1:2'],
        ['returned 2 ready', 'returned 2@1'],
        ['returned 1 ready', 'returned 1@0'],
        ['exit 2 crash', 'crashed 2@1: died', 'spawn 3@1 release 2'],
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 4@0'],
      ],
    },
    {
      name: 'starting has proved nothing: its slot restarts with the trusted release',
      steps: [
        ['found 1@0:2'],
        ['returned 1 starting', 'returned 1@0'],
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 2@0'],
      ],
    },
  ])
})

suite('a found worker that does not come back', () => {
  const killed = ['kill 1', 'killed 1@0: did not come back to the new supervisor in time'] as const
  inherited([
    {
      name: 'in time is killed, and replaced when it is gone',
      steps: [
        ['found 1@0'],
        ['wait 9999'],
        ['wait 1', ...killed],
        ['returned 1 ready'],
        ['exit 1 SIGKILL', 'crashed 1@0: did not come back to the new supervisor in time', 'spawn 2@0'],
      ],
    },
    {
      name: 'because it is gone is replaced at once',
      steps: [['found 1@0'], ['exit 1 crash', 'crashed 1@0: died', 'spawn 2@0']],
    },
    {
      name: 'because it ended for good leaves its slot done',
      policy: { restart: 'transient' },
      steps: [['found 1@0'], ['exit 1 normal', 'crashed 1@0: died', 'finished']],
      slots: 'done',
    },
    {
      name: 'and is at fault is ended',
      steps: [
        ['found 1@0'],
        ['fault 1 bad', 'signal 1'],
        ['returned 1 ready'],
        ['exit 1 normal', 'crashed 1@0: bad', 'spawn 2@0'],
      ],
    },
  ])
})

suite('among found workers', () => {
  inherited([
    {
      name: 'those that are missing are started at once',
      size: 3,
      steps: [
        ['found 4@1', 'spawn 5@0', 'spawn 6@2'],
        ['ready 5', 'worker-ready 5@0'],
        ['returned 4 ready', 'returned 4@1'],
        ['ready 6', 'worker-ready 6@2'],
      ],
      workers: '4:ready 5:ready 6:ready',
    },
    {
      name: 'nobody is there: all slots are started',
      size: 2,
      steps: [['found', 'spawn 1@0', 'spawn 2@1']],
    },
    {
      name: 'numbers go on after the highest, so that no new worker has the number of an old one',
      size: 2,
      steps: [['found 17@0 3@1'], ['exit 3 crash', 'crashed 3@1: died', 'spawn 18@1']],
    },
    {
      name: 'those beyond the size leave, as soon as they hear of it',
      size: 1,
      steps: [
        ['found 1@0 2@1', 'drain 2 hand-on 1000'],
        ['returned 1 ready', 'returned 1@0'],
        ['returned 2 ready'],
        ['exit 2 normal', 'left 2@1: died'],
      ],
      workers: '1:ready',
      slots: 'active',
    },
    {
      name: 'those of an app that is to be stopped leave',
      size: 2,
      inherited: false,
      steps: [
        ['found 1@0 2@1', 'drain 1 alone 1000', 'drain 2 alone 1000'],
        ['exit 1 normal', 'left 1@0: died'],
        ['wait 800', 'signal 2'],
        ['exit 2 normal', 'left 2@1: died'],
      ],
      workers: '',
      wanted: 'stopped',
    },
    {
      name: 'those that drain may be more than two in a slot: nobody new comes before there is room',
      steps: [
        ['found 1@0 2@0'],
        ['returned 1 draining', 'returned 1@0'],
        ['returned 2 draining', 'returned 2@0'],
        ['exit 1 normal', 'left 1@0: died', 'spawn 3@0'],
      ],
    },
  ])
})

suite('two found workers of one slot, left by a reload that was cut short:', () => {
  inherited([
    {
      name: 'the old one stays if the new one has yet to start',
      steps: [
        ['found 1@0 2@0:2'],
        ['returned 2 starting', 'returned 2@0'],
        ['returned 1 ready', 'returned 1@0', 'signal 2'],
        ['exit 2 crash', 'left 2@0: died'],
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 3@0'],
      ],
    },
    {
      name: 'the old one stays if both serve: the new release has yet to prove itself, as a canary perhaps',
      policy: { canary: 10_000 },
      steps: [
        ['found 1@0 2@0:2'],
        ['returned 2 ready', 'returned 2@0'],
        ['returned 1 ready', 'returned 1@0', 'drain 2 hand-on 1000'],
        ['exit 2 normal', 'left 2@0: died'],
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 3@0'],
      ],
    },
    {
      name: 'the new one stays if both serve by the trusted release',
      steps: [
        ['found 1@0 2@0'],
        ['returned 1 ready', 'returned 1@0'],
        ['returned 2 ready', 'returned 2@0', 'drain 1 hand-on 1000'],
      ],
    },
    {
      name: 'the new one stays if both serve and none is trusted, and its release is what the slot restarts with',
      steps: [
        ['found 1@0:2 2@0:3'],
        ['returned 2 ready', 'returned 2@0'],
        ['returned 1 ready', 'returned 1@0', 'drain 1 hand-on 1000'],
        ['exit 1 normal', 'left 1@0: died'],
        ['exit 2 crash', 'crashed 2@0: died', 'spawn 3@0 release 3'],
      ],
    },
    {
      name: 'the new one stays if the old one was draining',
      steps: [
        ['found 1@0 2@0:2'],
        ['returned 1 draining', 'returned 1@0'],
        ['returned 2 ready', 'returned 2@0'],
        ['exit 1 normal', 'left 1@0: died'],
        ['exit 2 crash', 'crashed 2@0: died', 'spawn 3@0 release 2'],
      ],
    },
    {
      name: 'the new one stays if both are only starting',
      steps: [
        ['found 1@0 2@0:2'],
        ['returned 1 starting', 'returned 1@0'],
        ['returned 2 starting', 'returned 2@0', 'signal 1'],
        ['ready 2', 'worker-ready 2@0'],
      ],
      releases: '2:2',
    },
    {
      name: 'none is sent away before both have reported',
      steps: [['found 1@0 2@0:2'], ['returned 2 ready', 'returned 2@0'], ['wait 9999']],
      workers: '1:returning 2:ready',
    },
    {
      name: 'one that does not come back leaves the slot to the other, and that is no crash of the slot',
      policy: { intensity: 0 },
      steps: [
        ['found 1@0 2@0:2'],
        ['returned 1 ready', 'returned 1@0'],
        ['wait 10000', 'kill 2', 'killed 2@0: did not come back to the new supervisor in time'],
        ['exit 2 SIGKILL', 'crashed 2@0: did not come back to the new supervisor in time'],
      ],
      releases: '1:1',
      slots: 'active',
    },
    {
      name: 'one that dies before it has reported leaves the slot to the other',
      policy: { intensity: 0 },
      steps: [
        ['found 1@0 2@0:2'],
        ['exit 2 crash', 'crashed 2@0: died'],
        ['returned 1 ready', 'returned 1@0'],
      ],
      workers: '1:ready',
    },
    {
      name: 'with both gone, the slot is restarted once',
      steps: [
        ['found 1@0 2@0:2'],
        ['exit 1 crash', 'crashed 1@0: died'],
        ['exit 2 crash', 'crashed 2@0: died', 'spawn 3@0'],
      ],
    },
    {
      name: 'of three, the youngest that serves stays',
      steps: [
        ['found 1@0:4 2@0:2 3@0:3'],
        ['returned 3 starting', 'returned 3@0'],
        ['returned 1 ready', 'returned 1@0'],
        ['returned 2 ready', 'returned 2@0', 'signal 3', 'drain 1 hand-on 1000'],
      ],
      releases: '2:2',
    },
  ])
})

suite('while workers are expected back,', () => {
  inherited([
    {
      name: 'a stop lets them leave, and does not wait for them to report',
      size: 2,
      steps: [
        ['found 1@0 2@1'],
        ['returned 1 ready', 'returned 1@0'],
        ['stop', 'drain 1 alone 1000', 'drain 2 alone 1000'],
        ['returned 2 ready'],
        ['exit 1 normal', 'left 1@0: died'],
        ['wait 800', 'signal 2'],
        ['wait 200', 'kill 2', 'killed 2@1: was still there after its grace period of 1s'],
        ['exit 2 SIGKILL', 'left 2@1: died', 'stopped'],
      ],
    },
    {
      name: 'a start is over when they have reported',
      size: 2,
      steps: [
        ['found 1@0', 'spawn 2@1'],
        ['start'],
        ['ready 2', 'worker-ready 2@1'],
        ['returned 1 ready', 'returned 1@0', 'started'],
      ],
    },
    {
      name: 'a start is over when both of one slot have reported, and one of them stays',
      steps: [
        ['found 1@0 2@0:2'],
        ['start'],
        ['returned 2 ready', 'returned 2@0'],
        ['returned 1 ready', 'returned 1@0', 'drain 2 hand-on 1000', 'started'],
      ],
    },
    {
      name: 'a scale down lets them leave, and a scale up waits for none of them but to be over',
      size: 2,
      steps: [
        ['found 1@0 2@1'],
        ['scale 1', 'drain 2 hand-on 1000'],
        ['exit 2 normal', 'left 2@1: died'],
        ['returned 1 ready', 'returned 1@0', 'scaled'],
      ],
    },
    {
      name: 'a reload goes on beside them',
      size: 2,
      steps: [
        ['found 1@0 2@1'],
        ['release 2', 'spawn 3@0 release 2'],
        ['returned 1 ready', 'returned 1@0'],
        ['ready 3', 'worker-ready 3@0'],
        ['wait 250', 'drain 1 hand-on 1000', 'spawn 4@1 release 2'],
        ['returned 2 ready', 'returned 2@1'],
      ],
      operation: 'reload',
    },
    {
      name: 'none is renewed',
      steps: [['found 1@0'], ['renew 1 leaky'], ['returned 1 ready', 'returned 1@0'], ['wait 100000']],
      workers: '1:ready',
    },
  ])
})

/** The supervisor before this one died when slots 0 and 1 had the new release, and slot 2's new worker was starting. */
const cutShort = [
  ['found 4@0:2 5@1:2 3@2 6@2:2'],
  ['returned 3 ready', 'returned 3@2'],
  ['returned 4 ready', 'returned 4@0'],
  ['returned 5 ready', 'returned 5@1'],
  ['returned 6 starting', 'returned 6@2', 'signal 6'],
] as const

suite('a reload to another release that was cut short', () => {
  test('is not over by itself: the trusted release is the old one', { timeout: 10_000 }, () => {
    const life = new Life(3, {}, { wanted: 'running' })
    for (const [event] of cutShort) life.do(event)
    assert.equal(life.state.release, 1)
    assert.equal(life.releases, '4:2 5:2 3:1')
  })

  inherited([
    {
      name: 'is finished by the same reload of the slots it has not got to',
      size: 3,
      steps: [
        ...cutShort,
        ['exit 6 crash', 'left 6@2: died'],
        ['release 2 of 2', 'spawn 7@2 release 2'],
        ['ready 7', 'worker-ready 7@2'],
        ['wait 250', 'drain 3 hand-on 1000'],
        ['exit 3 normal', 'left 3@2: died', 'reloaded'],
        ['scale 4', 'spawn 8@3 release 2'],
        ['exit 4 crash', 'crashed 4@0: died', 'spawn 9@0 release 2'],
      ],
    },
    {
      name: 'and fails then is taken back from all slots that have it',
      size: 3,
      steps: [
        ...cutShort,
        ['exit 6 crash', 'left 6@2: died'],
        ['release 2 of 2', 'spawn 7@2 release 2'],
        ['exit 7 crash', 'crashed 7@2: died', 'reload-aborted @2: died', 'spawn 8@0'],
        ['ready 8', 'worker-ready 8@0'],
        ['wait 250', 'drain 4 hand-on 1000', 'spawn 9@1'],
        ['exit 4 normal', 'left 4@0: died'],
        ['ready 9', 'worker-ready 9@1'],
        ['wait 250', 'drain 5 hand-on 1000'],
        ['exit 5 normal', 'left 5@1: died', 'rolled-back'],
      ],
      releases: '3:1 8:1 9:1',
    },
    {
      name: 'while it was being taken back is taken back again by a reload to the old one',
      size: 3,
      steps: [
        ['found 3@2 5@1:2 7@0'],
        ['returned 3 ready', 'returned 3@2'],
        ['returned 5 ready', 'returned 5@1'],
        ['returned 7 ready', 'returned 7@0'],
        ['release 1 of 1', 'spawn 8@1'],
        ['ready 8', 'worker-ready 8@1'],
        ['wait 250', 'drain 5 hand-on 1000'],
        ['exit 5 normal', 'left 5@1: died', 'reloaded'],
      ],
      releases: '3:1 7:1 8:1',
    },
  ])
})
