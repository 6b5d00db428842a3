// An object with known keys: whoever writes another one is told which key was meant.
import * as v from 'valibot'
import { nearestKey } from './nearest-key.ts'
import { insteadOfPm2Key } from './pm2-keys.ts'

/** The type of a schema made by `keyed`. */
export type Keyed<Entries extends v.ObjectEntries> = v.StrictObjectSchema<
  Entries,
  (issue: v.StrictObjectIssue) => string
>

/** `what` completes the sentence "write …". */
export function keyed<const Entries extends v.ObjectEntries>(what: string, entries: Entries): Keyed<Entries> {
  const known = Object.keys(entries)
  const schema = v.strictObject(entries, (issue) => {
    if (issue.expected === 'never') return unknownKeys(issue, known)
    return isMissingKey(issue) ? `is missing: write ${what}` : `write ${what}`
  })
  return noList(schema, `write ${what}`)
}

/** To the library a list is an object, too, and its methods are keys. */
export function noList<Schema extends v.GenericSchema>(schema: Schema, advice: string): Schema {
  const refusal = v.custom<never>(() => false, advice)
  const run: Schema['~run'] = (dataset, config) =>
    Array.isArray(dataset.value) ? refusal['~run'](dataset, config) : schema['~run'](dataset, config)
  return { ...schema, '~run': run }
}

/** The value is not to be shown with either: there is none, or it is not what is wrong. */
export function isAboutKey(issue: v.BaseIssue<unknown>): boolean {
  return issue.type === 'strict_object' && (issue.expected === 'never' || isMissingKey(issue))
}

function isMissingKey(issue: v.BaseIssue<unknown>): boolean {
  return issue.expected !== 'Object' && issue.expected !== 'never'
}

/** The library stops at the first unknown key, but somebody who moves a file here has many. */
function unknownKeys(issue: v.StrictObjectIssue, known: readonly string[]): string {
  const object = issue.path?.at(-1)?.input
  const unknown = Object.keys(object ?? {}).filter((key) => !known.includes(key))
  const [first = '', ...rest] = unknown
  return [unknownKey(first, known), ...rest.map((key) => `${key} ${unknownKey(key, known)}`)].join('; ')
}

function unknownKey(key: string, known: readonly string[]): string {
  const instead = insteadOfPm2Key(key)
  if (instead !== undefined) return `is a key of PM2: ${instead}`
  const nearest = nearestKey(key, known)
  return `is no known key: ${nearest === undefined ? `there are ${known.join(', ')}` : `did you mean '${nearest}'?`}`
}
