// The built-in proxy in front of an app in share mode `ports`: an app of its own, described by the one it belongs to.
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as v from 'valibot'
import { type AppSpec, appSpec, frontName } from '../../config/app-spec.ts'
import { BroodError } from '../../kernel/errors.ts'

/** How the proxy's program knows whose it is. */
export const proxyOfVariable = 'BROOD_PROXY_OF'

/** Of the same kind as this file: compiled in an installation, TypeScript in a checkout. */
const program = fileURLToPath(new URL(`./main${extname(import.meta.url)}`, import.meta.url))

/** Nothing of the program it stands in front of can make it crash, so it is never given up. */
const intensity = 1_000_000
const backoff = { from: 100, to: 5000, jitter: 0 }

/** Undefined for an app that has none. */
export function frontOf({ name, share, proxy, stop, env, logs }: AppSpec): AppSpec | undefined {
  if (share !== 'ports' || proxy === undefined) return undefined
  return v.parse(appSpec, {
    name: frontName(name),
    proxyOf: name,
    script: program,
    args: [],
    nodeArgs: [],
    cwd: '/',
    env: { ...(env.PATH === undefined ? {} : { PATH: env.PATH }), [proxyOfVariable]: name },
    workers: proxy.workers,
    ready: { on: 'message', timeout: 30_000, settle: 250 },
    stop,
    restart: { policy: 'permanent', intensity, period: 10_000, backoff },
    dependsOn: [name],
    logs: { to: logs.to },
  } satisfies v.InferInput<typeof appSpec>)
}

/** A remembered proxy runs the program of this installation: the one it was started by may be older, or gone. */
export function asInstalled(spec: AppSpec): AppSpec {
  return spec.proxyOf === undefined ? spec : { ...spec, script: program }
}

/** It comes and goes with its app. */
export function assertOnItsOwn({ name, proxyOf }: AppSpec, command: string): void {
  if (proxyOf === undefined) return
  throw new BroodError(
    'usage',
    `'${name}' is the proxy of '${proxyOf}', and ends with it: 'brood ${command} ${proxyOf}'`,
  )
}
