// Lifecycle events and effects as one line each, so that a test reads as a table of what happens and what is done.
import type { Effect, Event, Exit, Notice } from '../../../src/supervisor/state.ts'

/**
 * `start`, `start fresh`, `stop`, `restart`, `reload`, `reload 0 2`, `scale 3`, `tick`, and about worker 1: `ready 1`,
 * `drained 1`, `fault 1 why`, `blocked 1 why`, `renew 1 why`, `exit 1 normal`, `exit 1 crash`, `exit 1 SIGKILL`, `exit 1 78`,
 * `found 1@0 2@1:3` (worker 2 in slot 1, of release 3), `returned 1 ready`; `release 2` is a reload to another release that is taken back if it fails,
 * `plain release 2` one that is not, `release 2 of 0 1` one of these slots.
 */
export function eventOf(words: string): Event {
  const [type, ...rest] = words.split(' ')
  const number = Number(rest[0])
  switch (type) {
    case 'start':
      return { type, fresh: rest[0] === 'fresh' }
    case 'stop':
    case 'restart':
    case 'tick':
      return { type }
    case 'reload':
      return rest.length === 0 ? { type } : { type, slots: rest.map(Number) }
    case 'scale':
      return { type, size: number }
    case 'ready':
    case 'drained':
      return { type, worker: number }
    case 'fault':
    case 'blocked':
    case 'renew':
      return { type, worker: number, reason: rest[1] ?? type }
    case 'found':
      return { type, workers: rest.map(foundOf), deadline: 10_000 }
    case 'returned':
      return { type, worker: number, phase: phaseOf(rest[1]) }
    case 'release':
      return releaseOf(number, rest.slice(2).map(Number))
    case 'plain':
      return { type: 'reload', release: Number(rest[1]) }
    case 'exit':
      return {
        type: 'exited',
        worker: number,
        exit: exitOf(rest[1] ?? ''),
        reason: 'died',
      }
    default:
      throw new Error(`no such event: ${words}`)
  }
}

function releaseOf(release: number, slots: readonly number[]): Event {
  const command = { type: 'reload', release, rollback: true } as const
  return slots.length === 0 ? command : { ...command, slots }
}

function foundOf(words: string): (Event & { type: 'found' })['workers'][number] {
  const [worker = 0, slot = 0, release = 1] = words.split(/[@:]/).map(Number)
  return { worker, slot, release }
}

function phaseOf(word = ''): (Event & { type: 'returned' })['phase'] {
  if (word === 'starting' || word === 'ready' || word === 'draining' || word === 'drained') return word
  throw new Error(`no such phase: ${word}`)
}

function exitOf(how: string): Exit {
  if (how.startsWith('SIG')) return { code: null, signal: how }
  if (/^\d+$/.test(how)) return { code: Number(how), signal: null }
  return { code: how === 'normal' ? 0 : 1, signal: null }
}

/** `spawn 2@0` (worker 2 in slot 0), `drain 1 hand-on 800`, `signal 1`, `kill 1`, or a notice. */
export function effectWords(effect: Effect): string {
  switch (effect.type) {
    case 'spawn':
      return `spawn ${effect.worker}@${effect.slot}${effect.release === 1 ? '' : ` release ${effect.release}`}`
    case 'drain':
      return `drain ${effect.worker} ${effect.handOn ? 'hand-on' : 'alone'} ${effect.within}`
    case 'signal':
    case 'kill':
      return `${effect.type} ${effect.worker}`
    case 'notice':
      return noticeWords(effect.notice)
  }
}

function noticeWords(notice: Notice): string {
  switch (notice.type) {
    case 'worker-ready':
      return `worker-ready ${notice.worker}@${notice.slot}`
    case 'worker-exited':
      return `${notice.expected ? 'left' : 'crashed'} ${notice.worker}@${notice.slot}: ${notice.reason}`
    case 'worker-killed':
      return `killed ${notice.worker}@${notice.slot}: ${notice.reason}`
    case 'worker-backoff':
      return `backoff @${notice.slot} ${notice.delay}`
    case 'slot-failed':
    case 'start-failed':
    case 'reload-aborted':
      return `${notice.type} @${notice.slot}: ${notice.reason}`
    case 'refused':
      return `refused ${notice.command} during ${notice.during}`
    case 'finished':
      return notice.failed ? 'finished, failed' : 'finished'
    case 'rolled-back':
      return notice.failed === undefined ? 'rolled-back' : `rolled-back, but for: ${notice.failed}`
    case 'worker-renewing':
      return `renewing ${notice.worker}@${notice.slot}: ${notice.reason}`
    case 'renewal-failed':
      return `renewal-failed @${notice.slot}: ${notice.reason}`
    case 'renewed':
    case 'canary-passed':
      return `${notice.type} @${notice.slot}`
    case 'worker-returned':
      return `returned ${notice.worker}@${notice.slot}`
    case 'started':
    case 'reloaded':
    case 'scaled':
    case 'stopped':
      return notice.type
  }
}
