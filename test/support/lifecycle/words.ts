// Lifecycle events and effects as one line each, so that a test reads as a table of what happens and what is done.
import type { Effect, Event, Exit, Notice } from '../../../src/supervisor/state.ts'

/**
 * `start`, `start fresh`, `stop`, `restart`, `reload`, `reload 0 2`, `scale 3`, `tick`, and about worker 1: `ready 1`,
 * `drained 1`, `fault 1 blocked`, `exit 1 normal`, `exit 1 crash`, `exit 1 SIGKILL`.
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
      return { type, worker: number, reason: rest[1] ?? 'fault' }
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

function exitOf(how: string): Exit {
  if (how.startsWith('SIG')) return { code: null, signal: how }
  return { code: how === 'normal' ? 0 : 1, signal: null }
}

/** `spawn 2@0` (worker 2 in slot 0), `drain 1 hand-on 800`, `signal 1`, `kill 1`, or a notice. */
export function effectWords(effect: Effect): string {
  switch (effect.type) {
    case 'spawn':
      return `spawn ${effect.worker}@${effect.slot}`
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
    case 'started':
    case 'reloaded':
    case 'scaled':
    case 'stopped':
      return notice.type
  }
}
