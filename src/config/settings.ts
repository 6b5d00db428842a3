// From the checked description of an app to what the supervisor works with.
import type { AppSettings } from '../supervisor/app-settings.ts'
import type { AppSpec } from './app-spec.ts'

/** `home`: the supervisor's, so that `brood` inside a worker finds it, and the worker can be told as its. */
export function settingsOf(spec: AppSpec, home: string): AppSettings {
  const port = spec.port === undefined ? {} : { PORT: `${spec.port}` }
  return {
    name: spec.name,
    script: spec.script,
    args: spec.args,
    nodeArgs: spec.nodeArgs,
    cwd: spec.cwd,
    env: { ...spec.env, ...port, BROOD_HOME: home },
    workers: spec.workers,
    maxWorkers: spec.maxWorkers,
    port: spec.port,
    share: spec.share,
    readyOn: spec.ready.on,
    stopSignal: spec.stop.signal,
    policy: {
      restart: spec.restart.policy,
      intensity: spec.restart.intensity,
      period: spec.restart.period,
      backoff: spec.restart.backoff,
      readyTimeout: spec.ready.timeout,
      settle: spec.ready.settle,
      grace: spec.stop.grace,
    },
  }
}
