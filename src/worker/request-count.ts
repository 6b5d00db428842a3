// How many requests the program has answered, and how many of them badly; counted only when somebody wants to know.
import type { ServerResponse } from 'node:http'
import type { Server } from 'node:net'

export class RequestCount {
  #requests = 0
  #errors = 0

  get requests(): number {
    return this.#requests
  }

  /** Answers with a status of 500 and more. */
  get errors(): number {
    return this.#errors
  }

  /** Servers that do not speak HTTP have no requests. */
  watch(server: Server): void {
    server.prependListener('request', (_request: unknown, response: ServerResponse) => {
      response.once('close', () => {
        this.#requests++
        if (response.statusCode >= 500) this.#errors++
      })
    })
  }
}
