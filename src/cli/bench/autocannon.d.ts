// What is used of autocannon, which has no types of its own; of its clients also what its documentation does not show.
declare module 'autocannon' {
  import type { EventEmitter } from 'node:events'
  import type { Socket } from 'node:net'

  namespace autocannon {
    interface Client extends EventEmitter {
      conn?: Socket
      destroyed: boolean
      /** Of http-parser-js. */
      readonly parser: { finish(): void; initialize(type: 'RESPONSE'): void }
      readonly pipelinedRequests: { size(): number; clear(): void }
      _connect(): void
      _doRequest(): void
    }

    interface Options {
      url: string
      connections: number
      /** Seconds. */
      duration: number
      /** Seconds until a request is given up. */
      timeout: number
      pipelining: number
      method: string
      headers: Record<string, string>
      body?: string
      /** Milliseconds between two looks at whether it is over. */
      sampleInt: number
      /** Called with each client before it connects. */
      setupClient(client: Client): void
    }

    interface Run extends EventEmitter, PromiseLike<unknown> {
      stop(): void
    }
  }

  function autocannon(options: autocannon.Options): autocannon.Run

  export = autocannon
}
