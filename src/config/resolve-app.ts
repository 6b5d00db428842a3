// From an app as people write it to its whole description: defaults filled in, paths absolute, short forms made long.
import { statSync } from 'node:fs'
import { basename, extname, resolve } from 'node:path'
import { Cron } from 'croner'
import * as v from 'valibot'
import { messageOf } from '../kernel/errors.ts'
import type { CheckedApp } from './app-input.ts'
import { type AppSpec, appName, appSpec, frontName, type Hook } from './app-spec.ts'
import { type EnvFile, mergeVariables, readEnvFile } from './environment.ts'
import { type Origin, type Path, type Refuse, refusal } from './origin.ts'
import { liveOf, readyOf } from './resolve-probes.ts'
import { sharingOf } from './resolve-sharing.ts'
import { faultOfProgram, faultOfScript, interpreterOf, isExecutable } from './script.ts'
import type { Variables } from './written.ts'

export interface Surroundings {
  readonly origin: Origin
  /** Where the app stands in its file. */
  readonly path: Path
  /** The variables of whoever asks; the lowest layer of every app's. */
  readonly environment: NodeJS.ProcessEnv
  /** Which of `envs` is laid over `env`. */
  readonly envName?: string | undefined
  /** The uppermost layer: the command line's. */
  readonly lastVariables?: Variables | undefined
  readonly group?: AppSpec['group'] | undefined
  /** Hooks of all apps, before the app's own. */
  readonly hooks?: readonly CheckedHook[] | undefined
}

type CheckedHook = NonNullable<CheckedApp['hooks']>[number]

/** Ignored in every watched folder: nobody edits there, and there are many files. */
const neverWatched = ['node_modules', '.git']

/** Throws a BroodError that names the field. */
export function resolveApp(app: CheckedApp, around: Surroundings): AppSpec {
  const { origin } = around
  const refuse: Refuse = (field, says, value, options) =>
    refusal(origin, [{ path: [...around.path, ...field], says, value }], options)
  const absolute = (path: string): string => resolve(origin.folder, path)

  const cwd = absolute(app.cwd ?? '.')
  if (!statSync(cwd, { throwIfNoEntry: false })?.isDirectory())
    throw refuse(['cwd'], `there is no folder ${cwd}`, app.cwd)
  const script = absolute(app.script)
  const fault = faultOfScript(script)
  if (fault !== undefined)
    throw refuse(['script'], fault.says, app.script, { code: 'script_not_found', cause: fault.cause })
  const name = nameOf(app, origin, refuse)
  const env = variablesOf(app, around, absolute, refuse)
  const interpreter = interpreterFor(app, script, absolute, origin, refuse)
  const missing = interpreter === undefined ? undefined : faultOfProgram(interpreter, cwd, env.PATH)
  if (missing !== undefined)
    throw app.interpreter === undefined
      ? refuse(['script'], missing, app.script)
      : refuse(['interpreter'], missing, app.interpreter)
  const workers = app.workers ?? 1
  if (app.maxWorkers !== undefined && app.maxWorkers < workers)
    throw refuse(['maxWorkers'], `less than the ${workers} workers asked for`, app.maxWorkers)
  assertCron(app.cron, refuse)
  const sharing = sharingOf(app, interpreter, refuse)
  if (sharing.proxy !== undefined && !v.is(appName, frontName(name)))
    throw refuse(
      ['name'],
      `'${name}' is too long: its proxy is an app named '${frontName(name)}', of 64 characters at most`,
    )

  const spec: v.InferInput<typeof appSpec> = {
    name,
    script,
    args: app.args ?? [],
    nodeArgs: app.nodeArgs ?? [],
    interpreter,
    cwd,
    env,
    uid: app.uid,
    gid: app.gid,
    nice: app.nice,
    limits: app.limits,
    workers,
    port: app.port,
    ...sharing,
    ready: readyOf(app.ready, interpreter, refuse),
    live: liveOf(app.live, interpreter, refuse),
    watchdog: app.watchdog === false ? 0 : app.watchdog,
    stop: { signal: app.stop?.signal ?? 'SIGTERM', grace: app.stop?.grace ?? 10_000 },
    restart: restartOf(app.restart),
    renew: {
      maxMemory: app.maxMemory,
      maxRequests: app.maxRequests,
      maxAge: app.maxAge,
      cron: app.cron,
      jitter: app.renewJitter,
    },
    reload: { parallel: app.reload?.parallel, canary: canaryOf(app.reload?.canary) },
    dependsOn: many(app.dependsOn),
    group: around.group,
    watch: watchOf(app.watch, cwd, absolute),
    logs: typeof app.logs === 'string' ? { to: app.logs } : app.logs,
    hooks: [...(around.hooks ?? []), ...(app.hooks ?? [])].map(
      (hook): Hook => ({ ...hook, on: many(hook.on) }),
    ),
  }
  // As it will reach the supervisor: what is undefined is not there.
  return v.parse(appSpec, JSON.parse(JSON.stringify(spec)))
}

function nameOf(app: CheckedApp, origin: Origin, refuse: Refuse): string {
  const name = app.name ?? nameFromScript(app.script)
  if (v.is(appName, name)) return name
  const hint = app.name === undefined ? `: give it another with ${origin.call(['name'])}` : ''
  throw refuse(
    app.name === undefined ? [] : ['name'],
    `'${name}' cannot name an app: use letters, digits, dots, dashes and underscores, at most 64, not 'all'${hint}`,
  )
}

/** The name an app has when none is given. */
function nameFromScript(script: string): string {
  return basename(script, extname(script))
}

/** `none`, a program, or undefined for Node. */
function interpreterFor(
  app: CheckedApp,
  script: string,
  absolute: (path: string) => string,
  origin: Origin,
  refuse: Refuse,
): string | undefined {
  const found = app.interpreter === undefined ? interpreterOf(script) : { program: app.interpreter }
  if (found === undefined) {
    throw refuse(
      ['script'],
      `nobody can tell what runs ${script}: say it with ${origin.call(['interpreter'])}, or make the file executable`,
      app.script,
    )
  }
  if (found.program === 'none' && !isExecutable(script))
    throw refuse(['interpreter'], `${script} is not executable: chmod +x makes it so`, app.interpreter)
  if (found.program === undefined || found.program === 'node') return undefined
  if ((app.nodeArgs?.length ?? 0) > 0)
    throw refuse(
      ['nodeArgs'],
      `are for Node, but ${script} is run by ${found.program === 'none' ? 'itself' : found.program}: leave them out`,
    )
  return found.program.includes('/') ? absolute(found.program) : found.program
}

function variablesOf(
  app: CheckedApp,
  around: Surroundings,
  absolute: (path: string) => string,
  refuse: Refuse,
): Record<string, string> {
  const files = many(app.envFile).map((file): EnvFile => {
    const { path, optional = false } = typeof file === 'string' ? { path: file } : file
    return { path: absolute(path), optional }
  })
  const fromFiles = files.map((file) => {
    const read = readEnvFile(file)
    if (typeof read === 'string') throw refuse(['envFile'], read, file.path)
    return read
  })
  const chosen = around.envName === undefined ? undefined : app.envs?.[around.envName]
  return mergeVariables([
    around.environment,
    ...fromFiles,
    app.env ?? {},
    chosen ?? {},
    around.lastVariables ?? {},
  ])
}

function restartOf(restart: CheckedApp['restart']): v.InferInput<typeof appSpec>['restart'] {
  const {
    policy = 'permanent',
    intensity = 5,
    period = 10_000,
    backoff,
    stopExitCodes,
  } = typeof restart === 'string' ? { policy: restart } : (restart ?? {})
  const { from = 100, to = 30_000, jitter } = backoff ?? {}
  return { policy, intensity, period, backoff: { from, to, jitter }, stopExitCodes }
}

function canaryOf(canary: NonNullable<CheckedApp['reload']>['canary']) {
  return typeof canary === 'number' ? { watch: canary } : canary
}

function watchOf(
  watch: CheckedApp['watch'],
  cwd: string,
  absolute: (path: string) => string,
): v.InferInput<typeof appSpec>['watch'] {
  if (watch === undefined || watch === false) return undefined
  const {
    paths,
    ignore = [],
    debounce,
  } = watch === true ? {} : typeof watch === 'string' || Array.isArray(watch) ? { paths: watch } : watch
  return {
    paths: paths === undefined ? [cwd] : many(paths).map(absolute),
    ignore: [...neverWatched, ...ignore],
    debounce,
  }
}

function assertCron(cron: string | undefined, refuse: Refuse): void {
  if (cron === undefined) return
  const how = "write a cron pattern such as '0 3 * * *'"
  let next: Date | null
  try {
    next = new Cron(cron, { paused: true }).nextRun()
  } catch (error) {
    throw refuse(['cron'], `${messageOf(error).replace(/^CronPattern: /, '')}: ${how}`, cron, {
      cause: error,
    })
  }
  if (next === null) throw refuse(['cron'], `never comes: ${how}`, cron)
}

/** One, many or none, as a list. */
function many<Item extends string | object>(written: Item | readonly Item[] | undefined): Item[] {
  if (written === undefined) return []
  return isList(written) ? [...written] : [written]
}

function isList<Item>(written: Item | readonly Item[]): written is readonly Item[] {
  return Array.isArray(written)
}
