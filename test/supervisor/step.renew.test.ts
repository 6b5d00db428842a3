// Renewals: workers that are leaky, busy or old are replaced gently, one after the other, and never in anybody's way.
import { suite } from 'node:test'
import { started, startedTwo } from '../support/lifecycle/leads.ts'
import { type Scenario, testScenarios } from '../support/lifecycle/scenario.ts'

const renewing = [...started, ['renew 1 leaky', 'renewing 1@0: leaky', 'spawn 2@0']] as const

/** The new worker has settled, the old one drains. */
const handedOver = [
  ...renewing,
  ['ready 2', 'worker-ready 2@0'],
  ['wait 250', 'drain 1 hand-on 1000'],
] as const

suite('a renewal', () => {
  testScenarios([
    {
      name: 'is the reload of one slot: the old worker leaves when the new one has settled',
      size: 2,
      steps: [
        ...startedTwo,
        ['renew 2 leaky', 'renewing 2@1: leaky', 'spawn 3@1'],
        ['ready 3', 'worker-ready 3@1'],
        ['wait 249'],
        ['wait 1', 'drain 2 hand-on 1000'],
        ['exit 2 normal', 'left 2@1: died', 'renewed @1'],
        ['wait 100000'],
      ],
      workers: '1:ready 3:ready',
      operation: 'none',
    },
    {
      name: 'waits for the one before it to be over',
      size: 2,
      steps: [
        ...startedTwo,
        ['renew 2 leaky', 'renewing 2@1: leaky', 'spawn 3@1'],
        ['renew 1 old'],
        ['ready 3', 'worker-ready 3@1'],
        ['wait 250', 'drain 2 hand-on 1000'],
        ['exit 2 normal', 'left 2@1: died', 'renewed @1'],
        ['wait 0', 'renewing 1@0: old', 'spawn 4@0'],
      ],
    },
    {
      name: 'comes one at a time however many slots a reload replaces at once',
      size: 2,
      policy: { parallel: 2 },
      steps: [...startedTwo, ['renew 1 old', 'renewing 1@0: old', 'spawn 3@0'], ['renew 2 old']],
      workers: '1:ready 2:ready 3:starting',
    },
    {
      name: 'that is asked for again while it goes on happens once',
      steps: [
        ...renewing,
        ['renew 1 leaky'],
        ['renew 1 old'],
        ['ready 2', 'worker-ready 2@0'],
        ['renew 1 leaky'],
        ['wait 250', 'drain 1 hand-on 1000'],
        ['renew 1 leaky'],
        ['exit 1 normal', 'left 1@0: died', 'renewed @0'],
        ['wait 100000'],
      ],
      workers: '2:ready',
    },
    {
      name: 'that is asked for twice while it waits happens once, for the first reason',
      size: 2,
      steps: [
        ...startedTwo,
        ['reload 0', 'spawn 3@0'],
        ['renew 2 leaky'],
        ['renew 2 old'],
        ['exit 3 crash', 'crashed 3@0: died', 'reload-aborted @0: died', 'renewing 2@1: leaky', 'spawn 4@1'],
        ['ready 4', 'worker-ready 4@1'],
        ['wait 250', 'drain 2 hand-on 1000'],
        ['exit 2 normal', 'left 2@1: died', 'renewed @1'],
        ['wait 100000'],
      ],
      workers: '1:ready 4:ready',
    },
    {
      name: 'of a worker that a reload replaces meanwhile is not needed any more',
      steps: [
        ...started,
        ['reload', 'spawn 2@0'],
        ['renew 1 leaky'],
        ['ready 2', 'worker-ready 2@0'],
        ['wait 250', 'drain 1 hand-on 1000'],
        ['exit 1 normal', 'left 1@0: died', 'reloaded'],
        ['wait 100000'],
      ],
      workers: '2:ready',
      operation: 'none',
    },
    {
      name: 'of a worker that crashes while it waits is not needed any more',
      size: 2,
      steps: [
        ...startedTwo,
        ['scale 3', 'spawn 3@2'],
        ['renew 1 leaky'],
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 4@0'],
        ['ready 4', 'worker-ready 4@0'],
        ['ready 3', 'worker-ready 3@2', 'scaled'],
        ['wait 100000'],
      ],
      workers: '2:ready 3:ready 4:ready',
    },
    {
      name: 'of a worker whose slot is given up meanwhile is not needed any more',
      size: 2,
      steps: [
        ...startedTwo,
        ['scale 1', 'drain 2 hand-on 1000'],
        ['renew 2 leaky'],
        ['exit 2 normal', 'left 2@1: died', 'scaled'],
        ['wait 100000'],
      ],
      workers: '1:ready',
    },
    {
      name: 'of a worker that is at fault before its turn leaves it to its restart',
      size: 2,
      steps: [
        ...startedTwo,
        ['reload 1', 'spawn 3@1'],
        ['renew 1 leaky'],
        ['fault 1 bad', 'signal 1'],
        ['exit 3 crash', 'crashed 3@1: died', 'reload-aborted @1: died'],
        ['wait 0'],
        ['exit 1 crash', 'crashed 1@0: bad', 'spawn 4@0'],
      ],
      operation: 'none',
    },
    ...['start', 'start fresh', 'restart'].map(
      (command): Scenario => ({
        name: `waits for a '${command}' that goes on`,
        size: 2,
        steps: [
          [command, 'spawn 1@0', 'spawn 2@1'],
          ['ready 1', 'worker-ready 1@0'],
          ['renew 1 leaky'],
          ['ready 2', 'worker-ready 2@1', 'started'],
          ['wait 0', 'renewing 1@0: leaky', 'spawn 3@0'],
        ],
      }),
    ),
    {
      name: 'waits while a release is taken back',
      size: 2,
      steps: [
        ...startedTwo,
        ['release 2', 'spawn 3@0 release 2'],
        ['ready 3', 'worker-ready 3@0'],
        ['wait 250', 'drain 1 hand-on 1000', 'spawn 4@1 release 2'],
        ['exit 1 normal', 'left 1@0: died'],
        ['exit 4 crash', 'crashed 4@1: died', 'reload-aborted @1: died', 'spawn 5@0'],
        ['renew 2 leaky'],
        ['ready 5', 'worker-ready 5@0'],
        ['wait 250', 'drain 3 hand-on 1000'],
        ['exit 3 normal', 'left 3@0: died', 'rolled-back'],
        ['wait 0', 'renewing 2@1: leaky', 'spawn 6@1'],
      ],
    },
    {
      name: 'is for ready workers: one that starts, settles or leaves, and one that is gone, are none',
      steps: [
        ['start', 'spawn 1@0'],
        ['renew 1 leaky'],
        ['ready 1', 'worker-ready 1@0', 'started'],
        ['renew 7 leaky'],
        ['reload', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        ['renew 2 leaky'],
        ['wait 250', 'drain 1 hand-on 1000'],
        ['renew 1 leaky'],
        ['exit 1 normal', 'left 1@0: died', 'reloaded'],
        ['renew 1 leaky'],
        ['wait 100000'],
      ],
      workers: '2:ready',
    },
    {
      name: 'is ended by a stop, and forgotten with all that waited',
      size: 2,
      steps: [
        ...startedTwo,
        ['renew 1 leaky', 'renewing 1@0: leaky', 'spawn 3@0'],
        ['renew 2 leaky'],
        ['stop', 'drain 1 alone 1000', 'drain 2 alone 1000', 'signal 3'],
        ['renew 2 leaky'],
        ['exit 1 normal', 'left 1@0: died'],
        ['exit 2 normal', 'left 2@1: died'],
        ['exit 3 normal', 'left 3@0: died', 'stopped'],
        ['renew 1 leaky'],
        ['wait 100000'],
        ['start', 'spawn 4@0', 'spawn 5@1'],
        ['ready 4', 'worker-ready 4@0'],
        ['ready 5', 'worker-ready 5@1', 'started'],
        ['wait 100000'],
      ],
      workers: '4:ready 5:ready',
    },
    {
      name: 'whose old worker crashes goes on with the new one',
      steps: [
        ...renewing,
        ['exit 1 crash', 'crashed 1@0: died'],
        ['ready 2', 'worker-ready 2@0'],
        ['wait 250', 'renewed @0'],
      ],
      workers: '2:ready',
    },
    {
      name: 'keeps the release of its slot',
      steps: [
        ...started,
        ['release 2', 'spawn 2@0 release 2'],
        ['ready 2', 'worker-ready 2@0'],
        ['wait 250', 'drain 1 hand-on 1000'],
        ['exit 1 normal', 'left 1@0: died', 'reloaded'],
        ['renew 2 leaky', 'renewing 2@0: leaky', 'spawn 3@0 release 2'],
      ],
    },
  ])
})

const failed = [
  ...startedTwo,
  ['renew 1 leaky', 'renewing 1@0: leaky', 'spawn 3@0'],
  ['exit 3 crash', 'crashed 3@0: died', 'renewal-failed @0: died'],
] as const

suite('a renewal that fails', () => {
  testScenarios([
    {
      name: 'leaves the old worker, and is tried again after a minute, and again',
      size: 2,
      steps: [
        ...failed,
        ['wait 59999'],
        ['wait 1', 'renewing 1@0: leaky', 'spawn 4@0'],
        ['exit 4 crash', 'crashed 4@0: died', 'renewal-failed @0: died'],
        ['wait 59999'],
        ['wait 1', 'renewing 1@0: leaky', 'spawn 5@0'],
        ['ready 5', 'worker-ready 5@0'],
        ['wait 250', 'drain 1 hand-on 1000'],
        ['exit 1 normal', 'left 1@0: died', 'renewed @0'],
        ['wait 100000'],
      ],
      workers: '2:ready 5:ready',
      slots: 'active active',
    },
    {
      name: 'is not tried again sooner because it is asked for again',
      size: 2,
      steps: [
        ...failed,
        ['renew 1 leaky'],
        ['wait 59999'],
        ['renew 1 leaky'],
        ['wait 1', 'renewing 1@0: leaky', 'spawn 4@0'],
      ],
    },
    {
      name: 'lets those that wait go first',
      size: 2,
      steps: [
        ...startedTwo,
        ['renew 1 leaky', 'renewing 1@0: leaky', 'spawn 3@0'],
        ['renew 2 old'],
        ['exit 3 crash', 'crashed 3@0: died', 'renewal-failed @0: died'],
        ['wait 60000', 'renewing 2@1: old', 'spawn 4@1'],
        ['exit 4 crash', 'crashed 4@1: died', 'renewal-failed @1: died'],
        ['wait 60000', 'renewing 1@0: leaky', 'spawn 5@0'],
      ],
    },
    {
      name: 'is not tried again when its worker is gone by itself',
      size: 2,
      steps: [
        ...failed,
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 4@0'],
        ['ready 4', 'worker-ready 4@0'],
        ['wait 100000'],
      ],
      workers: '2:ready 4:ready',
    },
    {
      name: 'holds no command back',
      size: 2,
      steps: [
        ...failed,
        ['reload 0', 'spawn 4@0'],
        ['ready 4', 'worker-ready 4@0'],
        ['wait 250', 'drain 1 hand-on 1000'],
        ['exit 1 normal', 'left 1@0: died', 'reloaded'],
        ['wait 100000'],
      ],
      workers: '2:ready 4:ready',
    },
    {
      name: 'because the new worker is not ready in time leaves the old one too',
      steps: [
        ...renewing,
        ['wait 5000', 'kill 2', 'killed 2@0: was not ready within 5s'],
        [
          'exit 2 SIGKILL',
          'crashed 2@0: was not ready within 5s',
          'renewal-failed @0: was not ready within 5s',
        ],
      ],
      workers: '1:ready',
    },
    {
      name: 'after the old worker has crashed is a crash of the slot',
      steps: [
        ...renewing,
        ['exit 1 crash', 'crashed 1@0: died'],
        ['exit 2 crash', 'crashed 2@0: died', 'renewal-failed @0: died', 'spawn 3@0'],
      ],
      operation: 'none',
    },
  ])
})

suite('during a renewal', () => {
  const last = ['exit 1 normal', 'left 1@0: died', 'renewed @0'] as const
  testScenarios([
    {
      name: 'a start waits, and is over at once afterwards',
      steps: [...handedOver, ['start'], [...last, 'started']],
      operation: 'none',
    },
    {
      name: 'a restart waits, and is performed afterwards',
      steps: [
        ...handedOver,
        ['restart'],
        [...last, 'drain 2 alone 1000'],
        ['exit 2 normal', 'left 2@0: died', 'spawn 3@0'],
        ['ready 3', 'worker-ready 3@0', 'started'],
      ],
    },
    {
      name: 'a reload waits, and is performed afterwards',
      steps: [
        ...handedOver,
        ['release 2'],
        [...last, 'spawn 3@0 release 2'],
        ['ready 3', 'worker-ready 3@0'],
        ['wait 250', 'drain 2 hand-on 1000'],
        ['exit 2 normal', 'left 2@0: died', 'reloaded'],
      ],
      releases: '3:2',
    },
    {
      name: 'a scale up waits, and is performed afterwards',
      steps: [...handedOver, ['scale 2'], [...last, 'spawn 3@1'], ['ready 3', 'worker-ready 3@1', 'scaled']],
    },
    {
      name: 'a scale down waits, and is performed afterwards',
      steps: [
        ...handedOver,
        ['scale 0'],
        [...last, 'drain 2 alone 1000'],
        ['exit 2 normal', 'left 2@0: died', 'scaled'],
      ],
    },
    {
      name: 'a command waits for its failure as well',
      steps: [
        ...renewing,
        ['release 2'],
        ['exit 2 crash', 'crashed 2@0: died', 'renewal-failed @0: died', 'spawn 3@0 release 2'],
      ],
    },
    {
      name: 'a command comes before renewals that wait',
      size: 2,
      steps: [
        ...startedTwo,
        ['renew 1 leaky', 'renewing 1@0: leaky', 'spawn 3@0'],
        ['renew 2 leaky'],
        ['reload 1'],
        ['ready 3', 'worker-ready 3@0'],
        ['wait 250', 'drain 1 hand-on 1000'],
        ['exit 1 normal', 'left 1@0: died', 'renewed @0', 'spawn 4@1'],
        ['ready 4', 'worker-ready 4@1'],
        ['wait 250', 'drain 2 hand-on 1000'],
        ['exit 2 normal', 'left 2@1: died', 'reloaded'],
        ['wait 100000'],
      ],
      workers: '3:ready 4:ready',
    },
    ...['start', 'restart', 'reload', 'scale 3'].map(
      (second): Scenario => ({
        name: `a second command, '${second}', is refused, and the first still comes`,
        steps: [
          ...handedOver,
          ['scale 2'],
          [second, `refused ${second.split(' ')[0]} during reload`],
          [...last, 'spawn 3@1'],
        ],
        operation: 'scale',
      }),
    ),
    {
      name: 'a stop forgets the command that waits',
      steps: [
        ...handedOver,
        ['scale 2'],
        ['stop', 'drain 2 alone 1000'],
        ['exit 1 normal', 'left 1@0: died'],
        ['exit 2 normal', 'left 2@0: died', 'stopped'],
        ['start', 'spawn 3@0'],
        ['ready 3', 'worker-ready 3@0', 'started'],
        ['wait 100000'],
      ],
      workers: '3:ready',
    },
    {
      name: 'a crash elsewhere is restarted at once',
      size: 2,
      steps: [
        ...startedTwo,
        ['renew 1 leaky', 'renewing 1@0: leaky', 'spawn 3@0'],
        ['exit 2 crash', 'crashed 2@1: died', 'spawn 4@1'],
      ],
    },
  ])
})

suite('a worker of the greatest age', () => {
  const maxAge = { age: 20_000, jitter: 0.1 }
  const renewed = ['renewing 1@0: is 20s old', 'spawn 2@0'] as const
  testScenarios([
    {
      name: 'is renewed, and its successor when that is as old',
      policy: { maxAge },
      steps: [
        ...started,
        ['wait 19999'],
        ['wait 1', ...renewed],
        ['ready 2', 'worker-ready 2@0'],
        ['wait 250', 'drain 1 hand-on 1000'],
        ['exit 1 normal', 'left 1@0: died', 'renewed @0'],
        ['wait 19999'],
        ['wait 1', 'renewing 2@0: is 20s old', 'spawn 3@0'],
      ],
    },
    {
      name: 'is renewed a tenth earlier at the least chance',
      policy: { maxAge },
      chance: 0,
      steps: [...started, ['wait 17999'], ['wait 1', 'renewing 1@0: is 18s old', 'spawn 2@0']],
    },
    {
      name: 'is renewed a twentieth later at three quarters of chance',
      policy: { maxAge },
      chance: 0.75,
      steps: [...started, ['wait 20999'], ['wait 1', 'renewing 1@0: is 21s old', 'spawn 2@0']],
    },
    {
      name: 'counts from when it was ready',
      policy: { maxAge },
      steps: [
        ['start', 'spawn 1@0'],
        ['wait 4000'],
        ['ready 1', 'worker-ready 1@0', 'started'],
        ['wait 19999'],
        ['wait 1', ...renewed],
      ],
    },
    {
      name: 'waits for a command that goes on',
      size: 2,
      policy: { maxAge, readyTimeout: 60_000 },
      steps: [
        ...startedTwo,
        ['scale 3', 'spawn 3@2'],
        ['wait 30000'],
        ['ready 3', 'worker-ready 3@2', 'scaled'],
        ['wait 0', 'renewing 1@0: is 20s old', 'spawn 4@0'],
      ],
    },
    {
      name: 'is tried again a minute after its renewal failed',
      policy: { maxAge },
      steps: [
        ...started,
        ['wait 20000', ...renewed],
        ['exit 2 crash', 'crashed 2@0: died', 'renewal-failed @0: died'],
        ['wait 59999'],
        ['wait 1', 'renewing 1@0: is 20s old', 'spawn 3@0'],
      ],
    },
    {
      name: 'and its equals are renewed one after the other',
      size: 2,
      policy: { maxAge },
      steps: [
        ...startedTwo,
        ['wait 20000', 'renewing 1@0: is 20s old', 'spawn 3@0'],
        ['ready 3', 'worker-ready 3@0'],
        ['wait 250', 'drain 1 hand-on 1000'],
        ['exit 1 normal', 'left 1@0: died', 'renewed @0'],
        ['wait 0', 'renewing 2@1: is 20s old', 'spawn 4@1'],
      ],
    },
    {
      name: 'may be made younger by other settings, from when it was ready',
      policy: { maxAge: { age: 20_000, jitter: 0 } },
      steps: [
        ...started,
        ['wait 4000'],
        ['maxAge 5000'],
        ['wait 999'],
        ['wait 1', 'renewing 1@0: is 5s old', 'spawn 2@0'],
      ],
    },
    {
      name: 'is renewed at once when other settings find it too old already',
      steps: [...started, ['wait 9000'], ['maxAge 5000'], ['wait 0', 'renewing 1@0: is 9s old', 'spawn 2@0']],
    },
    {
      name: 'may be made older by other settings',
      policy: { maxAge: { age: 20_000, jitter: 0 } },
      steps: [
        ...started,
        ['wait 19000'],
        ['maxAge 30000'],
        ['wait 10999'],
        ['wait 1', 'renewing 1@0: is 30s old', 'spawn 2@0'],
      ],
    },
    {
      name: 'is renewed once though the settings change while it is',
      policy: { maxAge: { age: 20_000, jitter: 0 } },
      steps: [
        ...started,
        ['wait 20000', ...renewed],
        ['maxAge 5000'],
        ['wait 0'],
        ['ready 2', 'worker-ready 2@0'],
        ['wait 250', 'drain 1 hand-on 1000'],
        ['exit 1 normal', 'left 1@0: died', 'renewed @0'],
        ['wait 4999'],
        ['wait 1', 'renewing 2@0: is 5s old', 'spawn 3@0'],
      ],
    },
  ])
})
