// A service outside of brood that an app waits for: nobody is there until it is opened.
import { once } from 'node:events'
import http from 'node:http'
import type { TestContext } from 'node:test'
import { freePort } from './free-port.ts'

export class Service {
  readonly port: number
  /** What it answers to HTTP. */
  status = 200
  readonly #server: http.Server

  private constructor(port: number) {
    this.port = port
    this.#server = http.createServer((_request, response) => {
      response.statusCode = this.status
      response.end()
    })
  }

  /** Ends with the test. */
  static async create(t: TestContext): Promise<Service> {
    const service = new Service(await freePort())
    t.after(() => {
      service.#server.close()
      service.#server.closeAllConnections()
    })
    return service
  }

  async open(): Promise<void> {
    this.#server.listen(this.port)
    await once(this.#server, 'listening')
  }
}
