// A worker whose event loop does not turn: it can neither drain nor hear a signal, so it is killed at once and replaced.
import { suite } from 'node:test'
import { started } from '../support/lifecycle/leads.ts'
import { testScenarios } from '../support/lifecycle/scenario.ts'

const killed = ['kill 1', 'killed 1@0: loop'] as const

suite('a blocked worker', () => {
  testScenarios([
    {
      name: 'is killed without drain or signal, and replaced when it is gone',
      steps: [
        ...started,
        ['blocked 1 loop', ...killed],
        ['wait 100000'],
        ['exit 1 SIGKILL', 'crashed 1@0: loop', 'spawn 2@0'],
      ],
    },
    {
      name: 'is killed once however often that is told, and whatever else is wrong with it',
      steps: [...started, ['blocked 1 loop', ...killed], ['blocked 1 again'], ['fault 1 bad'], ['drained 1']],
      workers: '1:killed',
    },
    {
      name: 'counts as a crash, not as killed from outside: the second one waits',
      steps: [
        ...started,
        ['blocked 1 loop', ...killed],
        ['exit 1 SIGKILL', 'crashed 1@0: loop', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        ['blocked 2 loop', 'kill 2', 'killed 2@0: loop'],
        ['exit 2 SIGKILL', 'crashed 2@0: loop', 'backoff @0 100'],
      ],
    },
    {
      name: 'after a whole period of being ready is a first crash: the one before counts no more',
      steps: [
        ...started,
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        ['wait 10000'],
        ['blocked 2 loop', 'kill 2', 'killed 2@0: loop'],
        ['exit 2 SIGKILL', 'crashed 2@0: loop', 'spawn 3@0'],
      ],
    },
    {
      name: 'one millisecond before that is one more crash',
      steps: [
        ...started,
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        ['wait 9999'],
        ['blocked 2 loop', 'kill 2', 'killed 2@0: loop'],
        ['exit 2 SIGKILL', 'crashed 2@0: loop', 'backoff @0 100'],
      ],
    },
    {
      name: 'counts for the intensity',
      policy: { intensity: 0 },
      steps: [
        ...started,
        ['blocked 1 loop', ...killed],
        [
          'exit 1 SIGKILL',
          'crashed 1@0: loop',
          'slot-failed @0: 0 restarts within 10s; the last: loop',
          'finished, failed',
        ],
      ],
    },
    {
      name: 'is restarted though its exit code would end the slot',
      policy: { restart: 'transient', stopExitCodes: [1] },
      steps: [...started, ['blocked 1 loop', ...killed], ['exit 1 crash', 'crashed 1@0: loop', 'spawn 2@0']],
    },
    {
      name: 'that was starting ends a fresh start',
      steps: [
        ['start fresh', 'spawn 1@0'],
        ['blocked 1 loop', ...killed],
        ['exit 1 SIGKILL', 'crashed 1@0: loop', 'start-failed @0: loop'],
      ],
    },
    {
      name: 'that was at fault already has its grace period',
      steps: [
        ...started,
        ['fault 1 bad', 'signal 1'],
        ['blocked 1 loop'],
        ['wait 999'],
        ['wait 1', 'kill 1', 'killed 1@0: bad'],
      ],
    },
    {
      name: 'that is draining has its grace period: that is soon enough',
      steps: [
        ...started,
        ['stop', 'drain 1 alone 1000'],
        ['blocked 1 loop'],
        ['wait 800', 'signal 1'],
        ['blocked 1 loop'],
        ['wait 200', 'kill 1', 'killed 1@0: was still there after its grace period of 1s'],
        ['blocked 1 loop'],
        ['exit 1 SIGKILL', 'left 1@0: died', 'stopped'],
      ],
    },
    {
      name: 'that is gone is nobody',
      steps: [...started, ['exit 1 crash', 'crashed 1@0: died', 'spawn 2@0'], ['blocked 1 loop']],
    },
    {
      name: 'that is being reloaded leaves its slot to the new one',
      policy: { intensity: 0 },
      steps: [
        ...started,
        ['reload', 'spawn 2@0'],
        ['blocked 1 loop', ...killed],
        ['exit 1 SIGKILL', 'crashed 1@0: loop'],
        ['ready 2', 'worker-ready 2@0'],
        ['wait 250', 'reloaded'],
      ],
      slots: 'active',
    },
    {
      name: 'that is the new one of a reload ends it when it is gone',
      steps: [
        ...started,
        ['reload', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        ['blocked 2 loop', 'kill 2', 'killed 2@0: loop'],
        ['wait 250'],
        ['exit 2 SIGKILL', 'crashed 2@0: loop', 'reload-aborted @0: loop'],
      ],
      workers: '1:ready',
    },
    {
      name: 'that is the new one of a renewal leaves the old one',
      steps: [
        ...started,
        ['renew 1 leaky', 'renewing 1@0: leaky', 'spawn 2@0'],
        ['blocked 2 loop', 'kill 2', 'killed 2@0: loop'],
        ['exit 2 SIGKILL', 'crashed 2@0: loop', 'renewal-failed @0: loop'],
      ],
      workers: '1:ready',
    },
    {
      name: 'that has not come back to a new supervisor is killed and replaced as well',
      inherited: true,
      steps: [
        ['found 1@0'],
        ['blocked 1 loop', ...killed],
        ['exit 1 SIGKILL', 'crashed 1@0: loop', 'spawn 2@0'],
      ],
    },
    {
      name: 'does not hold a stop up',
      steps: [
        ...started,
        ['blocked 1 loop', ...killed],
        ['stop'],
        ['exit 1 SIGKILL', 'crashed 1@0: loop', 'stopped'],
      ],
      workers: '',
    },
  ])
})
