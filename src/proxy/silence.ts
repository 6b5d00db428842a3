// How long an upstream has let somebody wait without a byte, and who is to be preferred to one that has done so for too long.
import type { Millis } from '../kernel/clock.ts'

export interface Silence {
  /** So many wait for the first byte of an answer, or for a connection. */
  readonly waiting: number
  /** When something came last, or somebody began to wait where nobody did. */
  readonly since: Millis
  /** How long an answer takes as a rule; undefined before the first one. */
  readonly usual: Millis | undefined
}

/** One that lets somebody wait for so long lags; on a busy machine a turn of a loop takes tens of milliseconds. */
const lagAfter: Millis = 100
/**
 * In a program whose answers take longer than that anyway, one lags that is silent for so many times what is usual. Otherwise whoever
 * has just answered would be the only one that does not lag: it would get most of what comes, answer most, and end up with all of it.
 */
const timesUsual = 3
/** The share of the last answer in what is usual. */
const lastWeight = 1 / 8

export const silent: Silence = { waiting: 0, since: 0, usual: undefined }

/** Somebody waits from now on. */
export function asked({ waiting, since, usual }: Silence, now: Millis): Silence {
  return { waiting: waiting + 1, since: waiting === 0 ? now : since, usual }
}

/** Something came from it, for whomever. */
export function heard(silence: Silence, now: Millis): Silence {
  return { ...silence, since: now }
}

/** One of those who waited has the first byte, after so many milliseconds. */
export function answered({ waiting, usual }: Silence, now: Millis, after: Millis): Silence {
  return {
    waiting: waiting - 1,
    since: now,
    usual: usual === undefined ? after : usual + (after - usual) * lastWeight,
  }
}

/** One of those who waited does so no more, and has got nothing. */
export function gaveUp(silence: Silence): Silence {
  return { ...silence, waiting: silence.waiting - 1 }
}

function length({ waiting, since }: Silence, now: Millis): Millis {
  return waiting === 0 ? 0 : now - since
}

/** Those that do not lag; all of them when each does. What is usual is what is usual with those that are not silent. */
export function keepingUp<One extends { readonly silence: Silence }>(
  members: readonly One[],
  now: Millis,
): readonly One[] {
  const isSilent = ({ silence }: One): boolean => length(silence, now) > lagAfter
  if (!members.some(isSilent)) return members
  const brisk = members.filter((one) => !isSilent(one))
  if (brisk.length === 0) return members
  const known = brisk.flatMap(({ silence: { usual } }) => usual ?? [])
  const limit = Math.max(lagAfter, known.length === 0 ? 0 : Math.min(...known) * timesUsual)
  return members.filter(({ silence }) => length(silence, now) <= limit)
}
