// Leaving: drain, stop signal, SIGKILL, each in its time; and a stop in the middle of everything else.
import { suite } from 'node:test'
import { started, startedTwo } from '../support/lifecycle/leads.ts'
import { testScenarios } from '../support/lifecycle/scenario.ts'

suite('a worker that has to leave', () => {
  testScenarios([
    {
      name: 'gets the stop signal as soon as it has drained',
      steps: [
        ...started,
        ['stop', 'drain 1 alone 1000'],
        ['wait 300'],
        ['drained 1', 'signal 1'],
        ['exit 1 crash', 'left 1@0: died', 'stopped'],
      ],
      workers: '',
    },
    {
      name: 'gets the stop signal after 80 % of the grace period if it does not drain',
      steps: [...started, ['stop', 'drain 1 alone 1000'], ['wait 799'], ['wait 1', 'signal 1']],
      workers: '1:ending',
    },
    {
      name: 'is killed at the end of the grace period if it ignores the signal, and only once',
      steps: [
        ...started,
        ['stop', 'drain 1 alone 1000'],
        ['wait 999', 'signal 1'],
        ['wait 1', 'kill 1', 'killed 1@0: was still there after its grace period of 1s'],
        ['wait 100000'],
        ['exit 1 crash', 'left 1@0: died', 'stopped'],
      ],
    },
    {
      name: 'has the rest of its grace period after an early drain',
      steps: [
        ...started,
        ['stop', 'drain 1 alone 1000'],
        ['wait 100'],
        ['drained 1', 'signal 1'],
        ['wait 899'],
        ['wait 1', 'kill 1', 'killed 1@0: was still there after its grace period of 1s'],
      ],
    },
    {
      name: 'may exit while it drains, without a signal',
      steps: [
        ...started,
        ['stop', 'drain 1 alone 1000'],
        ['exit 1 normal', 'left 1@0: died', 'stopped'],
        ['wait 100000'],
      ],
    },
    {
      name: 'is signalled and killed at once without a grace period',
      policy: { grace: 0 },
      steps: [
        ...started,
        ['stop', 'drain 1 alone 0'],
        ['wait 0', 'signal 1', 'kill 1', 'killed 1@0: was still there after its grace period of 0ms'],
      ],
    },
    {
      name: 'is signalled without a drain if it was only starting, and has the whole grace period',
      steps: [
        ['start', 'spawn 1@0'],
        ['stop', 'signal 1'],
        ['wait 999'],
        ['wait 1', 'kill 1', 'killed 1@0: was still there after its grace period of 1s'],
      ],
    },
  ])
})

suite('a stop', () => {
  testScenarios([
    {
      name: 'of an app that does not run is over at once',
      steps: [['stop', 'stopped']],
      operation: 'none',
      wanted: 'stopped',
    },
    {
      name: 'lets all workers leave at the same time, and is over when the last is gone',
      size: 2,
      steps: [
        ...startedTwo,
        ['stop', 'drain 1 alone 1000', 'drain 2 alone 1000'],
        ['exit 2 normal', 'left 2@1: died'],
        ['stop'],
        ['exit 1 normal', 'left 1@0: died', 'stopped'],
      ],
      operation: 'none',
    },
    {
      name: 'ends a start',
      size: 2,
      steps: [
        ['start fresh', 'spawn 1@0', 'spawn 2@1'],
        ['ready 1', 'worker-ready 1@0'],
        ['stop', 'drain 1 alone 1000', 'signal 2'],
        ['ready 2'],
        ['exit 2 crash', 'left 2@1: died'],
        ['exit 1 normal', 'left 1@0: died', 'stopped'],
      ],
    },
    {
      name: 'ends a reload: the old worker, the new one and the queue',
      size: 2,
      steps: [
        ...startedTwo,
        ['reload', 'spawn 3@0'],
        ['ready 3', 'worker-ready 3@0'],
        ['stop', 'drain 1 alone 1000', 'drain 2 alone 1000', 'drain 3 alone 1000'],
        ['exit 3 normal', 'left 3@0: died'],
        ['exit 2 normal', 'left 2@1: died'],
        ['exit 1 normal', 'left 1@0: died', 'stopped'],
      ],
    },
    {
      name: 'ends a restart: nothing is started again',
      steps: [
        ...started,
        ['restart', 'drain 1 alone 1000'],
        ['stop'],
        ['exit 1 normal', 'left 1@0: died', 'stopped'],
      ],
      workers: '',
      wanted: 'stopped',
    },
    {
      name: 'ends a scale',
      steps: [
        ...started,
        ['scale 2', 'spawn 2@1'],
        ['stop', 'drain 1 alone 1000', 'signal 2'],
        ['exit 1 normal', 'left 1@0: died'],
        ['exit 2 normal', 'left 2@1: died', 'stopped'],
      ],
    },
    {
      name: 'ends a backoff: the time that was waited for brings nobody back',
      steps: [
        ['start', 'spawn 1@0'],
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 2@0'],
        ['exit 2 crash', 'crashed 2@0: died', 'backoff @0 100'],
        ['stop', 'stopped'],
        ['wait 100000'],
      ],
      workers: '',
    },
    {
      name: 'waits for a worker found at fault before it, whose exit is still told as a crash',
      steps: [
        ...started,
        ['fault 1 blocked', 'signal 1'],
        ['stop'],
        ['exit 1 normal', 'crashed 1@0: blocked', 'stopped'],
      ],
      workers: '',
    },
    {
      name: 'starts nobody in the place of a worker that crashes on its way out',
      size: 2,
      steps: [
        ...startedTwo,
        ['stop', 'drain 1 alone 1000', 'drain 2 alone 1000'],
        ['exit 1 crash', 'left 1@0: died'],
        ['wait 800', 'signal 2'],
      ],
      workers: '2:ending',
    },
    {
      name: 'is followed by a start with slots as new',
      policy: { intensity: 1 },
      steps: [
        ['start', 'spawn 1@0'],
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 2@0'],
        ['stop', 'signal 2'],
        ['exit 2 normal', 'left 2@0: died', 'stopped'],
        ['start', 'spawn 3@0'],
        ['exit 3 crash', 'crashed 3@0: died', 'spawn 4@0'],
      ],
    },
  ])
})
