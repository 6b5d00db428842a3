/** Puts one HTTP/1.1 answer together from the bytes of a connection, and knows exactly when it is complete. */
import { type AnswerHead, MalformedAnswer, parseHead } from './answer-head.ts'

export type Answer = {
  readonly head: AnswerHead
  /** Decoded as latin1: one character is one byte. */
  readonly body: string
}

type Stage =
  | { at: 'head' }
  | { at: 'body'; head: AnswerHead; missing: number }
  | { at: 'chunk size'; head: AnswerHead }
  | { at: 'chunk'; head: AnswerHead; missing: number }
  | { at: 'chunk end'; head: AnswerHead }
  | { at: 'trailers'; head: AnswerHead }
  | { at: 'until close'; head: AnswerHead }
  | { at: 'complete'; answer: Answer }

const longestLine = 64 * 1024

export class AnswerReader {
  #stage: Stage = { at: 'head' }
  #unread = ''
  #body = ''

  /** Returns the answer as soon as its last byte is there. Throws `MalformedAnswer`. */
  push(bytes: Buffer): Answer | undefined {
    this.#unread += bytes.toString('latin1')
    while (this.#advance());
    if (this.#stage.at !== 'complete') return undefined
    // Nothing was asked in advance, so bytes behind the answer belong to somebody else's, or were sent twice.
    if (this.#unread !== '')
      throw new MalformedAnswer(`${this.#unread.length} bytes after the end of the answer`)
    return this.#stage.answer
  }

  /** The server has closed the connection: an answer without any length is complete now, every other one is cut. */
  end(): Answer | undefined {
    if (this.#stage.at !== 'until close') return undefined
    return this.#complete(this.#stage.head)
  }

  /** How far the answer has come, to say where it was cut. */
  describeProgress(): string {
    switch (this.#stage.at) {
      case 'head':
        return this.#unread === '' ? 'before the answer' : 'within the head of the answer'
      case 'body':
        return `with ${this.#stage.missing} bytes of the answer missing`
      case 'until close':
        return `after ${this.#body.length} bytes of an answer without length`
      case 'complete':
        return 'after the answer'
      case 'chunk size':
      case 'chunk':
      case 'chunk end':
      case 'trailers':
        return `before the last chunk, after ${this.#body.length} bytes of content`
    }
  }

  /** Takes one step through the unread text; false when it needs more bytes, or none. */
  #advance(): boolean {
    const stage = this.#stage
    switch (stage.at) {
      case 'head':
        return this.#readHead()
      case 'body':
        return this.#readBody(stage)
      case 'chunk size':
        return this.#readChunkSize(stage.head)
      case 'chunk':
        stage.missing -= this.#take(stage.missing)
        if (stage.missing > 0) return false
        this.#stage = { at: 'chunk end', head: stage.head }
        return true
      case 'chunk end': {
        const line = this.#line('\r\n')
        if (line === undefined) return false
        if (line !== '') throw new MalformedAnswer('a chunk is longer than its size')
        this.#stage = { at: 'chunk size', head: stage.head }
        return true
      }
      case 'trailers': {
        const line = this.#line('\r\n')
        if (line === '') this.#complete(stage.head)
        return line !== undefined
      }
      case 'until close':
        this.#take(this.#unread.length)
        return false
      case 'complete':
        return false
    }
  }

  #readHead(): boolean {
    const text = this.#line('\r\n\r\n')
    if (text === undefined) return false
    const head = parseHead(text)
    if (head.status === 101) throw new MalformedAnswer('switches protocols although nobody asked for it')
    // 100 Continue, 103 Early Hints: the real answer is still to come.
    if (head.status < 200) return true
    switch (head.framing.by) {
      case 'length':
        this.#stage = { at: 'body', head, missing: head.framing.length }
        return true
      case 'chunks':
        this.#stage = { at: 'chunk size', head }
        return true
      case 'close':
        this.#stage = { at: 'until close', head }
        return true
    }
  }

  #readBody(stage: { head: AnswerHead; missing: number }): boolean {
    stage.missing -= this.#take(stage.missing)
    if (stage.missing === 0) this.#complete(stage.head)
    return false
  }

  #readChunkSize(head: AnswerHead): boolean {
    const line = this.#line('\r\n')
    if (line === undefined) return false
    const size = /^([0-9a-f]{1,8})[\t ]*(?:;|$)/i.exec(line)?.[1]
    if (size === undefined) throw new MalformedAnswer(`chunk size ${JSON.stringify(line.slice(0, 80))}`)
    const missing = Number.parseInt(size, 16)
    this.#stage = missing === 0 ? { at: 'trailers', head } : { at: 'chunk', head, missing }
    return true
  }

  #line(end: string): string | undefined {
    const at = this.#unread.indexOf(end)
    if (at === -1) {
      if (this.#unread.length > longestLine)
        throw new MalformedAnswer(`no end of line in ${longestLine} bytes`)
      return undefined
    }
    const line = this.#unread.slice(0, at)
    this.#unread = this.#unread.slice(at + end.length)
    return line
  }

  #take(most: number): number {
    const taken = Math.min(most, this.#unread.length)
    this.#body += this.#unread.slice(0, taken)
    this.#unread = this.#unread.slice(taken)
    return taken
  }

  #complete(head: AnswerHead): Answer {
    const answer = { head, body: this.#body }
    this.#stage = { at: 'complete', answer }
    return answer
  }
}
