// What becomes of a slot whose worker is gone: restart policies, backoff, intensity, and faults found by brood.

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { started, startedTwo } from '../support/lifecycle/leads.ts'
import { Life } from '../support/lifecycle/life.ts'
import { type Scenario, testScenarios } from '../support/lifecycle/scenario.ts'

suite('the restart policy', () => {
  const policies = [
    { restart: 'permanent', exit: 'normal', again: true },
    { restart: 'permanent', exit: 'crash', again: true },
    { restart: 'transient', exit: 'normal', again: false },
    { restart: 'transient', exit: 'crash', again: true },
    { restart: 'temporary', exit: 'normal', again: false },
    { restart: 'temporary', exit: 'crash', again: false },
  ] as const
  const exitNames = { normal: 'normal', crash: 'abnormal' }
  testScenarios(
    policies.map(
      ({ restart, exit, again }): Scenario => ({
        name: `${restart}_${exitNames[exit]}: ${again ? 'a new worker takes the slot' : 'the slot is done'}`,
        policy: { restart },
        steps: [
          ...started,
          [`exit 1 ${exit}`, 'crashed 1@0: died', again ? 'spawn 2@0' : 'finished'],
          ['wait 100000', ...(again ? ['kill 2', 'killed 2@0: was not ready within 5s'] : [])],
        ],
        slots: again ? 'active' : 'done',
        wanted: 'running',
      }),
    ),
  )
  testScenarios(
    policies.map(
      ({ restart, exit }): Scenario => ({
        name: `${restart}_${exitNames[exit]} of a worker found at fault: ${restart === 'temporary' ? 'the slot is done' : 'a new worker takes the slot'}`,
        policy: { restart },
        steps: [
          ...started,
          ['fault 1 blocked', 'signal 1'],
          [`exit 1 ${exit}`, 'crashed 1@0: blocked', restart === 'temporary' ? 'finished' : 'spawn 2@0'],
        ],
        slots: restart === 'temporary' ? 'done' : 'active',
      }),
    ),
  )
  testScenarios([
    {
      name: 'one_for_one: the other slots do not notice',
      size: 2,
      steps: [...startedTwo, ['exit 1 crash', 'crashed 1@0: died', 'spawn 3@0']],
      workers: '2:ready 3:starting',
    },
    {
      name: 'permanent_abnormal when it could not even be spawned: the exit comes without a worker that ran',
      steps: [['start', 'spawn 1@0'], ['exit 1 crash', 'crashed 1@0: died', 'spawn 2@0'], ['exit 1 crash']],
    },
  ])
})

suite('an exit code that ends a slot', () => {
  const policy = { stopExitCodes: [78, 1] }
  testScenarios([
    {
      name: 'leaves the slot done, though its policy is permanent',
      policy,
      steps: [...started, ['exit 1 78', 'crashed 1@0: died', 'finished'], ['wait 100000']],
      slots: 'done',
      wanted: 'running',
    },
    {
      name: 'leaves the slot done before its worker was ready, too',
      policy,
      steps: [
        ['start', 'spawn 1@0'],
        ['exit 1 78', 'crashed 1@0: died', 'finished', 'started'],
      ],
      slots: 'done',
    },
    {
      name: 'fails a fresh start before its worker was ready: it is told with its reason, not as a success',
      policy,
      steps: [
        ['start fresh', 'spawn 1@0'],
        ['exit 1 78', 'crashed 1@0: died', 'start-failed @0: died'],
      ],
      wanted: 'stopped',
    },
    {
      name: 'does not fail a fresh start if it is 0, or if its worker was ready: the program has done what it wanted',
      size: 2,
      policy: { stopExitCodes: [0, 78] },
      steps: [
        ['start fresh', 'spawn 1@0', 'spawn 2@1'],
        ['ready 1', 'worker-ready 1@0'],
        ['exit 1 78', 'crashed 1@0: died'],
        ['exit 2 normal', 'crashed 2@1: died', 'finished', 'started'],
      ],
      slots: 'done done',
      wanted: 'running',
    },
    {
      name: 'is one of those given: any other is restarted, 0 among them',
      policy,
      steps: [
        ...started,
        ['exit 1 77', 'crashed 1@0: died', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        ['exit 2 normal', 'crashed 2@0: died', 'backoff @0 100'],
      ],
    },
    {
      name: 'may be 0',
      policy: { stopExitCodes: [0] },
      steps: [...started, ['exit 1 normal', 'crashed 1@0: died', 'finished']],
      slots: 'done',
    },
    {
      name: 'is added to those of a transient app, which ends with 0 as well',
      size: 2,
      policy: { ...policy, restart: 'transient' },
      steps: [
        ['start', 'spawn 1@0', 'spawn 2@1'],
        ['exit 1 normal', 'crashed 1@0: died'],
        ['exit 2 78', 'crashed 2@1: died', 'finished', 'started'],
      ],
      slots: 'done done',
    },
    {
      name: 'ends its own slot only',
      size: 2,
      policy,
      steps: [
        ...startedTwo,
        ['exit 1 78', 'crashed 1@0: died'],
        ['exit 2 77', 'crashed 2@1: died', 'spawn 3@1'],
      ],
      slots: 'done active',
    },
    {
      name: 'is a signal never',
      policy,
      steps: [...started, ['exit 1 SIGHUP', 'crashed 1@0: died', 'spawn 2@0']],
    },
    {
      name: 'says nothing when brood ended the worker for a fault',
      policy,
      steps: [...started, ['fault 1 bad', 'signal 1'], ['exit 1 78', 'crashed 1@0: bad', 'spawn 2@0']],
    },
    {
      name: 'says nothing of a worker that was told to go',
      policy,
      steps: [...started, ['restart', 'drain 1 alone 1000'], ['exit 1 78', 'left 1@0: died', 'spawn 2@0']],
    },
    {
      name: "from a reload's new worker ends the reload, and the old one goes on",
      policy,
      steps: [
        ...started,
        ['reload', 'spawn 2@0'],
        ['exit 2 78', 'crashed 2@0: died', 'reload-aborted @0: died'],
      ],
      workers: '1:ready',
      slots: 'active',
    },
    {
      name: "from a reload's new worker that was alone in its slot ends that slot",
      policy,
      steps: [
        ...started,
        ['reload', 'spawn 2@0'],
        ['exit 1 crash', 'crashed 1@0: died'],
        ['exit 2 78', 'crashed 2@0: died', 'reload-aborted @0: died', 'finished'],
      ],
      slots: 'done',
    },
    {
      name: 'is undone by the next start, restart or reload',
      policy,
      steps: [
        ...started,
        ['exit 1 78', 'crashed 1@0: died', 'finished'],
        ['reload', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        ['wait 250', 'reloaded'],
      ],
      slots: 'active',
    },
  ])
})

suite('the backoff', () => {
  test('is 0, then from 100 ms doubled up to the cap, and the slot is given up past the intensity', () => {
    const life = new Life(1, { intensity: 7, period: 60_000 })
    life.do('start')
    const delays: unknown[] = []
    for (let id = 1; life.slots !== 'failed'; id++) {
      const exitedAt = life.now
      life.do(`ready ${id}`)
      const effects = life.do(`exit ${id} crash`)
      while (life.slots === 'backoff') life.do('wait 1')
      delays.push(life.slots === 'failed' ? effects.join(', ') : life.now - exitedAt)
    }
    const end = 'crashed 8@0: died, slot-failed @0: 7 restarts within 1m; the last: died, finished, failed'
    assert.deepEqual(delays, [0, 100, 200, 400, 800, 1000, 1000, end])
    assert.deepEqual(life.do('wait 1000000'), [])
  })

  testScenarios([
    {
      name: 'begins at 0 again after a worker that was ready for a whole period',
      steps: [
        ...started,
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        ['wait 10000'],
        ['exit 2 crash', 'crashed 2@0: died', 'spawn 3@0'],
      ],
    },
    {
      name: 'grows after a worker that was ready for one millisecond less',
      steps: [
        ...started,
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        ['wait 9999'],
        ['exit 2 crash', 'crashed 2@0: died', 'backoff @0 100'],
      ],
    },
    {
      name: 'begins at 0 again after a long life that brood ended for a fault',
      steps: [
        ...started,
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        ['wait 10000'],
        ['fault 2 blocked', 'signal 2'],
        ['exit 2 crash', 'crashed 2@0: blocked', 'spawn 3@0'],
      ],
    },
    ...['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'].map((signal) => ({
      name: `does not hold back the replacement of a ready worker that somebody killed with ${signal}`,
      steps: [
        ...started,
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        [`exit 2 ${signal}`, 'crashed 2@0: died', 'spawn 3@0'],
        ['exit 3 crash', 'crashed 3@0: died', 'backoff @0 100'],
      ] as const,
    })),
    ...['SIGSEGV', 'SIGABRT', 'SIGBUS'].map((signal) => ({
      name: `grows after a ready worker that ended itself by ${signal}`,
      steps: [
        ...started,
        [`exit 1 ${signal}`, 'crashed 1@0: died', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        [`exit 2 ${signal}`, 'crashed 2@0: died', 'backoff @0 100'],
      ] as const,
    })),
    {
      name: 'grows after a worker that was killed before it was ready',
      steps: [
        ['start', 'spawn 1@0'],
        ['exit 1 SIGKILL', 'crashed 1@0: died', 'spawn 2@0'],
        ['exit 2 SIGKILL', 'crashed 2@0: died', 'backoff @0 100'],
      ],
    },
    {
      name: 'grows after a ready worker that brood killed for a fault',
      steps: [
        ...started,
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        ['fault 2 blocked', 'signal 2'],
        ['exit 2 SIGKILL', 'crashed 2@0: blocked', 'backoff @0 100'],
      ],
    },
    {
      name: 'does not count the time a worker was starting as life',
      policy: { readyTimeout: 20_000 },
      steps: [
        ...started,
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 2@0'],
        ['wait 15000'],
        ['exit 2 crash', 'crashed 2@0: died', 'backoff @0 100'],
      ],
    },
    {
      name: 'is shorter by its jitter at the least chance',
      policy: { backoff: { from: 100, to: 1000, jitter: 0.2 } },
      chance: 0,
      steps: [
        ...started,
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 2@0'],
        ['exit 2 crash', 'crashed 2@0: died', 'backoff @0 80'],
        ['wait 79'],
        ['wait 1', 'spawn 3@0'],
        ['exit 3 crash', 'crashed 3@0: died', 'backoff @0 160'],
      ],
    },
    {
      name: 'is longer by its jitter at a great chance, and may pass the longest delay by it',
      policy: { backoff: { from: 100, to: 150, jitter: 0.2 } },
      chance: 0.75,
      steps: [
        ...started,
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 2@0'],
        ['exit 2 crash', 'crashed 2@0: died', 'backoff @0 110'],
        ['wait 110', 'spawn 3@0'],
        ['exit 3 crash', 'crashed 3@0: died', 'backoff @0 165'],
      ],
    },
    {
      name: 'of 0 stays 0 with the greatest jitter',
      policy: { backoff: { from: 100, to: 1000, jitter: 1 } },
      chance: 0.999,
      steps: [...started, ['exit 1 crash', 'crashed 1@0: died', 'spawn 2@0']],
    },
    {
      name: 'of one slot does not grow by the crashes of another',
      size: 2,
      steps: [
        ['start', 'spawn 1@0', 'spawn 2@1'],
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 3@0'],
        ['exit 2 crash', 'crashed 2@1: died', 'spawn 4@1'],
        ['exit 4 crash', 'crashed 4@1: died', 'backoff @1 100'],
        ['exit 3 crash', 'crashed 3@0: died', 'backoff @0 100'],
        ['wait 100', 'spawn 5@0', 'spawn 6@1'],
      ],
    },
  ])
})

suite('the intensity', () => {
  testScenarios([
    {
      name: 'of 0 allows no restart at all',
      policy: { intensity: 0 },
      steps: [
        ...started,
        [
          'exit 1 crash',
          'crashed 1@0: died',
          'slot-failed @0: 0 restarts within 10s; the last: died',
          'finished, failed',
        ],
        ['wait 100000'],
      ],
      workers: '',
      slots: 'failed',
      wanted: 'running',
    },
    {
      name: 'bounds the replacements of workers that somebody killed, too',
      policy: { intensity: 1 },
      steps: [
        ...started,
        ['exit 1 SIGKILL', 'crashed 1@0: died', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        [
          'exit 2 SIGKILL',
          'crashed 2@0: died',
          'slot-failed @0: 1 restarts within 10s; the last: died',
          'finished, failed',
        ],
      ],
    },
    {
      name: 'counts within the period only',
      policy: { intensity: 1 },
      steps: [
        ...started,
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        ['wait 9900'],
        ['exit 2 crash', 'crashed 2@0: died', 'backoff @0 100'],
        ['wait 100', 'spawn 3@0'],
      ],
    },
    {
      name: 'is passed by a restart one millisecond before the period is over',
      policy: { intensity: 1 },
      steps: [
        ...started,
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 2@0'],
        ['ready 2', 'worker-ready 2@0'],
        ['wait 9899'],
        [
          'exit 2 crash',
          'crashed 2@0: died',
          'slot-failed @0: 1 restarts within 10s; the last: died',
          'finished, failed',
        ],
      ],
    },
    {
      name: 'is counted for each slot',
      size: 2,
      policy: { intensity: 1 },
      steps: [
        ['start', 'spawn 1@0', 'spawn 2@1'],
        ['exit 1 crash', 'crashed 1@0: died', 'spawn 3@0'],
        ['exit 2 crash', 'crashed 2@1: died', 'spawn 4@1'],
        ['exit 3 crash', 'crashed 3@0: died', 'slot-failed @0: 1 restarts within 10s; the last: died'],
      ],
      workers: '4:starting',
      slots: 'failed active',
    },
  ])
})

suite('a worker found at fault', () => {
  testScenarios([
    {
      name: 'is signalled, killed after the grace period, and only then replaced',
      steps: [
        ...started,
        ['fault 1 blocked', 'signal 1'],
        ['fault 1 again'],
        ['wait 999'],
        ['wait 1', 'kill 1', 'killed 1@0: blocked'],
        ['exit 1 crash', 'crashed 1@0: blocked', 'spawn 2@0'],
      ],
    },
    {
      name: 'is replaced though it exits with code 0 and is transient',
      policy: { restart: 'transient' },
      steps: [
        ...started,
        ['fault 1 blocked', 'signal 1'],
        ['exit 1 normal', 'crashed 1@0: blocked', 'spawn 2@0'],
      ],
    },
    {
      name: 'fails a fresh start if it was starting',
      steps: [
        ['start fresh', 'spawn 1@0'],
        ['fault 1 unspawnable', 'signal 1'],
        ['exit 1 normal', 'crashed 1@0: unspawnable', 'start-failed @0: unspawnable'],
      ],
      wanted: 'stopped',
    },
    {
      name: 'is only told to leave once if it was leaving already',
      steps: [
        ...started,
        ['stop', 'drain 1 alone 1000'],
        ['fault 1 blocked'],
        ['drained 1', 'signal 1'],
        ['fault 1 blocked'],
        ['exit 1 crash', 'left 1@0: died', 'stopped'],
      ],
    },
  ])
})
