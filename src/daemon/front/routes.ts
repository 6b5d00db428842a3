// What the proxy in front of an app is to do, as it is now and whenever that changes.
import type { AppSpec } from '../../config/app-spec.ts'
import { type Route, reachable } from '../../proxy/route.ts'
import type { App } from '../../supervisor/app.ts'
import { addressKey, type ListenAddress } from '../../wire/messages.ts'
import type { WorkerPorts } from '../control/contract.ts'

interface Proxied {
  readonly spec: AppSpec
  readonly app: App
}

/** Where its workers are, for whoever stands in front of them. */
export function workerPortsOf(app: App, host: string): WorkerPorts[] {
  return app.ports.map(({ address, ports }) => ({
    address: addressKey(address),
    host,
    ports: wantedOf(app, ports).map(([, port]) => port),
  }))
}

/** Slots that nobody wants any more are still served, by a sibling, for whoever is on the way there. */
function wantedOf(app: App, used: ReadonlyMap<number, number>): [slot: number, port: number][] {
  return [...used].filter(([slot]) => slot < app.state.size).toSorted(([a], [b]) => a - b)
}

/** One for each port the program listens on; empty for an app that has no proxy. */
function routesOf({ spec: { share, proxy, balance, ports }, app }: Proxied): Route[] {
  if (share !== 'ports' || proxy === undefined || balance === undefined || ports === undefined) return []
  const { mode: wished, sticky, trust } = proxy
  return app.ports.flatMap(({ address, speaksHttp, ports: used }) => {
    const mode = wished ?? (speaksHttp ? 'http' : 'tcp')
    const listen = listenOf(address)
    const wanted = wantedOf(app, used)
    if (listen === undefined || wanted.length === 0) return []
    const upstreams = wanted.map(([slot, port]) => ({
      slot,
      host: reachable(ports.host),
      port,
      weight: balance.weights[slot] ?? 1,
    }))
    const { algorithm } = balance
    return [
      {
        listen,
        mode,
        algorithm,
        upstreams,
        ...(mode === 'http' && sticky !== undefined ? { sticky: { cookie: sticky } } : {}),
        ...(mode === 'http' && trust ? { trust } : {}),
      },
    ]
  })
}

/** Tells who follows an app's routes when they have changed; what can change them is said by `changed`. */
export class RouteFollowers {
  readonly #find: (app: string) => Proxied | undefined
  readonly #followers = new Set<{ app: string; told: string; tell: (routes: Route[]) => void }>()

  constructor(find: (app: string) => Proxied | undefined) {
    this.#find = find
  }

  /** Tells what they are now, and then each change, until the returned function is called. */
  follow(app: string, tell: (routes: Route[]) => void): () => void {
    const follower = { app, told: '', tell }
    this.#followers.add(follower)
    this.#look(follower)
    return () => this.#followers.delete(follower)
  }

  /** Somewhere something is different; cheap when nobody follows. */
  changed(): void {
    for (const follower of this.#followers) this.#look(follower)
  }

  #look(follower: { app: string; told: string; tell: (routes: Route[]) => void }): void {
    const found = this.#find(follower.app)
    const routes = found === undefined ? [] : routesOf(found)
    const text = JSON.stringify(routes)
    if (text === follower.told) return
    // An app that is down has none for a while; its clients wait, or are told by the proxy that nobody answers.
    if (routes.length === 0 && follower.told !== '') return
    follower.told = text
    follower.tell(routes)
  }
}

/** Unix sockets are shared in every mode: nobody stands in front of them. */
function listenOf(address: ListenAddress): Route['listen'] | undefined {
  if (address.kind !== 'tcp') return undefined
  const { host, port, ipv6Only } = address
  return { port, ...(host === undefined ? {} : { host }), ...(ipv6Only ? { ipv6Only } : {}) }
}
