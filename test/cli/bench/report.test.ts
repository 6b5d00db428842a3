// The report of a load, line by line; nothing is wider than it may be.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Load, LoadResult } from '../../../src/cli/bench/load.ts'
import { progressText } from '../../../src/cli/bench/progress.ts'
import { errorLines, reportJson, reportText, whoLines } from '../../../src/cli/bench/report.ts'

const plain = (_style: unknown, text: string): string => text

const load: Load = {
  url: 'http://localhost:3000/',
  connections: 100,
  duration: 10_000,
  pipelining: 1,
  method: 'GET',
  headers: {},
  body: undefined,
  short: false,
}

const failures = { refused: 0, reset: 0, closed: 0, timeouts: 0, other: 0 }

const result: LoadResult = {
  duration: 10_000,
  requests: 245_120,
  perSecond: { mean: 24_512, p2_5: 22_104, min: 22_104 },
  bytes: 50_984_960,
  latency: { mean: 4, p50: 4, p90: 8, p97_5: 10, p99: 12, p99_9: 16, max: 32 },
  failures,
  statuses: { 200: 245_120 },
  codes: {},
}

const workers = [
  { slot: 0, pid: 100, requests: 61_280, errors: 0 },
  { slot: 1, pid: 101, requests: 183_840, errors: 0 },
]

test('a report has requests, throughput, latencies, errors and who answered', () => {
  const text = reportText({ load, result, who: { app: 'web', workers } }, 80, plain)
  assert.deepEqual(text.split('\n'), [
    'GET http://localhost:3000/',
    '100 connections, 10.0 s',
    '',
    'Requests    24,512 /s   p2.5 22,104, lowest second 22,104   245,120 in all',
    'Throughput  5.10 MB/s   51.0 MB in all',
    '',
    'Latency     p50    4.00 ms  ████▌',
    '            p90    8.00 ms  █████████',
    '            p97.5  10.0 ms  ███████████▎',
    '            p99    12.0 ms  █████████████▌',
    '            p99.9  16.0 ms  ██████████████████',
    '            max    32.0 ms  ████████████████████████████████████',
    '',
    'Errors      none',
    '',
    'Who         WORKER                         SHARE  REQUESTS  PID',
    '            web/0   ██████▋               25.0 %    61,280  100',
    '            web/1   ████████████████████  75.0 %   183,840  101',
    '            busiest ÷ mean: 1.50',
  ])
})

test('a report of nothing has no latencies, and says how the connections were used', () => {
  const nothing = {
    ...result,
    duration: 0,
    requests: 0,
    perSecond: { mean: 0, p2_5: 0, min: 0 },
    bytes: 0,
    latency: undefined,
    statuses: {},
  }
  const text = reportText(
    {
      load: { ...load, short: true, method: 'POST' },
      result: { ...nothing, failures: { ...failures, refused: 12 }, codes: { ECONNREFUSED: 12 } },
      who: { app: null, why: 'no supervisor is running' },
    },
    80,
    plain,
  )
  assert.deepEqual(text.split('\n'), [
    'POST http://localhost:3000/',
    '100 connections, 0.0 s, a new connection for each request',
    '',
    'Requests    0 /s   p2.5 0, lowest second 0   0 in all',
    'Throughput  0 B/s   0 B in all',
    '',
    'Errors      refused 12',
    '',
    'Who         not known: no supervisor is running',
  ])
})

suite('errors', () => {
  const of = (more: Partial<LoadResult>): string[] => errorLines({ ...result, ...more })

  test('are told by kind, each on a line', () => {
    assert.deepEqual(
      of({
        failures: { refused: 1, reset: 2000, closed: 3, timeouts: 4, other: 5 },
        codes: { ECONNREFUSED: 1, ECONNRESET: 1990, EPIPE: 10, EHOSTUNREACH: 5 },
      }),
      ['refused 1', 'reset 2,000', 'closed without an answer 3', 'timeouts 4', 'other 5 (EHOSTUNREACH: 5)'],
    )
  })

  test('of statuses are told by hundreds, with each status', () => {
    assert.deepEqual(of({ statuses: { 200: 7, 301: 1, 404: 2, 429: 3, 503: 1000 } }), [
      '4xx 5 (404: 2, 429: 3)',
      '5xx 1,000 (503: 1,000)',
    ])
  })
})

suite('who answered', () => {
  test('has the column of errors only where there are some', () => {
    const [head, first] = whoLines(
      { app: 'web', workers: workers.map((one) => ({ ...one, errors: 3 })) },
      load,
      245_120,
      80,
    )
    assert.match(head ?? '', /PID {2}5XX$/)
    assert.match(first ?? '', /100 {4}3$/)
  })

  test('counts a replaced worker and its successor as one slot', () => {
    const lines = whoLines(
      {
        app: 'web',
        workers: [
          { slot: 0, pid: 1, requests: 50, errors: 0 },
          { slot: 0, pid: 3, requests: 50, errors: 0 },
          { slot: 1, pid: 2, requests: 100, errors: 0 },
        ],
      },
      load,
      200,
      80,
    )
    assert.equal(lines.length, 5)
    assert.equal(lines.at(-1), 'busiest ÷ mean: 1.00')
  })

  test('says how many answers nobody could be asked for any more', () => {
    const told = (answered: number): string | undefined =>
      whoLines({ app: 'web', workers }, load, answered, 80).at(-1)
    assert.equal(told(245_220), 'busiest ÷ mean: 1.50')
    assert.equal(told(245_221), '101 more by workers that ended before they could be asked')
  })

  test('of a program that does not count is not known', () => {
    assert.deepEqual(whoLines({ app: 'web', workers: [] }, load, 100, 80), [
      "not known: the workers of 'web' do not count their requests",
    ])
  })
})

test('as JSON each worker has its share', () => {
  const json = JSON.parse(JSON.stringify(reportJson({ load, result, who: { app: 'web', workers } })))
  assert.deepEqual(json.workers, [
    { ...workers[0], share: 0.25 },
    { ...workers[1], share: 0.75 },
  ])
  assert.equal(json.busiestToMean, 1.5)
  const unknown = JSON.parse(
    JSON.stringify(
      reportJson({ load, result: { ...result, latency: undefined }, who: { app: null, why: 'x' } }),
    ),
  )
  assert.deepEqual(
    [unknown.app, unknown.unknown, unknown.workers, unknown.busiestToMean, unknown.latency],
    [null, 'x', [], null, null],
  )
})

test('the progress has a bar, what the last second brought, and errors where there are some', () => {
  assert.equal(
    progressText('web', { at: 2500, lastSecond: 24_512, requests: 1, errors: 0 }, 10_000),
    'web █████··············· 3 of 10 s  24,512 requests/s',
  )
  assert.equal(
    progressText('web', { at: 10_900, lastSecond: 0, requests: 1, errors: 1234 }, 10_000),
    'web ████████████████████ 11 of 10 s  0 requests/s, 1,234 errors',
  )
})
