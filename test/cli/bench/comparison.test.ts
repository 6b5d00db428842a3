// Share modes are compared by the medians of their rounds, each with its ratio to the first mode.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Comparison, comparisonText, summarise } from '../../../src/cli/bench/comparison.ts'
import type { Trial } from '../../../src/cli/bench/trial.ts'

const plain = (_style: unknown, text: string): string => text

function made(
  mode: Trial['mode'],
  round: number,
  [requestsPerSecond, cpuPerRequest, p99, connections, errors = 0]: [
    number,
    number | null,
    number | null,
    number | null,
    number?,
  ],
): Trial {
  return {
    mode,
    round,
    requestsPerSecond,
    cpuPerRequest,
    p99,
    busiestToMean: { connections, requests: 1 },
    errors,
  }
}

const trials = [
  made('slots', 1, [20_000, 12, 4, 1.1]),
  made('shared', 1, [10_000, 24, 2, 1.6, 3]),
  made('slots', 2, [22_000, 10, 6, 1.3]),
  made('shared', 2, [11_000, 18, 3, 1.8]),
  made('slots', 3, [18_000, 14, 5, 1.2]),
  made('shared', 3, [12_000, 21, 4, 1.7, 4]),
]

const comparison: Comparison = {
  script: '/srv/web/server.js',
  workers: 2,
  load: {
    connections: 100,
    duration: 5000,
    pipelining: 1,
    method: 'GET',
    headers: {},
    body: undefined,
    short: false,
    path: '/',
  },
  machine: { cpu: 'A processor', cores: 2, kernel: 'Linux 6.18', node: '26.10.0', brood: '0.1.0' },
  trials,
}

test('a mode is its medians, with the extremes and the ratio to the first', () => {
  const [slots, shared] = summarise(trials)
  assert.deepEqual(slots, {
    mode: 'slots',
    rounds: 3,
    requestsPerSecond: { median: 20_000, smallest: 18_000, largest: 22_000, ratio: 1 },
    cpuPerRequest: { median: 12, smallest: 10, largest: 14, ratio: 1 },
    p99: { median: 5, smallest: 4, largest: 6, ratio: 1 },
    busiestToMean: { median: 1.2, smallest: 1.1, largest: 1.3, ratio: 1 },
    errors: 0,
  })
  assert.deepEqual(
    [shared?.requestsPerSecond.ratio, shared?.cpuPerRequest?.ratio, shared?.p99?.ratio, shared?.errors],
    [0.55, 1.75, 0.6, 7],
  )
})

test('the median of two rounds is between them', () => {
  const [first] = summarise(trials.filter(({ round }) => round < 3))
  assert.equal(first?.requestsPerSecond.median, 21_000)
})

test('the table is within 80 columns', () => {
  const lines = comparisonText(comparison, 80, plain).split('\n')
  assert.deepEqual(lines.slice(0, 7), [
    'GET / of /srv/web/server.js',
    '2 workers, 100 connections, kept alive; 3 × 5 s for each mode',
    'A processor, 2 cores, Linux 6.18, Node 26.10.0',
    '',
    'MODE     REQ/S     ±  RATIO  CPU/REQ  RATIO      P99  RATIO  BUSIEST  ERRORS',
    'slots   20,000  10 %   1.00  12.0 µs   1.00  5.00 ms   1.00     1.20       0',
    'shared  11,000   9 %   0.55  21.0 µs   1.75  3.00 ms   0.60     1.70       7',
  ])
  for (const line of lines) assert.ok(line.length <= 80, line)
})

test('what could not be measured is a dash, and of no trial at all there is only the head', () => {
  const dashes = comparisonText(
    { ...comparison, trials: [made('shared', 1, [0, null, null, null])] },
    80,
    plain,
  )
  assert.equal(dashes.split('\n')[5], 'shared      0  -      -        -      -    -      -        -       0')
  const none = comparisonText({ ...comparison, trials: [] }, 80, plain).split('\n')
  assert.match(none[4] ?? '', /^MODE/)
  assert.equal(none[5], '')
})
