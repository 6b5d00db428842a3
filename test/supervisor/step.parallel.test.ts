// A reload of several slots at a time: how many new workers prove themselves at once, and what a failure means for the others.
import { suite } from 'node:test'
import { started } from '../support/lifecycle/leads.ts'
import { testScenarios } from '../support/lifecycle/scenario.ts'

const startedFour = [
  ['start', 'spawn 1@0', 'spawn 2@1', 'spawn 3@2', 'spawn 4@3'],
  ['ready 1', 'worker-ready 1@0'],
  ['ready 2', 'worker-ready 2@1'],
  ['ready 3', 'worker-ready 3@2'],
  ['ready 4', 'worker-ready 4@3', 'started'],
] as const

const twoProving = [...startedFour, ['release 2', 'spawn 5@0 release 2', 'spawn 6@1 release 2']] as const

const threeProving = [
  ...startedFour,
  ['release 2', 'spawn 5@0 release 2', 'spawn 6@1 release 2', 'spawn 7@2 release 2'],
] as const

suite('a reload of two slots at a time', () => {
  const policy = { parallel: 2 } as const
  testScenarios([
    {
      name: 'begins with the next as soon as one is trusted, whichever it is',
      size: 4,
      policy,
      steps: [
        ...twoProving,
        ['ready 6', 'worker-ready 6@1'],
        ['wait 100'],
        ['ready 5', 'worker-ready 5@0'],
        ['wait 150', 'drain 2 hand-on 1000', 'spawn 7@2 release 2'],
        ['wait 100', 'drain 1 hand-on 1000', 'spawn 8@3 release 2'],
        ['exit 1 normal', 'left 1@0: died'],
        ['exit 2 normal', 'left 2@1: died'],
        ['ready 7', 'worker-ready 7@2'],
        ['ready 8', 'worker-ready 8@3'],
        ['wait 250', 'drain 3 hand-on 1000', 'drain 4 hand-on 1000'],
        ['exit 4 normal', 'left 4@3: died'],
        ['exit 3 normal', 'left 3@2: died', 'reloaded'],
      ],
      releases: '5:2 6:2 7:2 8:2',
    },
    {
      name: 'does not wait for a slow one to go on with the others',
      size: 4,
      policy,
      steps: [
        ...twoProving,
        ['ready 6', 'worker-ready 6@1'],
        ['wait 250', 'drain 2 hand-on 1000', 'spawn 7@2 release 2'],
        ['exit 2 normal', 'left 2@1: died'],
        ['ready 7', 'worker-ready 7@2'],
        ['wait 250', 'drain 3 hand-on 1000', 'spawn 8@3 release 2'],
      ],
      workers: '1:ready 3:draining 4:ready 5:starting 6:ready 7:ready 8:starting',
    },
    {
      name: 'of fewer slots than that takes those there are',
      size: 1,
      policy,
      steps: [
        ...started,
        ['reload', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        ['wait 250', 'drain 1 hand-on 1000'],
      ],
    },
    {
      name: 'of one slot twice takes it once at a time',
      size: 4,
      policy,
      steps: [
        ...startedFour,
        ['reload 1 1', 'spawn 5@1'],
        ['ready 5', 'worker-ready 5@1'],
        ['wait 250', 'drain 2 hand-on 1000'],
        ['exit 2 normal', 'left 2@1: died', 'spawn 6@1'],
      ],
    },
    {
      name: 'spawns nobody of the old release in a slot that is next and has just become empty',
      size: 4,
      policy,
      steps: [
        ...startedFour,
        ['fault 2 bad', 'signal 2'],
        ['release 2', 'spawn 5@0 release 2'],
        ['exit 2 crash', 'crashed 2@1: bad', 'spawn 6@1 release 2'],
      ],
    },
  ])
})

suite('one of two new workers fails, and', () => {
  const policy = { parallel: 2 } as const
  testScenarios([
    {
      name: 'the other, which starts, goes too',
      size: 4,
      policy,
      steps: [
        ...twoProving,
        ['exit 5 crash', 'crashed 5@0: died', 'reload-aborted @0: died', 'signal 6'],
        ['exit 6 crash', 'left 6@1: died'],
        ['wait 100000'],
      ],
      releases: '1:1 2:1 3:1 4:1',
      operation: 'none',
    },
    {
      name: 'the other, which settles, hands on what it has accepted',
      size: 4,
      policy,
      steps: [
        ...twoProving,
        ['ready 6', 'worker-ready 6@1'],
        ['exit 5 crash', 'crashed 5@0: died', 'reload-aborted @0: died', 'drain 6 hand-on 1000'],
      ],
      releases: '1:1 2:1 3:1 4:1',
    },
    {
      name: 'the other failed as well, which is told once',
      size: 4,
      policy,
      steps: [
        ...twoProving,
        ['fault 5 bad', 'signal 5'],
        ['fault 6 worse', 'signal 6'],
        ['exit 6 crash', 'crashed 6@1: worse', 'reload-aborted @1: worse'],
        ['exit 5 crash', 'crashed 5@0: bad'],
      ],
      workers: '1:ready 2:ready 3:ready 4:ready',
      slots: 'active active active active',
    },
    {
      name: 'the other, which starts alone in its slot, makes room for one of the old release',
      size: 4,
      policy,
      steps: [
        ...twoProving,
        ['exit 2 crash', 'crashed 2@1: died'],
        ['exit 5 crash', 'crashed 5@0: died', 'reload-aborted @0: died', 'signal 6'],
        ['exit 6 crash', 'left 6@1: died', 'spawn 7@1'],
        ['ready 7', 'worker-ready 7@1'],
        ['wait 250', 'rolled-back'],
      ],
      releases: '1:1 3:1 4:1 7:1',
    },
    {
      name: 'the other, which settles alone in its slot, serves until one of the old release takes over',
      size: 4,
      policy,
      steps: [
        ...twoProving,
        ['exit 2 crash', 'crashed 2@1: died'],
        ['ready 6', 'worker-ready 6@1'],
        ['exit 5 crash', 'crashed 5@0: died', 'reload-aborted @0: died', 'spawn 7@1'],
        ['ready 7', 'worker-ready 7@1'],
        ['wait 250', 'drain 6 hand-on 1000'],
        ['exit 6 normal', 'left 6@1: died', 'rolled-back'],
      ],
      releases: '1:1 3:1 4:1 7:1',
    },
    {
      name: 'the other stays where its slot has nobody else, if nothing is to be taken back',
      size: 4,
      policy,
      steps: [
        ...startedFour,
        ['reload', 'spawn 5@0', 'spawn 6@1'],
        ['exit 2 crash', 'crashed 2@1: died'],
        ['exit 5 crash', 'crashed 5@0: died', 'reload-aborted @0: died'],
        ['ready 6', 'worker-ready 6@1'],
      ],
      workers: '1:ready 3:ready 4:ready 6:ready',
      operation: 'none',
    },
    {
      name: 'slots that were replaced before are taken back, two at a time',
      size: 4,
      policy,
      steps: [
        ...twoProving,
        ['ready 5', 'worker-ready 5@0'],
        ['ready 6', 'worker-ready 6@1'],
        [
          'wait 250',
          'drain 1 hand-on 1000',
          'drain 2 hand-on 1000',
          'spawn 7@2 release 2',
          'spawn 8@3 release 2',
        ],
        ['exit 1 normal', 'left 1@0: died'],
        ['exit 2 normal', 'left 2@1: died'],
        [
          'exit 8 crash',
          'crashed 8@3: died',
          'reload-aborted @3: died',
          'signal 7',
          'spawn 9@0',
          'spawn 10@1',
        ],
        ['exit 7 crash', 'left 7@2: died'],
        ['ready 9', 'worker-ready 9@0'],
        ['ready 10', 'worker-ready 10@1'],
        ['wait 250', 'drain 5 hand-on 1000', 'drain 6 hand-on 1000'],
        ['exit 5 normal', 'left 5@0: died'],
        ['exit 6 normal', 'left 6@1: died', 'rolled-back'],
      ],
      releases: '3:1 4:1 9:1 10:1',
    },
  ])
})

suite('a reload of three slots at a time', () => {
  const policy = { parallel: 3 } as const
  testScenarios([
    {
      name: 'keeps three going while there are three',
      size: 4,
      policy,
      steps: [
        ...threeProving,
        ['ready 7', 'worker-ready 7@2'],
        ['wait 250', 'drain 3 hand-on 1000', 'spawn 8@3 release 2'],
        ['ready 5', 'worker-ready 5@0'],
        ['ready 6', 'worker-ready 6@1'],
        ['ready 8', 'worker-ready 8@3'],
        ['wait 250', 'drain 1 hand-on 1000', 'drain 2 hand-on 1000', 'drain 4 hand-on 1000'],
      ],
    },
    {
      name: 'ends for all three when one fails: each goes by its own state',
      size: 4,
      policy,
      steps: [
        ...threeProving,
        ['ready 6', 'worker-ready 6@1'],
        ['exit 7 crash', 'crashed 7@2: died', 'reload-aborted @2: died', 'signal 5', 'drain 6 hand-on 1000'],
      ],
      releases: '1:1 2:1 3:1 4:1',
    },
    {
      name: 'is ended by a stop: old and new leave',
      size: 4,
      policy,
      steps: [
        ...threeProving,
        ['ready 6', 'worker-ready 6@1'],
        [
          'stop',
          'drain 1 alone 1000',
          'drain 2 alone 1000',
          'drain 3 alone 1000',
          'drain 4 alone 1000',
          'signal 5',
          'drain 6 alone 1000',
          'signal 7',
        ],
      ],
    },
  ])
})
