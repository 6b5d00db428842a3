// Tells the moment a process is gone that is no child of the test: it holds a connection for as long as it lives.
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'

export class Lifeline {
  readonly path: string
  readonly #sockets = new Set<Socket>()
  readonly #gone = new Map<number, PromiseWithResolvers<void>>()

  private constructor(path: string) {
    this.path = path
  }

  /** Programs find it as `LIFELINE`; see test/fixtures/misbehaving/holds-lifeline.js. */
  static async open(t: TestContext, folder: string): Promise<Lifeline> {
    const lifeline = new Lifeline(join(folder, 'lifeline.sock'))
    const server = createServer((socket) => lifeline.#take(socket))
    server.unref() // a teardown that fails before this one's turn must not keep the test file alive
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(lifeline.path, resolve))
    t.after(() => {
      server.close()
      for (const socket of lifeline.#sockets) socket.destroy()
    })
    return lifeline
  }

  /** Settles when the process is gone. */
  gone(pid: number): Promise<void> {
    return this.#of(pid).promise
  }

  #take(socket: Socket): void {
    this.#sockets.add(socket)
    socket.unref()
    socket.on('error', () => {}) // a killed process may reset it; that it closes is all that counts
    let pid: number | undefined
    createInterface({ input: socket }).on('line', (line) => {
      pid = Number(line)
    })
    socket.once('close', () => {
      this.#sockets.delete(socket)
      if (pid !== undefined) this.#of(pid).resolve()
    })
  }

  #of(pid: number): PromiseWithResolvers<void> {
    const known = this.#gone.get(pid) ?? Promise.withResolvers<void>()
    this.#gone.set(pid, known)
    return known
  }
}
