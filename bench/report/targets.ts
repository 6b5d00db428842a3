// Holds what was measured against what was promised.

export interface Target {
  name: string
  /** The measured value may be this much at most. */
  atMost: number
  unit: string
  /** Undefined where this run did not measure it. */
  measured: number | undefined
}

export interface Verdict extends Target {
  verdict: 'reached' | 'missed' | 'not measured'
}

export function judge(target: Target): Verdict {
  const { measured, atMost } = target
  if (measured === undefined) return { ...target, verdict: 'not measured' }
  return { ...target, verdict: measured <= atMost ? 'reached' : 'missed' }
}
