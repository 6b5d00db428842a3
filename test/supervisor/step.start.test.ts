// Starting an app: from nothing to every slot ready, or, for a fresh start, to a clear failure.
import { suite } from 'node:test'
import { testScenarios } from '../support/lifecycle/scenario.ts'

suite('a start', () => {
  testScenarios([
    {
      name: 'spawns one worker in each slot, and is over when the last of them is ready',
      size: 2,
      steps: [
        ['start', 'spawn 1@0', 'spawn 2@1'],
        ['ready 2', 'worker-ready 2@1'],
        ['ready 1', 'worker-ready 1@0', 'started'],
      ],
      workers: '1:ready 2:ready',
      slots: 'active active',
      operation: 'none',
      wanted: 'running',
    },
    {
      name: 'of an app that runs changes nothing and is over at once',
      steps: [
        ['start', 'spawn 1@0'],
        ['ready 1', 'worker-ready 1@0', 'started'],
        ['start fresh', 'started'],
      ],
      workers: '1:ready',
    },
    {
      name: 'of no slots is over at once',
      size: 0,
      steps: [['start fresh', 'started']],
      operation: 'none',
      wanted: 'running',
    },
    {
      name: 'goes on when a worker crashes at boot, and is over when its replacement is ready',
      steps: [
        ['start', 'spawn 1@0'],
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 2@0'],
        ['exit 2 crash', 'crashed 2@0: died', 'backoff @0 100'],
        ['wait 100', 'spawn 3@0'],
        ['ready 3', 'worker-ready 3@0', 'started'],
      ],
    },
    {
      name: 'is over when the slots that are not ready have failed',
      size: 2,
      policy: { intensity: 0 },
      steps: [
        ['start', 'spawn 1@0', 'spawn 2@1'],
        ['exit 1 crash', 'crashed 1@0: died', 'slot-failed @0: 0 restarts within 10s; the last: died'],
        ['ready 2', 'worker-ready 2@1', 'started'],
      ],
      slots: 'failed active',
    },
    {
      name: 'kills a worker that is not ready in time, and tries again',
      steps: [
        ['start', 'spawn 1@0'],
        ['wait 4999'],
        ['wait 1', 'kill 1', 'killed 1@0: was not ready within 5s'],
        ['ready 1'],
        ['exit 1 crash', 'crashed 1@0: was not ready within 5s', 'spawn 2@0'],
      ],
      operation: 'start',
    },
    {
      name: 'gives a slot that had failed another chance',
      policy: { intensity: 0 },
      steps: [
        ['start fresh', 'spawn 1@0'],
        ['ready 1', 'worker-ready 1@0', 'started'],
        [
          'exit 1 crash',
          'crashed 1@0: died',
          'slot-failed @0: 0 restarts within 10s; the last: died',
          'finished, failed',
        ],
        ['start', 'spawn 2@0'],
      ],
      slots: 'active',
    },
  ])
})

suite('a fresh start', () => {
  testScenarios([
    {
      name: 'ends with the first crash at boot, and takes the other workers away',
      size: 3,
      steps: [
        ['start fresh', 'spawn 1@0', 'spawn 2@1', 'spawn 3@2'],
        ['ready 1', 'worker-ready 1@0'],
        ['exit 2 crash', 'crashed 2@1: died', 'start-failed @1: died', 'drain 1 alone 1000', 'signal 3'],
      ],
      workers: '1:draining 3:ending',
      slots: 'active failed active',
      operation: 'none',
      wanted: 'stopped',
    },
    {
      name: 'ends when a worker that was ready crashes before the others are',
      size: 2,
      steps: [
        ['start fresh', 'spawn 1@0', 'spawn 2@1'],
        ['ready 1', 'worker-ready 1@0'],
        ['exit 1 crash', 'crashed 1@0: died', 'start-failed @0: died', 'signal 2'],
      ],
      wanted: 'stopped',
    },
    {
      name: 'ends when a worker is not ready in time, once that worker is gone',
      steps: [
        ['start fresh', 'spawn 1@0'],
        ['wait 5000', 'kill 1', 'killed 1@0: was not ready within 5s'],
        ['exit 1 crash', 'crashed 1@0: was not ready within 5s', 'start-failed @0: was not ready within 5s'],
      ],
      workers: '',
      operation: 'none',
      wanted: 'stopped',
    },
    {
      name: 'can be tried again while the workers of the last attempt leave',
      size: 2,
      steps: [
        ['start fresh', 'spawn 1@0', 'spawn 2@1'],
        ['exit 1 crash', 'crashed 1@0: died', 'start-failed @0: died', 'signal 2'],
        ['start fresh', 'spawn 3@0', 'spawn 4@1'],
        ['ready 3', 'worker-ready 3@0'],
        ['exit 2 crash', 'left 2@1: died'],
        ['ready 4', 'worker-ready 4@1', 'started'],
      ],
    },
    {
      name: 'waits with a third worker of one slot until one of two that leave is gone',
      size: 2,
      steps: [
        ['start fresh', 'spawn 1@0', 'spawn 2@1'],
        ['exit 1 crash', 'crashed 1@0: died', 'start-failed @0: died', 'signal 2'],
        ['start fresh', 'spawn 3@0', 'spawn 4@1'],
        ['exit 3 crash', 'crashed 3@0: died', 'start-failed @0: died', 'signal 4'],
        ['start fresh', 'spawn 5@0'],
        ['exit 2 normal', 'left 2@1: died', 'spawn 6@1'],
      ],
      workers: '4:ending 5:starting 6:starting',
    },
    {
      name: 'is over when a transient worker ends normally before it is ready',
      policy: { restart: 'transient' },
      steps: [
        ['start fresh', 'spawn 1@0'],
        ['exit 1 normal', 'crashed 1@0: died', 'finished', 'started'],
      ],
      slots: 'done',
    },
    {
      name: 'fails when a temporary worker crashes at boot',
      policy: { restart: 'temporary' },
      steps: [
        ['start fresh', 'spawn 1@0'],
        ['exit 1 crash', 'crashed 1@0: died', 'start-failed @0: died'],
      ],
      wanted: 'stopped',
    },
    {
      name: 'is not failed by a worker that the attempt before it had found at fault',
      size: 2,
      steps: [
        ['start fresh', 'spawn 1@0', 'spawn 2@1'],
        ['fault 1 broken', 'signal 1'],
        ['exit 2 crash', 'crashed 2@1: died', 'start-failed @1: died'],
        ['start fresh', 'spawn 3@0', 'spawn 4@1'],
        ['exit 1 crash', 'left 1@0: died'],
        ['ready 3', 'worker-ready 3@0'],
        ['ready 4', 'worker-ready 4@1', 'started'],
      ],
      wanted: 'running',
    },
  ])
})
