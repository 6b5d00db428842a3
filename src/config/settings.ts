// From the checked description of an app to what the supervisor works with.
import type { AppSettings } from '../supervisor/app-settings.ts'
import type { AppSpec } from './app-spec.ts'

export function settingsOf(spec: AppSpec): AppSettings {
  return {
    name: spec.name,
    script: spec.script,
    args: spec.args,
    nodeArgs: spec.nodeArgs,
    cwd: spec.cwd,
    env: spec.port === undefined ? spec.env : { ...spec.env, PORT: `${spec.port}` },
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
