// Tells that a message is too large before the time and the memory to serialise it are spent.
import { BroodError } from '../kernel/errors.ts'

/** The largest message that may be sent unless the option `maxMessage` says otherwise, in bytes. */
export const defaultMaxMessage = 16 * 1024 * 1024

/** JSON writes a byte of binary data as up to four characters, and at least as two: a digit and a comma. */
const charactersPerByte = 2

/** Throws `message_too_large` when `message` takes more than `limit` bytes in any case. Never counts too much. */
export function checkMessageSize(message: unknown, limit: number, serialization: 'json' | 'advanced'): void {
  if (limit === Number.POSITIVE_INFINITY || isSmallAndFlat(message, limit)) return
  const count = new Count(limit, serialization === 'json')
  if (count.sizeOf(message) <= limit) return
  throw new BroodError(
    'message_too_large',
    `a message of more than ${limit} bytes: send it in pieces, through a pipe or a file, or raise maxMessage`,
  )
}

/** Most messages are: looked at without making anything. */
function isSmallAndFlat(message: unknown, limit: number): boolean {
  if (typeof message === 'string') return message.length <= limit
  if (typeof message !== 'object' || message === null) return limit > 0
  if (message instanceof Map || message instanceof Set || ArrayBuffer.isView(message)) return false
  let size = 1
  for (const key in message) {
    const part: unknown = message[key as keyof typeof message]
    if (typeof part === 'object' && part !== null) return false
    size += typeof part === 'string' ? part.length : 1
    if (size > limit) return false
  }
  return true
}

/** Counts no further than to the limit. */
class Count {
  readonly #limit: number
  readonly #isJson: boolean
  #known: Map<object, number> | undefined

  constructor(limit: number, isJson: boolean) {
    this.#limit = limit
    this.#isJson = isJson
  }

  /** Bytes that the value takes at least. */
  sizeOf(value: unknown): number {
    if (typeof value === 'string') return value.length
    if (typeof value !== 'object' || value === null)
      return value === undefined || typeof value === 'function' ? 0 : 1
    if (Buffer.isBuffer(value)) return value.length * (this.#isJson ? charactersPerByte : 1)
    if (ArrayBuffer.isView(value))
      return this.#isJson && 'length' in value ? Number(value.length) : value.byteLength
    // JSON asks the object itself, whose answer may be short.
    if (this.#isJson && 'toJSON' in value) return 1
    this.#known ??= new Map()
    const known = this.#known.get(value)
    // JSON writes what it meets again once more; structured clone writes a reference.
    if (known !== undefined) return this.#isJson ? known : 1
    this.#known.set(value, 0) // a cycle counts nothing: JSON refuses it, in its own words
    const size = this.#sizeOfParts(value)
    this.#known.set(value, size)
    return size
  }

  #sizeOfParts(container: object): number {
    let size = 1
    for (const part of this.#partsOf(container)) {
      size += this.sizeOf(part)
      if (size > this.#limit) break
    }
    return size
  }

  #partsOf(container: object): Iterable<unknown> {
    if (Array.isArray(container)) return container
    if (!this.#isJson && container instanceof Map) return [...container.keys(), ...container.values()]
    if (!this.#isJson && container instanceof Set) return container
    return Object.values(container)
  }
}
