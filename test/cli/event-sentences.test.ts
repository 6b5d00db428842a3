// Every type of event as a sentence, and what the events before it change about it.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { narrator, type Sentence } from '../../src/cli/event-sentences.ts'
import { type EventType, eventTypes, type HistoryEvent, type NewEvent } from '../../src/daemon/event.ts'

const web = { app: 'web' } as const
const slot = { app: 'web', slot: 2, pid: 4711 } as const

/** Events one after the other, each a time after the one before. */
function tell(...events: (NewEvent & { readonly after?: number })[]): Sentence[] {
  const next = narrator()
  let at = 1_000_000
  return events.map(({ after = 1000, ...event }, id) => {
    at += after
    return next({ id, at, ...event })
  })
}

function last(...events: (NewEvent & { readonly after?: number })[]): string {
  return tell(...events).at(-1)?.text ?? ''
}

const alone: Record<
  EventType,
  readonly [event: Omit<NewEvent, 'type'>, severity: Sentence['severity'], text: string][]
> = {
  'supervisor-started': [[{ pid: 12 }, 'plain', 'The supervisor started with pid 12.']],
  'supervisor-stopped': [
    [{ pid: 12 }, 'plain', 'The supervisor (pid 12) ended in order.'],
    [
      { cause: 'command kill by uid 0' },
      'plain',
      "The supervisor ended in order because user 0 said 'brood kill'.",
    ],
    [{ cause: 'signal SIGTERM' }, 'plain', 'The supervisor ended in order because of the signal SIGTERM.'],
  ],
  'supervisor-replaced': [
    [
      { pid: 12 },
      'warning',
      'A new supervisor (pid 12) took the place of the one before, whose workers went on meanwhile.',
    ],
  ],
  'supervisor-left': [
    [
      { pid: 12, app: 'web', slot: 2 },
      'plain',
      'The supervisor (pid 12) left to one that web/2 starts, with a socket that it lacked itself.',
    ],
  ],
  'state-unreadable': [
    [
      { reason: 'set aside as state.json.unreadable' },
      'bad',
      'What was remembered of the apps could not be read: set aside as state.json.unreadable. Nothing was started from it.',
    ],
  ],
  'history-unreadable': [[{ reason: 'x' }, 'bad', 'The history could not be read and was begun anew: x.']],
  'events-lost': [
    [
      { reason: '12 could not be written in time' },
      'warning',
      'Some events before this one are missing: 12 could not be written in time.',
    ],
  ],
  asked: [
    [{ ...web, reason: 'reload' }, 'plain', 'Somebody asked for a reload of web.'],
    [{ ...web, reason: 'stop', cause: 'command stop by uid 0' }, 'plain', 'root asked for a stop of web.'],
    [
      { ...web, reason: 'stop', cause: 'command stop by uid 1000' },
      'plain',
      'User 1000 asked for a stop of web.',
    ],
    [{ reason: 'kill' }, 'plain', 'Somebody asked for a kill of all.'],
    [
      { ...web, reason: 'reload', cause: 'watch: src/a.ts changed' },
      'plain',
      'A reload of web begins because src/a.ts changed.',
    ],
    [
      { ...web, reason: 'renewal', cause: "cron '0 3 * * *'" },
      'plain',
      "A renewal of web begins as its plan '0 3 * * *' says.",
    ],
    [
      { ...web, reason: 'stop', cause: 'dependency db' },
      'plain',
      'A stop of web begins because of db, which it depends on.',
    ],
  ],
  applied: [
    [{ ...web, reason: 'workers: 2 → 4' }, 'good', 'The configuration was applied to web: workers: 2 → 4.'],
    [{}, 'good', 'The configuration was applied.'],
  ],
  'app-waiting': [
    [{ ...web, reason: 'db' }, 'plain', 'web waits for db.'],
    [web, 'plain', 'web waits for what it depends on.'],
  ],
  started: [
    [web, 'good', 'web is running.'],
    [{ ...web, cause: 'boot' }, 'good', 'web is running as the supervisor came up.'],
  ],
  'start-failed': [
    [{ ...slot, reason: 'exited with code 1' }, 'bad', 'web/2 could not be started: exited with code 1.'],
    [
      { ...web, reason: 'port 80 is taken', cause: 'boot' },
      'bad',
      'web could not be started as the supervisor came up: port 80 is taken.',
    ],
  ],
  reloaded: [
    [web, 'good', 'The reload of web is done.'],
    [
      { ...web, cause: 'watch: src/a.ts changed' },
      'good',
      'The reload of web is done because src/a.ts changed.',
    ],
    [
      { ...web, cause: "cron '0 3 * * *'" },
      'good',
      "The reload of web is done as its plan '0 3 * * *' says.",
    ],
    [{ ...web, cause: 'something else' }, 'good', 'The reload of web is done (something else).'],
  ],
  'reload-aborted': [
    [
      { ...slot, reason: 'exited with code 1' },
      'bad',
      'The reload of web was given up at slot 2, and the old workers go on: exited with code 1.',
    ],
  ],
  'canary-passed': [
    [web, 'good', 'The first new worker of web did no worse than the old ones, so the others follow.'],
  ],
  'rolled-back': [[{ ...web, reason: 'x' }, 'bad', 'web went back to what it was before: x.']],
  rebalanced: [
    [
      { ...web, reason: 'moved 2 idle connections: web/0 4→2, web/1 0→2' },
      'plain',
      'The connections of web were spread anew: moved 2 idle connections: web/0 4→2, web/1 0→2.',
    ],
  ],
  scaled: [
    [
      { ...web, cause: 'command scale' },
      'good',
      "web has as many workers as were asked for because somebody said 'brood scale'.",
    ],
  ],
  stopped: [
    [web, 'plain', 'web is stopped.'],
    [{ ...web, cause: 'dependency db' }, 'plain', 'web is stopped because of db, which it depends on.'],
  ],
  finished: [[web, 'plain', 'web has no worker left that runs or will.']],
  'worker-started': [
    [slot, 'plain', 'web/2 is started with pid 4711.'],
    [{ ...slot, cause: 'canary' }, 'plain', 'web/2 is started with pid 4711 as the first of the new ones.'],
    [{ ...slot, cause: 'crash' }, 'plain', 'web/2 is started with pid 4711 after a crash.'],
  ],
  'worker-ready': [[slot, 'good', 'web/2 is ready with pid 4711.']],
  'worker-renewing': [
    [
      { ...slot, cause: 'memory 612 MB over 512 MB' },
      'plain',
      'web/2 (pid 4711) is being replaced because it used 612 MB of memory, over its 512 MB.',
    ],
  ],
  warning: [[{ ...slot, reason: 'no limits' }, 'warning', 'Not everything is as web/2 asks for: no limits.']],
  renewed: [[slot, 'good', 'web/2 has been replaced.']],
  'renewal-failed': [
    [
      { ...slot, reason: 'exited with code 1' },
      'bad',
      'web/2 could not be replaced: exited with code 1; the old worker goes on.',
    ],
  ],
  'worker-exited': [
    [
      {
        ...slot,
        cause: 'crash',
        reason: 'exited with code 1: TypeError: x is not a function (server.js:12)',
      },
      'bad',
      'web/2 (pid 4711) ended by itself: exited with code 1: TypeError: x is not a function (server.js:12).',
    ],
    [
      { ...slot, cause: 'crash', reason: 'was killed by SIGKILL' },
      'bad',
      'web/2 (pid 4711) was ended by SIGKILL, which brood did not send.',
    ],
    [
      {
        ...slot,
        cause: 'crash',
        reason: 'was killed by the kernel for want of memory (limits.memory is 128MiB)',
      },
      'bad',
      'web/2 (pid 4711) was killed by the kernel for want of memory (limits.memory is 128MiB).',
    ],
    [
      { ...slot, cause: 'crash', reason: 'was not ready within 30s' },
      'bad',
      'web/2 (pid 4711) failed: was not ready within 30s.',
    ],
    [{ ...slot, reason: 'exited with code 0' }, 'plain', 'web/2 (pid 4711) ended as it was asked to.'],
    [
      { ...slot, reason: 'was killed by SIGTERM', cause: 'command reload' },
      'plain',
      "web/2 (pid 4711) ended as it was asked to because somebody said 'brood reload'; it was killed by SIGTERM.",
    ],
  ],
  'worker-killed': [
    [
      { ...slot, reason: 'was still there after its grace period of 10s' },
      'warning',
      'web/2 (pid 4711) gets SIGKILL: it was still there after its grace period of 10s.',
    ],
  ],
  'worker-blocked': [
    [
      { ...slot, reason: 'did not turn its event loop for 10s', detail: ['at loop (a.js:1)'] },
      'bad',
      'web/2 (pid 4711) is blocked: it did not turn its event loop for 10s. It is at:',
    ],
    [slot, 'bad', 'web/2 (pid 4711) is blocked: it does not turn its event loop.'],
  ],
  'worker-returned': [
    [slot, 'good', 'web/2 (pid 4711) came back to the new supervisor; it never stopped working.'],
  ],
  'worker-backoff': [
    [
      { ...slot, reason: 'the next try is in 200ms' },
      'warning',
      'web/2 has crashed again; the next try is in 200ms.',
    ],
  ],
  'worker-unwritten': [
    [
      { ...slot, reason: 'stdout: ENOSPC' },
      'bad',
      'web/2 said something that could not be written to its log: stdout: ENOSPC.',
    ],
    [{ reason: 'no space left' }, 'bad', 'What is to be remembered could not be written: no space left.'],
  ],
  'slot-failed': [
    [
      { ...slot, reason: '6 restarts within 10s; the last: exited with code 1' },
      'bad',
      "web/2 is given up: 6 restarts within 10s; the last: exited with code 1. 'brood reload web' tries again.",
    ],
  ],
  'hook-failed': [
    [{ ...web, reason: 'exited with code 1' }, 'warning', 'A hook of web failed: exited with code 1.'],
  ],
}

suite('alone', () => {
  for (const type of eventTypes) {
    for (const [event, severity, text] of alone[type]) {
      test(text, () => {
        assert.deepEqual(tell({ type, ...event }), [{ severity, text, detail: event.detail ?? [] }])
      })
    }

    test(`${type} is a sentence with nothing known but the type, too`, () => {
      assert.match(last({ type }), /^\S.* .*[.:]$/)
      assert.doesNotMatch(last({ type }), /undefined/)
    })
  }

  test('a type of a later version is told as it is', () => {
    const event = { id: 1, at: 1, type: 'toString', app: 'web', reason: 'x' } as unknown as HistoryEvent
    assert.equal(narrator()(event).text, 'web: toString: x.')
  })
})

suite('after others', () => {
  const crash = { type: 'worker-exited', ...slot, cause: 'crash', reason: 'exited with code 1' } as const
  const ready = { type: 'worker-ready', app: 'web', slot: 2, pid: 4720 } as const

  const lengths: [number, string][] = [
    [840, '0.8 s'],
    [9940, '9.9 s'],
    [12_400, '12 s'],
    [300_000, '5 min'],
    [3 * 3_600_000, '3 h'],
    [-5000, '0.0 s'],
  ]
  for (const [after, text] of lengths) {
    test(`a worker that replaces a crashed one is ready again, ${text} later`, () => {
      assert.equal(last(crash, { ...ready, after }), `web/2 is ready again with pid 4720, ${text} later.`)
    })
  }

  test('a worker that replaces a crashed one is started again, and the time counts from the crash', () => {
    const [, started, again] = tell(
      crash,
      { ...ready, type: 'worker-started', after: 100 },
      { ...ready, after: 400 },
    )
    assert.equal(started?.text, 'web/2 is started again with pid 4720.')
    assert.equal(again?.text, 'web/2 is ready again with pid 4720, 0.5 s later.')
  })

  const forgetting: [string, NewEvent][] = [
    ['another slot crashed', { ...crash, slot: 1 }],
    ['a slot of another app crashed', { ...crash, app: 'db' }],
    ['it ended as it was asked to', { type: 'worker-exited', ...slot, reason: 'exited with code 0' }],
  ]
  for (const [what, before] of forgetting) {
    test(`a worker is ready, and not again, when ${what}`, () => {
      assert.equal(last(before, ready), 'web/2 is ready with pid 4720.')
    })
  }

  test('a worker is ready again once only, and not after a stop', () => {
    assert.equal(last(crash, ready, ready), 'web/2 is ready with pid 4720.')
    assert.equal(last(crash, { type: 'stopped', app: 'web' }, ready), 'web/2 is ready with pid 4720.')
  })

  test('a supervisor that comes after one without an end tells of it', () => {
    const started = (pid: number) => ({ type: 'supervisor-started', pid }) as const
    assert.match(
      last(started(1), started(2)),
      /^The supervisor started with pid 2\. The one before it \(pid 1\)/,
    )
    assert.equal(
      last(started(1), { type: 'supervisor-stopped' }, started(2)),
      'The supervisor started with pid 2.',
    )
    assert.match(last({ type: 'supervisor-replaced', pid: 3 }, started(4)), /The one before it \(pid 3\)/)
  })
})
