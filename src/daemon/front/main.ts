// The program of a built-in proxy: follows its app's routes at the supervisor, whichever that is, and forwards by them.
import { setTimeout as pause } from 'node:timers/promises'
import { BroodError, messageOf, systemCode } from '../../kernel/errors.ts'
import { ReverseProxy } from '../../proxy/reverse-proxy.ts'
import type { Route } from '../../proxy/route.ts'
import { ready } from '../../worker/index.ts'
import { ControlClient } from '../control/client.ts'
import { homeOf } from '../home.ts'
import { version } from '../version.ts'
import { proxyOfVariable } from './front.ts'

/** Between two tries to reach a supervisor, in milliseconds: it is back within some 200 when it was killed. */
const tryEvery = 100

const app = process.env[proxyOfVariable]
if (app === undefined)
  throw new Error(`${proxyOfVariable} names no app: this program is started by brood alone`)

const proxy = new ReverseProxy()
for await (const routes of routesOf(app)) {
  try {
    await proxy.update(routes)
  } catch (error) {
    // The first must be right, or nobody is served.
    if (proxy.listening.length === 0) throw error
    process.stderr.write(`brood proxy: the routes stay as they are: ${messageOf(error)}\n`)
  }
  ready() // also when there is nothing to forward yet
}

/** For ever: when the supervisor has ended, or is one of another version, what runs goes on until another answers. */
async function* routesOf(name: string): AsyncGenerator<readonly Route[]> {
  const client = new ControlClient(homeOf().socket, version)
  for (;;) {
    try {
      yield* client.routes({ app: name })
    } catch (error) {
      if (!(error instanceof BroodError) && systemCode(error) === undefined) throw error
    }
    await pause(tryEvery)
  }
}
