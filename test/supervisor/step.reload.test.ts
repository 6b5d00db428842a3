// A reload: one slot after the other, the old worker leaves when the new one has proved itself, and stays when it has not.
import { suite } from 'node:test'
import { started, startedThree, startedTwo } from '../support/lifecycle/leads.ts'
import { testScenarios } from '../support/lifecycle/scenario.ts'

const handedOver = [
  ...started,
  ['reload', 'spawn 2@0'],
  ['ready 2', 'worker-ready 2@0'],
  ['wait 250', 'drain 1 hand-on 1000'],
] as const

suite('a reload', () => {
  testScenarios([
    {
      name: 'replaces one worker after the other, each new one settled before the old one leaves',
      size: 2,
      steps: [
        ...startedTwo,
        ['reload', 'spawn 3@0'],
        ['ready 3', 'worker-ready 3@0'],
        ['wait 249'],
        ['wait 1', 'drain 1 hand-on 1000', 'spawn 4@1'],
        ['drained 1', 'signal 1'],
        ['exit 1 normal', 'left 1@0: died'],
        ['ready 4', 'worker-ready 4@1'],
        ['wait 250', 'drain 2 hand-on 1000'],
        ['exit 2 normal', 'left 2@1: died', 'reloaded'],
      ],
      workers: '3:ready 4:ready',
      operation: 'none',
    },
    {
      name: 'is over only when the last old worker is gone',
      steps: [
        ...handedOver,
        ['wait 800', 'signal 1'],
        ['wait 200', 'kill 1', 'killed 1@0: was still there after its grace period of 1s'],
        ['exit 1 crash', 'left 1@0: died', 'reloaded'],
      ],
    },
    {
      name: 'of some slots leaves the others alone',
      size: 3,
      steps: [
        ...startedThree,
        ['reload 2', 'spawn 4@2'],
        ['ready 4', 'worker-ready 4@2'],
        ['wait 250', 'drain 3 hand-on 1000'],
        ['exit 3 normal', 'left 3@2: died', 'reloaded'],
      ],
      workers: '1:ready 2:ready 4:ready',
    },
    {
      name: 'of no slots is over at once',
      size: 0,
      steps: [
        ['start', 'started'],
        ['reload', 'reloaded'],
      ],
    },
    {
      name: 'of an app that does not run starts it',
      steps: [
        ['reload', 'spawn 1@0'],
        ['ready 1', 'worker-ready 1@0', 'started'],
      ],
    },
    {
      name: 'of a slot that has failed gives it a new worker',
      policy: { intensity: 0 },
      steps: [
        ...started,
        [
          'exit 1 crash',
          'crashed 1@0: died',
          'slot-failed @0: 0 restarts within 10s; the last: died',
          'finished, failed',
        ],
        ['reload', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        ['wait 250', 'reloaded'],
      ],
      slots: 'active',
    },
    {
      name: 'of a slot in backoff does not wait for its time',
      steps: [
        ...started,
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        ['exit 2 crash', 'crashed 2@0: died', 'backoff @0 100'],
        ['reload', 'spawn 3@0'],
        ['wait 100'],
        ['ready 3', 'worker-ready 3@0'],
        ['wait 250', 'reloaded'],
      ],
    },
    {
      name: 'of a slot whose last worker still drains waits for it',
      size: 2,
      steps: [
        ...startedTwo,
        ['reload 0', 'spawn 3@0'],
        ['ready 3', 'worker-ready 3@0'],
        ['wait 250', 'drain 1 hand-on 1000'],
        ['exit 3 crash', 'crashed 3@0: died', 'spawn 4@0'],
        ['ready 4', 'worker-ready 4@0'],
        ['exit 1 normal', 'left 1@0: died', 'reloaded'],
      ],
    },
    {
      name: 'of a slot where one worker still drains and another is starting leaves both in peace until the first is gone',
      size: 2,
      steps: [
        ...startedTwo,
        ['reload', 'spawn 3@0'],
        ['ready 3', 'worker-ready 3@0'],
        ['wait 250', 'drain 1 hand-on 1000', 'spawn 4@1'],
        ['exit 4 crash', 'crashed 4@1: died', 'reload-aborted @1: died'],
        ['exit 3 crash', 'crashed 3@0: died', 'spawn 5@0'],
        ['reload 0'],
        ['ready 5', 'worker-ready 5@0'],
        ['exit 1 normal', 'left 1@0: died', 'spawn 6@0'],
      ],
      workers: '2:ready 5:ready 6:starting',
    },
    {
      name: 'of one slot twice waits between the two for the first old worker to be gone',
      steps: [
        ...started,
        ['reload 0 0', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        ['wait 250', 'drain 1 hand-on 1000'],
        ['exit 1 normal', 'left 1@0: died', 'spawn 3@0'],
        ['ready 3', 'worker-ready 3@0'],
        ['wait 250', 'drain 2 hand-on 1000'],
        ['exit 2 normal', 'left 2@0: died', 'reloaded'],
      ],
    },
    {
      name: 'takes a worker that is only starting away before it spawns the new one',
      size: 2,
      steps: [
        ...startedTwo,
        ['exit 2 crash', 'crashed 2@1: died', 'spawn 3@1'],
        ['reload 1', 'signal 3'],
        ['ready 3'],
        ['exit 3 crash', 'left 3@1: died', 'spawn 4@1'],
        ['ready 4', 'worker-ready 4@1'],
        ['wait 250', 'reloaded'],
      ],
    },
    {
      name: 'makes the crashes before it count no more',
      policy: { intensity: 1 },
      steps: [
        ...started,
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        ['reload', 'spawn 3@0'],
        ['ready 3', 'worker-ready 3@0'],
        ['wait 250', 'drain 2 hand-on 1000'],
        ['exit 2 normal', 'left 2@0: died', 'reloaded'],
        ['exit 3 crash', 'crashed 3@0: died', 'spawn 4@0'],
      ],
    },
    {
      name: 'of a slot that the app does not have passes over it',
      steps: [...started, ['reload 3', 'reloaded'], ['wait 1000']],
      workers: '1:ready',
    },
  ])
})

suite('a reload whose new worker', () => {
  const aborted = 'reload-aborted @0: died'
  testScenarios([
    {
      name: 'crashes at boot is aborted; the old worker goes on, and so do the slots in the queue',
      size: 2,
      steps: [
        ...startedTwo,
        ['reload', 'spawn 3@0'],
        ['exit 3 crash', 'crashed 3@0: died', aborted],
        ['wait 100000'],
      ],
      workers: '1:ready 2:ready',
      slots: 'active active',
      operation: 'none',
    },
    {
      name: 'exits normally at boot is aborted too',
      policy: { restart: 'transient' },
      steps: [...started, ['reload', 'spawn 2@0'], ['exit 2 normal', 'crashed 2@0: died', aborted]],
      workers: '1:ready',
      slots: 'active',
    },
    {
      name: 'dies while it settles is aborted',
      steps: [
        ...started,
        ['reload', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        ['wait 249'],
        ['exit 2 crash', 'crashed 2@0: died', aborted],
        ['wait 100000'],
      ],
      workers: '1:ready',
    },
    {
      name: 'is not ready in time is aborted once that worker is gone',
      steps: [
        ...started,
        ['reload', 'spawn 2@0'],
        ['wait 5000', 'kill 2', 'killed 2@0: was not ready within 5s'],
        [
          'exit 2 crash',
          'crashed 2@0: was not ready within 5s',
          'reload-aborted @0: was not ready within 5s',
        ],
      ],
      workers: '1:ready',
      operation: 'none',
    },
    {
      name: 'is found at fault while it settles is aborted once that worker is gone',
      steps: [
        ...started,
        ['reload', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        ['fault 2 blocked', 'signal 2'],
        ['wait 1000', 'kill 2', 'killed 2@0: blocked'],
        ['exit 2 crash', 'crashed 2@0: blocked', 'reload-aborted @0: blocked'],
      ],
      workers: '1:ready',
    },
    {
      name: 'ends for good while the old one still drains leaves nothing to come, which is told when the old one is gone',
      policy: { restart: 'temporary' },
      steps: [
        ...handedOver,
        ['exit 2 normal', 'crashed 2@0: died'],
        ['exit 1 normal', 'left 1@0: died', 'finished', 'reloaded'],
      ],
      slots: 'done',
    },
    {
      name: 'dies after it has taken over is restarted like any other, and the reload goes on',
      size: 2,
      steps: [
        ...startedTwo,
        ['reload', 'spawn 3@0'],
        ['ready 3', 'worker-ready 3@0'],
        ['wait 250', 'drain 1 hand-on 1000', 'spawn 4@1'],
        ['exit 3 crash', 'crashed 3@0: died', 'spawn 5@0'],
      ],
      workers: '1:draining 2:ready 4:starting 5:starting',
      operation: 'reload',
    },
    {
      name: 'crashes in the second slot leaves the first slot with its new worker',
      size: 2,
      steps: [
        ...startedTwo,
        ['reload', 'spawn 3@0'],
        ['ready 3', 'worker-ready 3@0'],
        ['wait 250', 'drain 1 hand-on 1000', 'spawn 4@1'],
        ['exit 4 crash', 'crashed 4@1: died', 'reload-aborted @1: died'],
        ['exit 1 normal', 'left 1@0: died'],
      ],
      workers: '2:ready 3:ready',
    },
    {
      name: 'crashes in a slot that had nobody is aborted and counts as a crash of the slot',
      policy: { intensity: 1 },
      steps: [
        ...started,
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 2@0'],
        [
          'exit 2 crash',
          'crashed 2@0: died',
          'slot-failed @0: 1 restarts within 10s; the last: died',
          'finished, failed',
        ],
        ['reload', 'spawn 3@0'],
        ['exit 3 crash', 'crashed 3@0: died', aborted, 'spawn 4@0'],
      ],
    },
  ])
})

suite('a reload whose old worker', () => {
  testScenarios([
    {
      name: 'crashes while the new one starts waits for the new one, which takes the slot over',
      steps: [
        ...started,
        ['reload', 'spawn 2@0'],
        ['exit 1 crash', 'crashed 1@0: died'],
        ['ready 2', 'worker-ready 2@0'],
        ['wait 250', 'reloaded'],
      ],
      workers: '2:ready',
    },
    {
      name: 'crashes while the new one settles loses nothing by it',
      policy: { intensity: 0 },
      steps: [
        ...started,
        ['reload', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        ['exit 1 crash', 'crashed 1@0: died'],
        ['wait 250', 'reloaded'],
      ],
      slots: 'active',
    },
    {
      name: 'crashes before the new one does is restarted after the abort',
      steps: [
        ...started,
        ['reload', 'spawn 2@0'],
        ['exit 1 crash', 'crashed 1@0: died'],
        ['exit 2 crash', 'crashed 2@0: died', 'reload-aborted @0: died', 'spawn 3@0'],
      ],
    },
    {
      name: 'crashes while it drains has left as it was told to',
      steps: [...handedOver, ['exit 1 crash', 'left 1@0: died', 'reloaded']],
      workers: '2:ready',
      slots: 'active',
    },
    {
      name: 'is found at fault while the new one starts is gone before the reload is over',
      steps: [
        ...started,
        ['reload', 'spawn 2@0'],
        ['fault 1 blocked', 'signal 1'],
        ['ready 2', 'worker-ready 2@0'],
        ['exit 1 crash', 'crashed 1@0: blocked'],
        ['wait 250', 'reloaded'],
      ],
      workers: '2:ready',
    },
    {
      name: 'was found at fault and exits after the hand-over takes nothing from the slot',
      policy: { intensity: 0 },
      steps: [
        ...started,
        ['reload', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        ['fault 1 blocked', 'signal 1'],
        ['wait 250'],
        ['exit 1 crash', 'crashed 1@0: blocked', 'reloaded'],
      ],
      workers: '2:ready',
      slots: 'active',
    },
    {
      name: 'of a later slot crashes is replaced at once, not after the slots before it',
      size: 2,
      steps: [
        ...startedTwo,
        ['reload', 'spawn 3@0'],
        ['exit 2 crash', 'crashed 2@1: died', 'spawn 4@1'],
        ['ready 4', 'worker-ready 4@1'],
        ['ready 3', 'worker-ready 3@0'],
        ['wait 250', 'drain 1 hand-on 1000', 'spawn 5@1'],
      ],
    },
  ])
})
