// Keep-alive connections that stay open, are asked again and again who answers, and tell when the other side ends one.
import { connect, type Socket } from 'node:net'

const question = 'GET / HTTP/1.1\r\nHost: bench\r\n\r\n'
const patience = 10_000

export interface Answered {
  readonly pid: number
  readonly milliseconds: number
}

interface Held {
  readonly socket: Socket
  text: string
  /** Who waits for the answer on it. */
  settle: ((answer: Answered | Error) => void) | undefined
  askedAt: number
}

export class HeldConnections implements Disposable {
  readonly #held: Held[]
  /** Connections that the other side has ended; they are not opened again. */
  ended = 0

  constructor(port: number, count: number) {
    this.#held = Array.from({ length: count }, () => this.#open(port))
  }

  get count(): number {
    return this.#held.length
  }

  /** Who answers on one of them, and after how long. */
  ask(index: number): Promise<Answered> {
    const held = this.#held[index]
    if (held === undefined) throw new RangeError(`there is no connection ${index}`)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => held.settle?.(new Error(`no answer within ${patience} ms`)), patience)
      held.askedAt = performance.now()
      held.settle = (answer) => {
        clearTimeout(timer)
        held.settle = undefined
        if (answer instanceof Error) reject(answer)
        else resolve(answer)
      }
      if (held.socket.destroyed) held.settle(new Error('the connection has ended'))
      else held.socket.write(question)
    })
  }

  /** Who answers on each of them. */
  async askAll(): Promise<number[]> {
    const answers = await Promise.all(this.#held.map((_, index) => this.ask(index)))
    return answers.map(({ pid }) => pid)
  }

  [Symbol.dispose](): void {
    for (const { socket } of this.#held) socket.removeAllListeners('close').destroy()
  }

  #open(port: number): Held {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const held: Held = { socket, text: '', settle: undefined, askedAt: 0 }
    socket.setEncoding('latin1')
    socket.on('error', () => {}) // `close` follows
    socket.on('close', () => {
      this.ended++
      held.settle?.(new Error('the connection was closed without an answer'))
    })
    socket.on('data', (chunk: string) => {
      held.text += chunk
      const pid = /\r\n\r\n(\d+)\n/.exec(held.text)?.[1]
      if (pid === undefined) return
      held.text = ''
      held.settle?.({ pid: Number(pid), milliseconds: performance.now() - held.askedAt })
    })
    return held
  }
}
