// The canary: a reload's first new worker serves beside the old one for a while, and nobody else moves until it has done well.
import { suite } from 'node:test'
import { started, startedThree, startedTwo } from '../support/lifecycle/leads.ts'
import { testScenarios } from '../support/lifecycle/scenario.ts'

const canary = { canary: 5000 } as const

const watched = [
  ...startedThree,
  ['release 2', 'spawn 4@0 release 2'],
  ['ready 4', 'worker-ready 4@0'],
] as const

suite('a canary', () => {
  testScenarios([
    {
      name: 'is watched for its whole time, then the others follow as usual',
      size: 3,
      policy: canary,
      steps: [
        ...watched,
        ['wait 4999'],
        ['wait 1', 'canary-passed @0', 'drain 1 hand-on 1000', 'spawn 5@1 release 2'],
        ['exit 1 normal', 'left 1@0: died'],
        ['ready 5', 'worker-ready 5@1'],
        ['wait 249'],
        ['wait 1', 'drain 2 hand-on 1000', 'spawn 6@2 release 2'],
        ['exit 2 normal', 'left 2@1: died'],
        ['ready 6', 'worker-ready 6@2'],
        ['wait 250', 'drain 3 hand-on 1000'],
        ['exit 3 normal', 'left 3@2: died', 'reloaded'],
      ],
    },
    {
      name: 'is alone however many slots are replaced at a time; the rest then go together',
      size: 3,
      policy: { ...canary, parallel: 2 },
      steps: [
        ...watched,
        [
          'wait 5000',
          'canary-passed @0',
          'drain 1 hand-on 1000',
          'spawn 5@1 release 2',
          'spawn 6@2 release 2',
        ],
      ],
    },
    {
      name: 'is watched no shorter than other new workers settle',
      size: 2,
      policy: { canary: 100 },
      steps: [
        ...startedTwo,
        ['reload', 'spawn 3@0'],
        ['ready 3', 'worker-ready 3@0'],
        ['wait 249'],
        ['wait 1', 'canary-passed @0', 'drain 1 hand-on 1000', 'spawn 4@1'],
      ],
    },
    {
      name: 'that crashes while it is watched ends the reload, and nothing has to be taken back',
      size: 3,
      policy: canary,
      steps: [
        ...watched,
        ['wait 4999'],
        ['exit 4 crash', 'crashed 4@0: died', 'reload-aborted @0: died'],
        ['wait 100000'],
      ],
      releases: '1:1 2:1 3:1',
      operation: 'none',
    },
    {
      name: 'that never becomes ready ends the reload',
      size: 3,
      policy: canary,
      steps: [
        ...startedThree,
        ['reload', 'spawn 4@0'],
        ['wait 5000', 'kill 4', 'killed 4@0: was not ready within 5s'],
        [
          'exit 4 SIGKILL',
          'crashed 4@0: was not ready within 5s',
          'reload-aborted @0: was not ready within 5s',
        ],
      ],
      workers: '1:ready 2:ready 3:ready',
    },
    {
      name: 'that is found at fault is gone before the reload ends, and its time does not pass it meanwhile',
      size: 3,
      policy: { ...canary, grace: 9000 },
      steps: [
        ...watched,
        ['fault 4 errors', 'signal 4'],
        ['wait 5000'],
        ['exit 4 normal', 'crashed 4@0: errors', 'reload-aborted @0: errors'],
      ],
      releases: '1:1 2:1 3:1',
    },
    {
      name: 'that blocks is killed, which ends the reload',
      size: 3,
      policy: canary,
      steps: [
        ...watched,
        ['blocked 4 loop', 'kill 4', 'killed 4@0: loop'],
        ['exit 4 SIGKILL', 'crashed 4@0: loop', 'reload-aborted @0: loop'],
      ],
      workers: '1:ready 2:ready 3:ready',
    },
    {
      name: 'whose slot loses its old worker goes on, and takes the slot over',
      size: 3,
      policy: canary,
      steps: [
        ...watched,
        ['exit 1 crash', 'crashed 1@0: died'],
        ['wait 5000', 'canary-passed @0', 'spawn 5@1 release 2'],
      ],
    },
    {
      name: 'that fails after its slot has lost the old worker leaves the slot to a restart with the old release',
      size: 3,
      policy: canary,
      steps: [
        ...watched,
        ['exit 1 crash', 'crashed 1@0: died'],
        ['exit 4 crash', 'crashed 4@0: died', 'reload-aborted @0: died', 'spawn 5@0'],
      ],
    },
    {
      name: 'does not keep other slots, the next among them, from restarting',
      size: 3,
      policy: canary,
      steps: [
        ...watched,
        ['exit 2 crash', 'crashed 2@1: died', 'spawn 5@1'],
        ['exit 3 crash', 'crashed 3@2: died', 'spawn 6@2'],
        ['ready 5', 'worker-ready 5@1'],
        ['ready 6', 'worker-ready 6@2'],
      ],
      releases: '1:1 4:2 5:1 6:1',
    },
    {
      name: 'waits for room in its slot, and nobody overtakes it',
      size: 2,
      policy: { ...canary, parallel: 2 },
      steps: [
        ...startedTwo,
        ['fault 1 bad', 'signal 1'],
        ['release 2'],
        ['exit 1 crash', 'crashed 1@0: bad', 'spawn 3@0 release 2'],
      ],
    },
    {
      name: 'that has passed is taken back like any other when a later slot fails',
      size: 3,
      policy: canary,
      steps: [
        ...watched,
        ['wait 5000', 'canary-passed @0', 'drain 1 hand-on 1000', 'spawn 5@1 release 2'],
        ['exit 1 normal', 'left 1@0: died'],
        ['exit 5 crash', 'crashed 5@1: died', 'reload-aborted @1: died', 'spawn 6@0'],
        ['ready 6', 'worker-ready 6@0'],
        ['wait 250', 'drain 4 hand-on 1000'],
        ['exit 4 normal', 'left 4@0: died', 'rolled-back'],
      ],
      releases: '2:1 3:1 6:1',
    },
    {
      name: 'is ended by a stop',
      size: 3,
      policy: canary,
      steps: [
        ...watched,
        ['stop', 'drain 1 alone 1000', 'drain 2 alone 1000', 'drain 3 alone 1000', 'drain 4 alone 1000'],
      ],
      operation: 'stop',
    },
  ])
})

suite('there is no canary', () => {
  testScenarios([
    {
      name: 'when the slots are given',
      size: 3,
      policy: canary,
      steps: [
        ...startedThree,
        ['reload 0 1', 'spawn 4@0'],
        ['ready 4', 'worker-ready 4@0'],
        ['wait 250', 'drain 1 hand-on 1000', 'spawn 5@1'],
      ],
    },
    {
      name: 'in a renewal',
      size: 3,
      policy: canary,
      steps: [
        ...startedThree,
        ['renew 2 leaky', 'renewing 2@1: leaky', 'spawn 4@1'],
        ['ready 4', 'worker-ready 4@1'],
        ['wait 250', 'drain 2 hand-on 1000'],
      ],
    },
    {
      name: 'when a release is taken back',
      size: 3,
      policy: canary,
      steps: [
        ...watched,
        ['wait 5000', 'canary-passed @0', 'drain 1 hand-on 1000', 'spawn 5@1 release 2'],
        ['exit 1 normal', 'left 1@0: died'],
        ['ready 5', 'worker-ready 5@1'],
        ['wait 250', 'drain 2 hand-on 1000', 'spawn 6@2 release 2'],
        ['exit 2 normal', 'left 2@1: died'],
        ['exit 6 crash', 'crashed 6@2: died', 'reload-aborted @2: died', 'spawn 7@0'],
        ['ready 7', 'worker-ready 7@0'],
        ['wait 250', 'drain 4 hand-on 1000', 'spawn 8@1'],
      ],
    },
  ])
})

suite('the canary of an app of one slot', () => {
  testScenarios([
    {
      name: 'serves beside the old worker for its time',
      policy: canary,
      steps: [
        ...started,
        ['release 2', 'spawn 2@0 release 2'],
        ['ready 2', 'worker-ready 2@0'],
        ['wait 4999'],
        ['wait 1', 'canary-passed @0', 'drain 1 hand-on 1000'],
      ],
    },
  ])
})
