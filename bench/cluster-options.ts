// Reads the cluster benchmark's command line.
import { parseArgs } from 'node:util'
import type { Contestant } from './contestants/contestant.ts'
import { contestants } from './contestants/index.ts'

export const partNames = ['requests', 'spread', 'supervisor', 'list', 'preload'] as const
export type PartName = (typeof partNames)[number]

export interface ClusterOptions {
  rounds: number
  seconds: number
  contestants: readonly Contestant[]
  parts: readonly PartName[]
  /** All contestants and all parts: only such a run replaces the saved results. */
  complete: boolean
}

export function readOptions(words: readonly string[]): ClusterOptions {
  const { values } = parseArgs({
    args: [...words],
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '3' },
      only: { type: 'string', default: '' },
      parts: { type: 'string', default: '' },
    },
  })
  const chosen = select(
    'only',
    values.only,
    contestants.map(({ key }) => key),
  )
  const parts = select('parts', values.parts, partNames)
  return {
    rounds: positive('rounds', values.rounds),
    seconds: positive('seconds', values.seconds),
    contestants: contestants.filter(({ key }) => chosen.includes(key)),
    parts,
    complete: chosen.length === contestants.length && parts.length === partNames.length,
  }
}

/** A list of names separated by commas; a name's beginning stands for all that begin so; nothing stands for all. */
function select<Name extends string>(option: string, text: string, known: readonly Name[]): readonly Name[] {
  if (text === '') return known
  const wanted = text.split(',').map((word) => word.trim())
  const unknown = wanted.find((word) => !known.some((name) => name.startsWith(word)))
  if (unknown !== undefined) {
    throw new Error(`--${option} ${unknown}: no such name; choose from ${known.join(', ')}`)
  }
  return known.filter((name) => wanted.some((word) => name.startsWith(word)))
}

function positive(option: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${option} ${text}: give a whole number from 1 up`)
  return value
}
