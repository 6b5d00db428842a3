// Every state of a worker against everything that can happen to it.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Life } from '../support/lifecycle/life.ts'

/** [what happens to worker 1 in the only slot, all effects, all workers afterwards]. */
type Row = readonly [event: string, effects: readonly string[], workers: string]

const states: Record<string, { lead: readonly string[]; rows: readonly Row[] }> = {
  starting: {
    lead: ['start'],
    rows: [
      ['ready 1', ['worker-ready 1@0', 'started'], '1:ready'],
      ['drained 1', [], '1:starting'],
      ['fault 1 bad', ['signal 1'], '1:ending'],
      ['exit 1 normal', ['crashed 1@0: died', 'spawn 2@0'], '2:starting'],
      ['wait 4999', [], '1:starting'],
      ['wait 5000', ['kill 1', 'killed 1@0: was not ready within 5s'], '1:killed'],
      ['stop', ['signal 1'], '1:ending'],
    ],
  },
  ready: {
    lead: ['start', 'ready 1'],
    rows: [
      ['ready 1', [], '1:ready'],
      ['drained 1', [], '1:ready'],
      ['fault 1 bad', ['signal 1'], '1:ending'],
      ['exit 1 normal', ['crashed 1@0: died', 'spawn 2@0'], '2:starting'],
      ['wait 1000000', [], '1:ready'],
      ['stop', ['drain 1 alone 1000'], '1:draining'],
    ],
  },
  settling: {
    lead: ['reload', 'ready 1', 'reload', 'ready 2'],
    rows: [
      ['ready 2', [], '1:ready 2:settling'],
      ['drained 2', [], '1:ready 2:settling'],
      ['fault 2 bad', ['signal 2'], '1:ready 2:ending'],
      ['exit 2 normal', ['crashed 2@0: died', 'reload-aborted @0: died'], '1:ready'],
      ['wait 249', [], '1:ready 2:settling'],
      ['wait 250', ['drain 1 hand-on 1000'], '1:draining 2:ready'],
      ['stop', ['drain 1 alone 1000', 'drain 2 alone 1000'], '1:draining 2:draining'],
    ],
  },
  draining: {
    lead: ['start', 'ready 1', 'stop'],
    rows: [
      ['ready 1', [], '1:draining'],
      ['drained 1', ['signal 1'], '1:ending'],
      ['fault 1 bad', [], '1:draining'],
      ['exit 1 crash', ['left 1@0: died', 'stopped'], ''],
      ['wait 799', [], '1:draining'],
      ['wait 800', ['signal 1'], '1:ending'],
      ['stop', [], '1:draining'],
    ],
  },
  ending: {
    lead: ['start', 'ready 1', 'stop', 'drained 1'],
    rows: [
      ['ready 1', [], '1:ending'],
      ['drained 1', [], '1:ending'],
      ['fault 1 bad', [], '1:ending'],
      ['exit 1 crash', ['left 1@0: died', 'stopped'], ''],
      ['wait 999', [], '1:ending'],
      ['wait 1000', ['kill 1', 'killed 1@0: was still there after its grace period of 1s'], '1:killed'],
      ['stop', [], '1:ending'],
    ],
  },
  'ending for a fault': {
    lead: ['start', 'ready 1', 'fault 1 bad'],
    rows: [
      ['ready 1', [], '1:ending'],
      ['drained 1', [], '1:ending'],
      ['fault 1 worse', [], '1:ending'],
      ['exit 1 normal', ['crashed 1@0: bad', 'spawn 2@0'], '2:starting'],
      ['wait 999', [], '1:ending'],
      ['wait 1000', ['kill 1', 'killed 1@0: bad'], '1:killed'],
      ['stop', [], '1:ending'],
    ],
  },
  killed: {
    lead: ['start', 'stop', 'wait 1000'],
    rows: [
      ['ready 1', [], '1:killed'],
      ['drained 1', [], '1:killed'],
      ['fault 1 bad', [], '1:killed'],
      ['exit 1 crash', ['left 1@0: died', 'stopped'], ''],
      ['wait 1000000', [], '1:killed'],
      ['stop', [], '1:killed'],
    ],
  },
  'killed for a fault': {
    lead: ['start', 'wait 5000'],
    rows: [
      ['ready 1', [], '1:killed'],
      ['drained 1', [], '1:killed'],
      ['fault 1 bad', [], '1:killed'],
      ['exit 1 crash', ['crashed 1@0: was not ready within 5s', 'spawn 2@0'], '2:starting'],
      ['wait 1000000', [], '1:killed'],
      ['stop', [], '1:killed'],
    ],
  },
  gone: {
    lead: ['start', 'exit 1 crash'],
    rows: [
      ['ready 1', [], '2:starting'],
      ['drained 1', [], '2:starting'],
      ['fault 1 bad', [], '2:starting'],
      ['exit 1 crash', [], '2:starting'],
      ['exit 77 crash', [], '2:starting'],
    ],
  },
}

for (const [name, { lead, rows }] of Object.entries(states)) {
  suite(`a worker that is ${name}`, () => {
    for (const [event, effects, workers] of rows) {
      test(`${event} → ${workers === '' ? 'nobody' : workers}`, { timeout: 10_000 }, () => {
        const life = new Life(1)
        for (const words of lead) life.do(words)
        assert.deepEqual(life.do(event), effects)
        assert.equal(life.workers, workers)
      })
    }
  })
}
