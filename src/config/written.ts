// The values people write in a configuration: times, sizes, counts, signals, paths; each says what to write when it makes no sense.
import { constants } from 'node:os'
import * as v from 'valibot'
import type { Millis } from '../kernel/clock.ts'
import { parseDuration } from '../kernel/duration.ts'
import { type Bytes, parseSize } from '../kernel/size.ts'
import { longestTime, type Probe } from './app-spec.ts'
import { noList } from './keyed.ts'
import { probeForms, probeOf } from './probe-text.ts'
import { workerCount, workersAdvice } from './worker-count.ts'

/** A text or a number that `read` makes a value of, or undefined where it makes no sense. */
// The return type is the library's, several lines long and of no use to a reader.
function readAs<Read>(read: (written: string | number) => Read | undefined, advice: string) {
  return v.pipe(
    v.union([v.string(), v.number()], advice),
    v.rawTransform<string | number, Read>(({ dataset, addIssue, NEVER }) => {
      const value = read(dataset.value)
      if (value !== undefined) return value
      addIssue({ message: advice })
      return NEVER
    }),
  )
}

const within =
  (least: number, most: number) =>
  (length: Millis | undefined): Millis | undefined =>
    length !== undefined && Number.isInteger(length) && length >= least && length <= most ? length : undefined

/** A length of time as text or in milliseconds, of at least and at most so many. */
export function time(least: Millis = 0, most: Millis = longestTime) {
  const inBounds = within(least, most)
  const from = least > 1 ? `from ${least}ms ` : ''
  const upTo = most === longestTime ? '24h' : `${most / longestTime}d`
  return readAs<Millis>(
    (written) => inBounds(typeof written === 'number' ? written : parseDuration(written)),
    `write a time such as 500ms, 10s or 2m, ${from}up to ${upTo}`,
  )
}

export const longTime = (least: Millis) => time(least, 365 * longestTime)

/** An amount of memory or disk, as text or in bytes. */
export function size(least: Bytes = 1) {
  const inBounds = within(least, Number.MAX_SAFE_INTEGER)
  return readAs<Bytes>(
    (written) => inBounds(typeof written === 'number' ? written : parseSize(written)),
    'write a size such as 512MB or 1.5GiB',
  )
}

export const workers = v.pipe(
  v.union([v.literal('max'), v.number()], workersAdvice),
  v.rawTransform<number | 'max', number>(({ dataset, addIssue, NEVER }) => {
    const count = workerCount(dataset.value)
    if (typeof count === 'number') return count
    addIssue({ message: count })
    return NEVER
  }),
)

export function whole(least: number, most: number = Number.MAX_SAFE_INTEGER) {
  const upTo = most === Number.MAX_SAFE_INTEGER ? 'up' : `to ${most}`
  const advice = `write a whole number from ${least} ${upTo}`
  return v.pipe(v.number(advice), v.integer(advice), v.minValue(least, advice), v.maxValue(most, advice))
}

/** A number between 0 and 1. */
const fractionAdvice = 'write a share from 0 to 1, such as 0.1'
export const fraction = v.pipe(
  v.number(fractionAdvice),
  v.minValue(0, fractionAdvice),
  v.maxValue(1, fractionAdvice),
)

const processorsAdvice = 'write a number of processors such as 0.5 or 2'
export const processors = v.pipe(
  v.number(processorsAdvice),
  v.finite(processorsAdvice),
  v.gtValue(0, processorsAdvice),
)

export function choice<const Choices extends readonly string[]>(choices: Choices) {
  return v.picklist(choices, `choose one of ${choices.join(', ')}`)
}

export function text(advice: string) {
  return v.pipe(
    v.string(advice),
    v.minLength(1, advice),
    v.check((written) => !written.includes('\0'), advice),
  )
}

export function flag() {
  return v.boolean('write true or false')
}

/** One or many of something. */
export function oneOrMany<const Item extends v.GenericSchema>(item: Item, advice: string) {
  return v.union([item, v.array(item, advice)], advice)
}

const signalAdvice = 'write a signal of this system, such as SIGTERM or SIGINT'

/** `term` and `SIGTERM` are the same. */
export const signal = v.pipe(
  v.string(signalAdvice),
  v.rawTransform<string, NodeJS.Signals>(({ dataset, addIssue, NEVER }) => {
    const upper = dataset.value.toUpperCase()
    const name = upper.startsWith('SIG') ? upper : `SIG${upper}`
    if (Object.hasOwn(constants.signals, name)) return name as NodeJS.Signals // `hasOwn` has just checked it
    addIssue({ message: signalAdvice })
    return NEVER
  }),
)

export const probeAdvice = `write a probe such as ${probeForms}`

export const probeText = v.pipe(
  v.string(probeAdvice),
  v.rawTransform<string, Probe>(({ dataset, addIssue, NEVER }) => {
    const probe = probeOf(dataset.value)
    if (probe !== undefined) return probe
    addIssue({ message: probeAdvice })
    return NEVER
  }),
)

const idAdvice = 'write a name or a number'

/** A user or a group. */
export const account = v.union([whole(0), text(idAdvice)], idAdvice)

const envAdvice = 'write a text, a number, true or false; undefined or null removes the variable'
const envName = v.pipe(v.string(), v.regex(/^[^=\0]+$/, "is no name of a variable: leave out '='"))
const envText = v.pipe(
  v.string(),
  v.check((value) => !value.includes('\0'), 'write a text without the character 0'),
)

const variablesAdvice = "write an object, such as { LOG_LEVEL: 'info' }"

/** Variables; what is undefined or null is taken away from those of the layers before. */
export const variables = noList(
  v.record(envName, v.nullish(v.union([envText, v.number(), v.boolean()], envAdvice)), variablesAdvice),
  variablesAdvice,
)

export type Variables = v.InferOutput<typeof variables>
