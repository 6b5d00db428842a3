// Messages that wait to be read, up to a bound: an async iterator over what others push.
import { BroodError } from '../kernel/errors.ts'

/** How many messages wait unread unless an option says otherwise. */
export const defaultMaxUnread = 10_000

export interface InboxEvents<Item> {
  /** An item nobody will read: over the bound, or left when the reader went. */
  drop(item: Item): void
  /** The reader went. */
  left(): void
  /** Items wait, or no longer; for sources that can be paused. */
  waiting?(count: number): void
}

type End = { readonly with: 'done' } | { readonly with: 'error'; readonly error: BroodError }

export class Inbox<Item> implements AsyncIterableIterator<Item> {
  readonly #limit: number
  readonly #events: InboxEvents<Item>
  #items: Item[] = []
  /** Items before this index are read already; shifting an array of ten thousand for each would be slow. */
  #read = 0
  #readers: PromiseWithResolvers<IteratorResult<Item>>[] = []
  #end: End | undefined

  constructor(limit: number, events: InboxEvents<Item>) {
    this.#limit = limit
    this.#events = events
  }

  push(item: Item): void {
    const reader = this.#end === undefined ? this.#readers.shift() : undefined
    if (reader !== undefined) return reader.resolve({ done: false, value: item })
    if (this.#end === undefined && this.#count >= this.#limit) {
      const message = `${this.#limit} messages wait unread: read them faster, have the sender wait for answers, or raise maxUnread`
      this.end(new BroodError('messages_unread', message))
    }
    if (this.#end !== undefined) return this.#events.drop(item)
    this.#items.push(item)
    this.#events.waiting?.(this.#count)
  }

  /** What waits can still be read; then the iterator is done, or throws `error`. */
  end(error?: BroodError): void {
    if (this.#end !== undefined) return
    this.#end = error === undefined ? { with: 'done' } : { with: 'error', error }
    for (const reader of this.#readers.splice(0)) this.#finish(reader)
  }

  next(): Promise<IteratorResult<Item>> {
    const reader = Promise.withResolvers<IteratorResult<Item>>()
    if (this.#read < this.#items.length) reader.resolve({ done: false, value: this.#take() })
    else if (this.#end !== undefined) this.#finish(reader)
    else this.#readers.push(reader)
    return reader.promise
  }

  /** Called when a `for await` is left early. */
  return(): Promise<IteratorResult<Item>> {
    for (const item of this.#items.splice(0).slice(this.#read)) this.#events.drop(item)
    this.#read = 0
    this.end()
    this.#events.left()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  get #count(): number {
    return this.#items.length - this.#read
  }

  #take(): Item {
    const item = this.#items[this.#read++] as Item // next() has looked that there is one
    if (this.#read === this.#items.length || this.#read >= 1024) {
      this.#items = this.#items.slice(this.#read)
      this.#read = 0
    }
    this.#events.waiting?.(this.#count)
    return item
  }

  #finish(reader: PromiseWithResolvers<IteratorResult<Item>>): void {
    const end = this.#end
    if (end?.with !== 'error') {
      reader.resolve({ done: true, value: undefined })
      return
    }
    this.#end = { with: 'done' } // an error is thrown once
    reader.reject(end.error)
  }
}
