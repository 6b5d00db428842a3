// From the command line's words to an app's description, through the same resolver as files, with errors that name the flag.
import { resolve } from 'node:path'
import { BroodError } from '../kernel/errors.ts'
import { appInput } from './app-input.ts'
import type { AppSpec } from './app-spec.ts'
import { checkInput } from './check-input.ts'
import { givenFields, type StartFlags } from './flag-fields.ts'
import type { Finding, Origin, Path } from './origin.ts'
import { resolveApp } from './resolve-app.ts'
import type { Variables } from './written.ts'

export function specFromFlags(
  script: string,
  args: readonly string[],
  flags: StartFlags,
  logs: AppSpec['logs']['to'],
  environment: NodeJS.ProcessEnv = process.env,
): AppSpec {
  if (flags.ignoreWatch !== undefined && flags.watch === undefined)
    throw usage(`--ignore-watch ${flags.ignoreWatch.join(' ')}: goes with --watch`)
  if (flags.sticky !== undefined && flags.proxy === 'off')
    throw usage('--sticky is for the built-in proxy, and --proxy off is without one: leave one of them out')
  const hook = flags.hook?.find((text) => text.indexOf('=') < 1)
  if (hook !== undefined) throw usage(`--hook ${hook}: write crash=command or crash=https://address`)
  const origin = flagsOrigin(flags)
  const app = checkInput(appInput, inputOf(script, args, flags, logs), origin)
  return resolveApp(app, { origin, path: [], environment, lastVariables: variablesOf(flags) })
}

/** The variables that `--env` sets, over all others. */
export function variablesOf({ env = [] }: StartFlags): Variables {
  return Object.fromEntries(
    env.map((text) => {
      const at = text.indexOf('=')
      if (at < 1) throw usage(`--env ${text}: write NAME=value`)
      return [text.slice(0, at), text.slice(at + 1)]
    }),
  )
}

/** An app as it would stand in a file; what makes no sense is left for the schema to refuse. */
function inputOf(
  script: string,
  args: readonly string[],
  flags: StartFlags,
  logs: AppSpec['logs']['to'],
): unknown {
  const app: Record<string, unknown> = { script: resolve(script), args, logs: { to: logs } }
  for (const { field, value } of givenFields(flags)) {
    const read =
      value === true ? field.alone : typeof value === 'string' ? field.read(value) : value.map(field.read)
    put(app, field.path, read)
  }
  return app
}

function put(target: Record<string, unknown>, [key = '', ...rest]: Path, value: unknown): void {
  if (rest.length === 0) {
    target[key] = value
    return
  }
  // Whatever stands there was put there by an earlier flag of the same object.
  const inner = (target[key] ?? {}) as Record<string, unknown>
  target[key] = inner
  put(inner, rest, value)
}

function flagsOrigin(flags: StartFlags): Origin {
  const given = givenFields(flags)
  const flagAt = (path: Path): (typeof given)[number] | undefined =>
    given.find(({ field }) => field.path.every((part, index) => part === path[index])) ??
    // What was found only after defaults were filled in belongs to the flag of a part.
    given.find(({ field }) => path.length > 0 && path.every((part, index) => part === field.path[index]))
  return {
    folder: resolve('.'),
    code: 'usage',
    call: (path) => `--${path.join('-')}`,
    describe: ({ path, value, says }: Finding) => {
      const found = flagAt(path)
      if (found === undefined) return says
      const { field, value: written } = found
      if (value === undefined) return `${field.flag} ${says}`
      const texts = written === true ? [] : typeof written === 'string' ? [written] : written
      // Of several, the one that the finding is about.
      const at = path[field.path.length]
      const text = typeof at === 'number' ? texts[at] : texts.join(' ')
      return `${field.flag} ${text ?? ''}: ${says}`
    },
  }
}

function usage(message: string): BroodError {
  return new BroodError('usage', message)
}
