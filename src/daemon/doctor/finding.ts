// What the doctor says: one fact about this machine or this home, how good it is, and how to mend it.
import type { AppDetail, SupervisorReport } from '../control/contract.ts'
import type { Home } from '../home.ts'
import type { System } from './system.ts'

export interface Finding {
  /** What was looked at, in a word. */
  readonly check: string
  /** `problem`: something does not work, or will not after the next boot; `notice`: it works, but could be better. */
  readonly level: 'ok' | 'notice' | 'problem'
  readonly what: string
  /** A command, or what to do. */
  readonly mend?: string
}

/** What a check looks at. */
export interface Patient {
  readonly system: System
  readonly home: Home
  /** This command's. */
  readonly version: string
  /** Undefined when none is running. */
  readonly supervisor: SupervisorReport | undefined
  /** Why a supervisor that is there cannot be asked. */
  readonly unreachable: string | undefined
  readonly apps: readonly AppDetail[]
}

export type Check = (patient: Patient) => readonly Finding[]

export function ok(check: string, what: string): Finding {
  return { check, level: 'ok', what }
}

export function notice(check: string, what: string, mend: string): Finding {
  return { check, level: 'notice', what, mend }
}

export function problem(check: string, what: string, mend: string): Finding {
  return { check, level: 'problem', what, mend }
}
