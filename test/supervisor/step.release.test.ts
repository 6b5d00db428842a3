// A reload to another release: what each slot runs and restarts with, and how a release that fails is taken back.
import { suite } from 'node:test'
import { started, startedThree, startedTwo } from '../support/lifecycle/leads.ts'
import { testScenarios } from '../support/lifecycle/scenario.ts'

/** Slot 0 has the new release, and slot 1's new worker starts. */
const oneReplaced = [
  ...startedThree,
  ['release 2', 'spawn 4@0 release 2'],
  ['ready 4', 'worker-ready 4@0'],
  ['wait 250', 'drain 1 hand-on 1000', 'spawn 5@1 release 2'],
  ['exit 1 normal', 'left 1@0: died'],
] as const

/** Slots 0 and 1 have the new release, and slot 2's new worker starts. */
const twoReplaced = [
  ...oneReplaced,
  ['ready 5', 'worker-ready 5@1'],
  ['wait 250', 'drain 2 hand-on 1000', 'spawn 6@2 release 2'],
  ['exit 2 normal', 'left 2@1: died'],
] as const

const released = [
  ...started,
  ['release 2', 'spawn 2@0 release 2'],
  ['ready 2', 'worker-ready 2@0'],
  ['wait 250', 'drain 1 hand-on 1000'],
  ['exit 1 normal', 'left 1@0: died', 'reloaded'],
] as const

suite('a reload to another release', () => {
  testScenarios([
    {
      name: 'gives each slot a worker of it',
      size: 3,
      steps: [
        ...twoReplaced,
        ['ready 6', 'worker-ready 6@2'],
        ['wait 250', 'drain 3 hand-on 1000'],
        ['exit 3 normal', 'left 3@2: died', 'reloaded'],
      ],
      releases: '4:2 5:2 6:2',
      operation: 'none',
    },
    {
      name: 'is what crashed slots restart with and new slots begin with from then on',
      steps: [
        ...released,
        ['exit 2 crash', 'crashed 2@0: died', 'spawn 3@0 release 2'],
        ['ready 3', 'worker-ready 3@0'],
        ['scale 2', 'spawn 4@1 release 2'],
        ['ready 4', 'worker-ready 4@1', 'scaled'],
      ],
      releases: '3:2 4:2',
    },
    {
      name: 'lasts over a restart, and over a stop and a start',
      steps: [
        ...released,
        ['restart', 'drain 2 alone 1000'],
        ['exit 2 normal', 'left 2@0: died', 'spawn 3@0 release 2'],
        ['ready 3', 'worker-ready 3@0', 'started'],
        ['stop', 'drain 3 alone 1000'],
        ['exit 3 normal', 'left 3@0: died', 'stopped'],
        ['start', 'spawn 4@0 release 2'],
      ],
    },
    {
      name: 'restarts the slot that has it with it, and a slot that does not have it yet with the old one',
      size: 3,
      steps: [
        ...oneReplaced,
        ['exit 4 crash', 'crashed 4@0: died', 'spawn 6@0 release 2'],
        ['exit 3 crash', 'crashed 3@2: died', 'spawn 7@2'],
      ],
      workers: '2:ready 5:starting 6:starting 7:starting',
      operation: 'reload',
    },
    {
      name: 'keeps a slot that waits in backoff to the release that crashed there',
      size: 3,
      steps: [
        ...oneReplaced,
        ['exit 4 crash', 'crashed 4@0: died', 'spawn 6@0 release 2'],
        ['exit 6 crash', 'crashed 6@0: died', 'backoff @0 100'],
        ['wait 100', 'spawn 7@0 release 2'],
      ],
    },
    {
      name: 'of an app that does not run starts it with that release',
      steps: [
        ['release 2', 'spawn 1@0 release 2'],
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 2@0 release 2'],
        ['ready 2', 'worker-ready 2@0', 'started'],
      ],
    },
    {
      name: 'leaves a slot that comes only afterwards with a worker of it, too',
      size: 2,
      steps: [
        ...startedTwo,
        ['scale 1', 'drain 2 hand-on 1000'],
        ['exit 2 normal', 'left 2@1: died', 'scaled'],
        ['release 2', 'spawn 3@0 release 2'],
        ['ready 3', 'worker-ready 3@0'],
        ['wait 250', 'drain 1 hand-on 1000'],
        ['exit 1 normal', 'left 1@0: died', 'reloaded'],
        ['scale 2', 'spawn 4@1 release 2'],
      ],
    },
    {
      name: 'that is stopped in the middle leaves the app to the release before it',
      size: 3,
      steps: [
        ...oneReplaced,
        ['stop', 'drain 2 alone 1000', 'drain 3 alone 1000', 'drain 4 alone 1000', 'signal 5'],
        ['exit 2 normal', 'left 2@1: died'],
        ['exit 3 normal', 'left 3@2: died'],
        ['exit 4 normal', 'left 4@0: died'],
        ['exit 5 crash', 'left 5@1: died', 'stopped'],
        ['start', 'spawn 6@0', 'spawn 7@1', 'spawn 8@2'],
      ],
    },
  ])
})

suite('a release whose new worker fails', () => {
  testScenarios([
    {
      name: 'in the first slot has replaced nothing, so nothing is taken back',
      size: 3,
      steps: [
        ...startedThree,
        ['release 2', 'spawn 4@0 release 2'],
        ['exit 4 crash', 'crashed 4@0: died', 'reload-aborted @0: died'],
        ['wait 100000'],
      ],
      workers: '1:ready 2:ready 3:ready',
      operation: 'none',
    },
    {
      name: 'in the second slot is taken back from the first',
      size: 3,
      steps: [
        ...oneReplaced,
        ['exit 5 crash', 'crashed 5@1: died', 'reload-aborted @1: died', 'spawn 6@0'],
        ['ready 6', 'worker-ready 6@0'],
        ['wait 249'],
        ['wait 1', 'drain 4 hand-on 1000'],
        ['exit 4 normal', 'left 4@0: died', 'rolled-back'],
      ],
      releases: '2:1 3:1 6:1',
      operation: 'none',
    },
    {
      name: 'in the last slot is taken back from all others, one after the other',
      size: 3,
      steps: [
        ...twoReplaced,
        ['exit 6 crash', 'crashed 6@2: died', 'reload-aborted @2: died', 'spawn 7@0'],
        ['ready 7', 'worker-ready 7@0'],
        ['wait 250', 'drain 4 hand-on 1000', 'spawn 8@1'],
        ['exit 4 normal', 'left 4@0: died'],
        ['ready 8', 'worker-ready 8@1'],
        ['wait 250', 'drain 5 hand-on 1000'],
        ['exit 5 normal', 'left 5@1: died', 'rolled-back'],
      ],
      releases: '3:1 7:1 8:1',
    },
    {
      name: 'before the old worker of the slot before is gone is taken back when that one is gone',
      size: 2,
      steps: [
        ...startedTwo,
        ['release 2', 'spawn 3@0 release 2'],
        ['ready 3', 'worker-ready 3@0'],
        ['wait 250', 'drain 1 hand-on 1000', 'spawn 4@1 release 2'],
        ['exit 4 crash', 'crashed 4@1: died', 'reload-aborted @1: died'],
        ['drained 1', 'signal 1'],
        ['exit 1 normal', 'left 1@0: died', 'spawn 5@0'],
        ['ready 5', 'worker-ready 5@0'],
        ['wait 250', 'drain 3 hand-on 1000'],
        ['exit 3 normal', 'left 3@0: died', 'rolled-back'],
      ],
      releases: '2:1 5:1',
    },
    {
      name: 'in a slot that had nobody else restarts that slot with the old release',
      size: 3,
      steps: [
        ...oneReplaced,
        ['exit 2 crash', 'crashed 2@1: died'],
        ['exit 5 crash', 'crashed 5@1: died', 'reload-aborted @1: died', 'spawn 6@0', 'spawn 7@1'],
      ],
    },
    {
      name: 'is forgotten: the next start, restart or scale has the old one',
      size: 2,
      steps: [
        ...startedTwo,
        ['release 2', 'spawn 3@0 release 2'],
        ['exit 3 crash', 'crashed 3@0: died', 'reload-aborted @0: died'],
        ['scale 3', 'spawn 4@2'],
        ['ready 4', 'worker-ready 4@2', 'scaled'],
        ['reload 1', 'spawn 5@1'],
      ],
    },
    {
      name: 'leaves alone what an earlier plain reload did',
      size: 2,
      steps: [
        ...startedTwo,
        ['plain release 2', 'spawn 3@0 release 2'],
        ['ready 3', 'worker-ready 3@0'],
        ['wait 250', 'drain 1 hand-on 1000', 'spawn 4@1 release 2'],
        ['exit 1 normal', 'left 1@0: died'],
        ['exit 4 crash', 'crashed 4@1: died', 'reload-aborted @1: died'],
        ['release 3', 'spawn 5@0 release 3'],
        ['exit 5 crash', 'crashed 5@0: died', 'reload-aborted @0: died'],
      ],
      releases: '2:1 3:2',
      operation: 'none',
    },
  ])
})

suite('a release whose already trusted worker crashes during the reload', () => {
  testScenarios([
    {
      name: 'goes on, and that slot restarts with it',
      size: 3,
      steps: [
        ...twoReplaced,
        ['exit 4 crash', 'crashed 4@0: died', 'spawn 7@0 release 2'],
        ['ready 7', 'worker-ready 7@0'],
        ['ready 6', 'worker-ready 6@2'],
        ['wait 250', 'drain 3 hand-on 1000'],
        ['exit 3 normal', 'left 3@2: died', 'reloaded'],
      ],
      releases: '5:2 6:2 7:2',
    },
    {
      name: 'so often that its slot fails is taken back, and the failed slot comes back with the old release',
      size: 3,
      policy: { intensity: 1 },
      steps: [
        ...oneReplaced,
        ['exit 4 crash', 'crashed 4@0: died', 'spawn 6@0 release 2'],
        [
          'exit 6 crash',
          'crashed 6@0: died',
          'slot-failed @0: 1 restarts within 10s; the last: died',
          'reload-aborted @0: 1 restarts within 10s; the last: died',
          'signal 5',
          'spawn 7@0',
        ],
        ['exit 5 crash', 'left 5@1: died'],
        ['ready 7', 'worker-ready 7@0'],
        ['wait 250', 'rolled-back'],
      ],
      releases: '2:1 3:1 7:1',
      slots: 'active active active',
    },
    {
      name: 'so often that its slot fails while its old worker still drains comes back in the one slot there is',
      policy: { intensity: 0 },
      steps: [
        ...started,
        ['release 2', 'spawn 2@0 release 2'],
        ['ready 2', 'worker-ready 2@0'],
        ['wait 250', 'drain 1 hand-on 1000'],
        [
          'exit 2 crash',
          'crashed 2@0: died',
          'slot-failed @0: 0 restarts within 10s; the last: died',
          'reload-aborted @0: 0 restarts within 10s; the last: died',
        ],
        ['exit 1 normal', 'left 1@0: died', 'spawn 3@0'],
        ['ready 3', 'worker-ready 3@0'],
        ['wait 250', 'rolled-back'],
      ],
      releases: '3:1',
    },
    {
      name: 'does not stop for a slot that fails before its turn: the new release may well mend it',
      size: 3,
      policy: { intensity: 0 },
      steps: [
        ...oneReplaced,
        ['exit 3 crash', 'crashed 3@2: died', 'slot-failed @2: 0 restarts within 10s; the last: died'],
        ['ready 5', 'worker-ready 5@1'],
        ['wait 250', 'drain 2 hand-on 1000', 'spawn 6@2 release 2'],
      ],
      slots: 'active active active',
      operation: 'reload',
    },
  ])
})

/** Slots 0 and 1 are to get the old release back; slot 0's new worker of it starts. */
const rollingBack = [
  ...twoReplaced,
  ['exit 6 crash', 'crashed 6@2: died', 'reload-aborted @2: died', 'spawn 7@0'],
] as const

suite('while a release is taken back', () => {
  testScenarios([
    {
      name: 'a failure ends that, and nobody else is replaced',
      size: 3,
      steps: [
        ...rollingBack,
        ['exit 7 crash', 'crashed 7@0: died', 'rolled-back, but for: died'],
        ['wait 100000'],
      ],
      releases: '3:1 4:2 5:2',
      operation: 'none',
    },
    {
      name: 'a failure in a slot that has nobody else is a crash of the old release',
      size: 3,
      steps: [
        ...rollingBack,
        ['exit 4 crash', 'crashed 4@0: died'],
        ['exit 7 crash', 'crashed 7@0: died', 'rolled-back, but for: died', 'spawn 8@0'],
      ],
      releases: '3:1 5:2 8:1',
    },
    {
      name: 'what is left of it after a failure is replaced by the old one when it crashes or is renewed',
      size: 3,
      steps: [
        ...rollingBack,
        ['exit 7 crash', 'crashed 7@0: died', 'rolled-back, but for: died'],
        ['exit 4 crash', 'crashed 4@0: died', 'spawn 8@0'],
        ['ready 8', 'worker-ready 8@0'],
        ['renew 5 leaky', 'renewing 5@1: leaky', 'spawn 9@1'],
      ],
    },
    {
      name: 'a worker that crashes while it waits for its turn does not come back with it',
      size: 3,
      steps: [
        ...rollingBack,
        ['exit 5 crash', 'crashed 5@1: died', 'spawn 8@1'],
        ['ready 8', 'worker-ready 8@1'],
      ],
      releases: '3:1 4:2 7:1 8:1',
    },
    {
      name: 'a crash in a slot that never had it is restarted with the old one',
      size: 3,
      steps: [...rollingBack, ['exit 3 crash', 'crashed 3@2: died', 'spawn 8@2']],
    },
    {
      name: 'commands are refused',
      size: 3,
      steps: [...rollingBack, ['reload', 'refused reload during reload']],
    },
    {
      name: 'a stop ends it',
      size: 3,
      steps: [
        ...rollingBack,
        ['stop', 'drain 3 alone 1000', 'drain 4 alone 1000', 'drain 5 alone 1000', 'signal 7'],
        ['exit 3 normal', 'left 3@2: died'],
        ['exit 4 normal', 'left 4@0: died'],
        ['exit 5 normal', 'left 5@1: died'],
        ['exit 7 crash', 'left 7@0: died', 'stopped'],
        ['start', 'spawn 8@0', 'spawn 9@1', 'spawn 10@2'],
      ],
    },
  ])
})

suite('a plain reload to another release that fails', () => {
  testScenarios([
    {
      name: 'takes nothing back, and the slots it got to restart with it',
      size: 2,
      steps: [
        ...startedTwo,
        ['plain release 2', 'spawn 3@0 release 2'],
        ['ready 3', 'worker-ready 3@0'],
        ['wait 250', 'drain 1 hand-on 1000', 'spawn 4@1 release 2'],
        ['exit 1 normal', 'left 1@0: died'],
        ['exit 4 crash', 'crashed 4@1: died', 'reload-aborted @1: died'],
        ['exit 3 crash', 'crashed 3@0: died', 'spawn 5@0 release 2'],
        ['exit 2 crash', 'crashed 2@1: died', 'spawn 6@1'],
        ['ready 5', 'worker-ready 5@0'],
        ['ready 6', 'worker-ready 6@1'],
        ['scale 3', 'spawn 7@2'],
      ],
      releases: '5:2 6:1 7:1',
    },
  ])
})
