// Restart and scale, and which commands are refused while another one is going on.
import { suite } from 'node:test'
import { started, startedThree, startedTwo } from '../support/lifecycle/leads.ts'
import { type Scenario, testScenarios } from '../support/lifecycle/scenario.ts'

suite('a restart', () => {
  testScenarios([
    {
      name: 'is a stop of all workers, then a start of all',
      size: 2,
      steps: [
        ...startedTwo,
        ['restart', 'drain 1 alone 1000', 'drain 2 alone 1000'],
        ['exit 1 normal', 'left 1@0: died'],
        ['exit 2 normal', 'left 2@1: died', 'spawn 3@0', 'spawn 4@1'],
        ['ready 3', 'worker-ready 3@0'],
        ['ready 4', 'worker-ready 4@1', 'started'],
      ],
    },
    {
      name: 'of an app that does not run starts it',
      steps: [
        ['restart', 'spawn 1@0'],
        ['ready 1', 'worker-ready 1@0', 'started'],
      ],
    },
    {
      name: 'of an app whose slots have all failed starts it',
      policy: { intensity: 0 },
      steps: [
        ...started,
        [
          'exit 1 crash',
          'crashed 1@0: died',
          'slot-failed @0: 0 restarts within 10s; the last: died',
          'finished, failed',
        ],
        ['restart', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0', 'started'],
      ],
    },
    {
      name: 'waits for a worker found at fault before it, and starts only then',
      steps: [
        ...started,
        ['fault 1 blocked', 'signal 1'],
        ['restart'],
        ['exit 1 normal', 'crashed 1@0: blocked', 'spawn 2@0'],
      ],
    },
    {
      name: 'brings nobody back from a backoff before all are gone',
      size: 2,
      steps: [
        ...startedTwo,
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 3@0'],
        ['exit 3 crash', 'crashed 3@0: died', 'backoff @0 100'],
        ['restart', 'drain 2 alone 1000'],
        ['wait 100'],
        ['exit 2 normal', 'left 2@1: died', 'spawn 4@0', 'spawn 5@1'],
      ],
    },
    {
      name: 'whose workers crash at boot goes on trying, unlike a fresh start',
      steps: [
        ['restart', 'spawn 1@0'],
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 2@0'],
      ],
      wanted: 'running',
    },
  ])
})

suite('a scale', () => {
  testScenarios([
    {
      name: 'up spawns workers in the new slots, and is over when they are ready',
      steps: [
        ...started,
        ['scale 3', 'spawn 2@1', 'spawn 3@2'],
        ['ready 2', 'worker-ready 2@1'],
        ['ready 3', 'worker-ready 3@2', 'scaled'],
      ],
      workers: '1:ready 2:ready 3:ready',
      slots: 'active active active',
    },
    {
      name: 'down lets the workers of the highest slots hand on and leave, and is over when they are gone',
      size: 3,
      steps: [
        ...startedThree,
        ['scale 1', 'drain 2 hand-on 1000', 'drain 3 hand-on 1000'],
        ['exit 3 normal', 'left 3@2: died'],
        ['exit 2 crash', 'left 2@1: died', 'scaled'],
      ],
      workers: '1:ready',
      slots: 'active',
    },
    {
      name: 'to the present size is over at once',
      steps: [...started, ['scale 1', 'scaled']],
    },
    {
      name: 'to nothing leaves nobody to hand connections to',
      steps: [...started, ['scale 0', 'drain 1 alone 1000'], ['exit 1 normal', 'left 1@0: died', 'scaled']],
      slots: '',
      wanted: 'running',
    },
    {
      name: 'of an app that does not run is remembered for its start',
      steps: [
        ['scale 2', 'scaled'],
        ['start', 'spawn 1@0', 'spawn 2@1'],
      ],
    },
    {
      name: 'down and up again: the second is refused while the old worker drains, then fills the slot anew',
      size: 2,
      policy: { intensity: 1 },
      steps: [
        ...startedTwo,
        ['exit 2 crash', 'crashed 2@1: died', 'spawn 3@1'],
        ['ready 3', 'worker-ready 3@1'],
        ['scale 1', 'drain 3 hand-on 1000'],
        ['scale 2', 'refused scale during scale'],
        ['exit 3 normal', 'left 3@1: died', 'scaled'],
        ['scale 2', 'spawn 4@1'],
        ['exit 4 crash', 'crashed 4@1: died', 'spawn 5@1'],
      ],
    },
    {
      name: 'down while a slot above waits in backoff forgets that slot',
      size: 2,
      steps: [
        ...startedTwo,
        ['exit 2 crash', 'crashed 2@1: died', 'spawn 3@1'],
        ['exit 3 crash', 'crashed 3@1: died', 'backoff @1 100'],
        ['scale 1', 'scaled'],
        ['wait 100000'],
      ],
      workers: '1:ready',
    },
    {
      name: 'down takes no notice of how a worker found at fault in a slot above ends',
      size: 2,
      steps: [
        ...startedTwo,
        ['fault 2 blocked', 'signal 2'],
        ['scale 1'],
        ['exit 2 crash', 'crashed 2@1: blocked', 'scaled'],
      ],
      slots: 'active',
    },
    {
      name: 'down to slots that are all done leaves nothing to come, which is told',
      size: 2,
      policy: { restart: 'temporary' },
      steps: [
        ...startedTwo,
        ['exit 1 normal', 'crashed 1@0: died'],
        ['scale 1', 'drain 2 alone 1000'],
        ['exit 2 normal', 'left 2@1: died', 'finished', 'scaled'],
      ],
      slots: 'done',
    },
    {
      name: 'is over when a new slot has failed',
      policy: { intensity: 0 },
      steps: [
        ...started,
        ['scale 2', 'spawn 2@1'],
        [
          'exit 2 crash',
          'crashed 2@1: died',
          'slot-failed @1: 0 restarts within 10s; the last: died',
          'scaled',
        ],
      ],
      slots: 'active failed',
    },
  ])
})

suite('while a command is going on', () => {
  const going = {
    start: [['start', 'spawn 1@0']],
    restart: [...started, ['restart', 'drain 1 alone 1000']],
    reload: [...started, ['reload', 'spawn 2@0']],
    scale: [...started, ['scale 2', 'spawn 2@1']],
    stop: [...started, ['stop', 'drain 1 alone 1000']],
  } as const
  const commands = ['start fresh', 'restart', 'reload 0', 'scale 5']
  testScenarios(
    Object.entries(going).flatMap(([operation, before]) =>
      commands.map(
        (command): Scenario => ({
          name: `a ${operation}, '${command}' is refused and changes nothing`,
          steps: [...before, [command, `refused ${command.split(' ')[0]} during ${operation}`]],
          operation,
        }),
      ),
    ),
  )
})
