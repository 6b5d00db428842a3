// A proxy as a program: opens its route, says so, and drains when it is told to end.
import type { Millis } from '../kernel/clock.ts'
import { ReverseProxy } from './reverse-proxy.ts'
import { hostPort, type Route } from './route.ts'

export interface Serving {
  readonly proxy: ReverseProxy
  /** Where it listens, as the system tells it: a path, or host and port. */
  readonly address: string
  /** Settles when it was told to end, and has. */
  readonly ended: Promise<void>
}

/** `grace`: how long what is under way may take when the proxy is told to end (SIGTERM, SIGINT). */
export async function serve(route: Route, grace: Millis): Promise<Serving> {
  const proxy = new ReverseProxy()
  await proxy.update([route])
  const ended = Promise.withResolvers<void>()
  let told = 0
  const end = (): void => {
    told++
    // Whoever tells it twice does not want to wait.
    proxy.close(grace).then(ended.resolve, ended.reject)
    if (told > 1) process.exit(1)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, end)
  return { proxy, address: addressOf(proxy), ended: ended.promise }
}

function addressOf(proxy: ReverseProxy): string {
  const address = proxy.listening[0]?.address ?? ''
  return typeof address === 'string' ? address : hostPort({ host: address.address, port: address.port })
}
