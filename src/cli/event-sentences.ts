// What happened, in plain sentences: a table with an entry for each type of event, and what has to be known of those before.
import type { EventType, HistoryEvent } from '../daemon/event.ts'
import type { Millis } from '../kernel/clock.ts'

export interface Sentence {
  readonly severity: 'good' | 'plain' | 'warning' | 'bad'
  readonly text: string
  readonly detail: readonly string[]
}

/** What the events told so far say about the next one. */
interface Past {
  /** When the worker of a slot, as `web/0`, was last gone. */
  readonly goneAt: Map<string, Millis>
  /** The supervisor that runs, as far as is known. */
  supervisor: number | undefined
}

type Told = readonly [severity: Sentence['severity'], text: string]

/** Tells events one after the other, each with what those before it mean for it. */
export function narrator(): (event: HistoryEvent) => Sentence {
  const past: Past = { goneAt: new Map(), supervisor: undefined }
  return (event) => {
    // Another version of brood may have written types that this one does not know.
    const tell = Object.hasOwn(sentences, event.type) ? sentences[event.type] : unknownType
    const [severity, text] = tell(event, past)
    remember(event, past)
    return { severity, text, detail: event.detail ?? [] }
  }
}

const sentences: Record<EventType, (event: HistoryEvent, past: Past) => Told> = {
  'supervisor-started': ({ pid }, { supervisor }) => {
    const text = `The supervisor started with pid ${pid ?? '?'}`
    if (supervisor === undefined) return ['plain', `${text}.`]
    return [
      'bad',
      `${text}. The one before it (pid ${supervisor}) had ended without a word: killed, or the machine went down.`,
    ]
  },
  'supervisor-stopped': (event) => ['plain', `The supervisor${pidOf(event)} ended in order${why(event)}.`],
  'supervisor-replaced': (event) => [
    'warning',
    `A new supervisor${pidOf(event)} took the place of the one before, whose workers went on meanwhile${colon(event)}.`,
  ],
  'supervisor-left': (event) => [
    'plain',
    `The supervisor${pidOf(event)} left to one that ${who(event)} starts, with a socket that it lacked itself.`,
  ],
  'state-unreadable': (event) => [
    'bad',
    `What was remembered of the apps could not be read${colon(event)}. Nothing was started from it.`,
  ],
  'history-unreadable': (event) => [
    'bad',
    `The history could not be read and was begun anew${colon(event)}.`,
  ],
  'events-lost': (event) => ['warning', `Some events before this one are missing${colon(event)}.`],
  asked: (event) => ['plain', asked(event)],
  applied: (event) => ['good', `The configuration was applied${of(event)}${why(event)}${colon(event)}.`],
  'app-waiting': (event) => ['plain', `${who(event)} waits for ${event.reason ?? 'what it depends on'}.`],
  started: (event) => ['good', `${who(event)} is running${why(event)}.`],
  'start-failed': (event) => ['bad', `${who(event)} could not be started${why(event)}${colon(event)}.`],
  reloaded: (event) => ['good', `The reload of ${who(event)} is done${why(event)}.`],
  'reload-aborted': (event) => [
    'bad',
    `The reload of ${event.app ?? 'an app'} was given up${event.slot === undefined ? '' : ` at slot ${event.slot}`}${why(event)}, and the old workers go on${colon(event)}.`,
  ],
  'canary-passed': (event) => [
    'good',
    `The first new worker of ${who(event)} did no worse than the old ones, so the others follow${colon(event)}.`,
  ],
  'rolled-back': (event) => [
    'bad',
    `${who(event)} went back to what it was before${why(event)}${colon(event)}.`,
  ],
  scaled: (event) => [
    'good',
    `${who(event)} has as many workers as were asked for${why(event)}${colon(event)}.`,
  ],
  rebalanced: (event) => ['plain', `The connections of ${who(event)} were spread anew${colon(event)}.`],
  stopped: (event) => ['plain', `${who(event)} is stopped${why(event)}.`],
  finished: (event) => [
    'plain',
    `${who(event)} has no worker left that runs or will${why(event)}${colon(event)}.`,
  ],
  'worker-started': (event, past) => {
    const again = past.goneAt.has(who(event)) ? 'started again' : 'started'
    return ['plain', `${who(event)} is ${again}${withPid(event)}${why(event)}.`]
  },
  'worker-ready': (event, { goneAt }) => {
    const gone = goneAt.get(who(event))
    if (gone === undefined) return ['good', `${who(event)} is ready${withPid(event)}.`]
    return ['good', `${who(event)} is ready again${withPid(event)}, ${apart(event.at - gone)} later.`]
  },
  'worker-renewing': (event) => [
    'plain',
    `${who(event)}${pidOf(event)} is being replaced${why(event)}${colon(event)}.`,
  ],
  warning: (event) => ['warning', `Not everything is as ${who(event)} asks for${colon(event)}.`],
  renewed: (event) => ['good', `${who(event)} has been replaced.`],
  'renewal-failed': (event) => [
    'bad',
    `${who(event)} could not be replaced${colon(event)}; the old worker goes on.`,
  ],
  'worker-exited': (event) => (event.cause === 'crash' ? crashed(event) : endedAsAsked(event)),
  'worker-killed': (event) => [
    'warning',
    `${who(event)}${pidOf(event)} gets SIGKILL${why(event)}${event.reason === undefined ? '' : `: it ${event.reason}`}.`,
  ],
  'worker-blocked': (event) => [
    'bad',
    `${who(event)}${pidOf(event)} is blocked: it ${event.reason ?? 'does not turn its event loop'}${event.detail === undefined ? '.' : '. It is at:'}`,
  ],
  'worker-returned': (event) => [
    'good',
    `${who(event)}${pidOf(event)} came back to the new supervisor; it never stopped working.`,
  ],
  'worker-backoff': (event) => ['warning', `${who(event)} has crashed again${semicolon(event)}.`],
  'worker-unwritten': (event) => [
    'bad',
    event.app === undefined
      ? `What is to be remembered could not be written${colon(event)}.`
      : `${who(event)} said something that could not be written to its log${colon(event)}.`,
  ],
  'slot-failed': (event) => [
    'bad',
    `${who(event)} is given up${colon(event)}. 'brood reload ${event.app ?? 'all'}' tries again.`,
  ],
  'hook-failed': (event) => ['warning', `A hook of ${who(event)} failed${colon(event)}.`],
}

function unknownType(event: HistoryEvent): Told {
  return ['plain', `${who(event)}${pidOf(event)}: ${event.type}${why(event)}${colon(event)}.`]
}

function crashed(event: HistoryEvent): Told {
  const reason = event.reason ?? 'nobody knows how'
  const signal = /^was killed by (\S+)$/.exec(reason)?.[1]
  const worker = `${who(event)}${pidOf(event)}`
  if (signal !== undefined) return ['bad', `${worker} was ended by ${signal}, which brood did not send.`]
  if (reason.startsWith('was killed by the kernel')) return ['bad', `${worker} ${reason}.`]
  // Everything but an exit is a fault for which brood itself ended the worker.
  if (!reason.startsWith('exited')) return ['bad', `${worker} failed: ${reason}.`]
  return ['bad', `${worker} ended by itself: ${reason}.`]
}

/** Ends that say nothing more than that it has ended; the last is of a worker whose parent was an earlier supervisor. */
const asExpected: ReadonlySet<string> = new Set(['exited with code 0', 'ended'])

function endedAsAsked(event: HistoryEvent): Told {
  const how = event.reason === undefined || asExpected.has(event.reason) ? '' : `; it ${event.reason}`
  return ['plain', `${who(event)}${pidOf(event)} ended as it was asked to${why(event)}${how}.`]
}

/** `asked` has the command as its reason. */
function asked(event: HistoryEvent): string {
  const { reason = 'something', cause } = event
  // A file that changed, an hour of the day, or another app.
  if (cause !== undefined && !cause.startsWith('command '))
    return `A ${reason} of ${who(event)} begins ${why(event).trimStart()}.`
  const by = cause === undefined ? 'Somebody' : whoAsks(cause)
  return `${by} asked for a ${reason} of ${who(event)}.`
}

function whoAsks(cause: string): string {
  const uid = /\bby uid (\d+)$/.exec(cause)?.[1]
  if (uid !== undefined) return uid === '0' ? 'root' : `User ${uid}`
  return 'Somebody'
}

function remember(event: HistoryEvent, past: Past): void {
  if (event.type === 'supervisor-started' || event.type === 'supervisor-replaced') past.supervisor = event.pid
  if (event.type === 'supervisor-stopped') past.supervisor = undefined
  if (event.type === 'worker-exited' && event.cause === 'crash') past.goneAt.set(who(event), event.at)
  if (event.type === 'worker-ready') past.goneAt.delete(who(event))
  if (event.type === 'stopped')
    for (const slot of past.goneAt.keys()) if (slot.startsWith(`${event.app}/`)) past.goneAt.delete(slot)
}

function who({ app, slot }: HistoryEvent): string {
  if (app === undefined) return 'all'
  return slot === undefined ? app : `${app}/${slot}`
}

function of(event: HistoryEvent): string {
  return event.app === undefined ? '' : ` to ${event.app}`
}

function pidOf({ pid }: HistoryEvent): string {
  return pid === undefined ? '' : ` (pid ${pid})`
}

function withPid({ pid }: HistoryEvent): string {
  return pid === undefined ? '' : ` with pid ${pid}`
}

function colon({ reason }: HistoryEvent): string {
  return reason === undefined ? '' : `: ${reason}`
}

function semicolon({ reason }: HistoryEvent): string {
  return reason === undefined ? '' : `; ${reason}`
}

/** The causes that the supervisor gives, each as the end of a sentence; others as they are. */
const causes: readonly (readonly [RegExp, string])[] = [
  [/^command (\S+) by uid (\d+)$/, "because user $2 said 'brood $1'"],
  [/^command (\S+)$/, "because somebody said 'brood $1'"],
  [/^signal (\S+)$/, 'because of the signal $1'],
  [/^signal$/, 'because of a signal'],
  [/^boot$/, 'as the supervisor came up'],
  [/^watch: (.+)$/, 'because $1'],
  [/^cron (.+)$/, 'as its plan $1 says'],
  [/^memory (.+) over (.+)$/, 'because it used $1 of memory, over its $2'],
  [/^crash$/, 'after a crash'],
  [/^dependency (.+)$/, 'because of $1, which it depends on'],
  [/^canary$/, 'as the first of the new ones'],
]

function why({ cause }: HistoryEvent): string {
  if (cause === undefined) return ''
  const known = causes.find(([pattern]) => pattern.test(cause))
  return known === undefined ? ` (${cause})` : ` ${cause.replace(known[0], known[1])}`
}

/** `0.8 s`, `12 s`, `5 min`, `3 h`. */
function apart(length: Millis): string {
  if (length < 9950) return `${(Math.max(0, length) / 1000).toFixed(1)} s`
  if (length < 120_000) return `${Math.round(length / 1000)} s`
  if (length < 7_200_000) return `${Math.round(length / 60_000)} min`
  return `${Math.round(length / 3_600_000)} h`
}
