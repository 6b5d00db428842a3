// From the checked description of an app to what the supervisor works with.
import { resolveIdentity } from '../process/identity.ts'
import type { AppSettings, Care } from '../supervisor/app-settings.ts'
import type { Policy } from '../supervisor/state.ts'
import type { AppSpec } from './app-spec.ts'
import { shareModeHere } from './share-mode.ts'

/**
 * `home`: the supervisor's, so that `brood` inside a worker finds it, and the worker can be told as its. Throws when there
 * is no such user, or no right to be that user.
 */
export function settingsOf(spec: AppSpec, home: string): AppSettings {
  const port = spec.port === undefined ? {} : { PORT: `${spec.port}` }
  const identity = resolveIdentity(spec)
  return {
    name: spec.name,
    script: spec.script,
    args: spec.args,
    nodeArgs: spec.nodeArgs,
    interpreter: spec.interpreter,
    cwd: spec.cwd,
    env: { ...spec.env, ...identity?.env, ...port, BROOD_HOME: home },
    identity,
    nice: spec.nice,
    limits: spec.limits,
    workers: spec.workers,
    maxWorkers: spec.maxWorkers,
    port: spec.port,
    // A socket of a program in another language goes on listening when its worker is gone, and no sibling can be told to
    // take it over: so all of them have the same one.
    share: spec.interpreter === undefined ? shareModeHere(spec.share) : 'shared',
    balance: spec.balance,
    ports: spec.ports,
    rebalance: spec.rebalance,
    readyOn: spec.ready.on,
    stopSignal: spec.stop.signal,
    policy: policyOf(spec),
    care: careOf(spec),
  }
}

function policyOf({ restart, ready, stop, reload, renew }: AppSpec): Policy {
  return {
    restart: restart.policy,
    intensity: restart.intensity,
    period: restart.period,
    backoff: restart.backoff,
    stopExitCodes: restart.stopExitCodes,
    readyTimeout: ready.timeout,
    settle: ready.settle,
    grace: stop.grace,
    parallel: reload.parallel,
    ...(reload.canary === undefined ? {} : { canary: reload.canary.watch }),
    ...(renew.maxAge === undefined ? {} : { maxAge: { age: renew.maxAge, jitter: renew.jitter } }),
  }
}

function careOf({ ready, live, watchdog, renew, reload }: AppSpec): Care {
  return {
    ready: ready.probe === undefined ? undefined : { probe: ready.probe, every: ready.every },
    live,
    watchdog,
    maxMemory: renew.maxMemory,
    maxRequests: renew.maxRequests,
    jitter: renew.jitter,
    canaryErrors: reload.canary?.maxErrorRate,
  }
}
