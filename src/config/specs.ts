// The apps that `start` and `run` are to start: those of a configuration file, or the one that script and flags describe.
import { BroodError } from '../kernel/errors.ts'
import type { AppSpec } from './app-spec.ts'
import { findConfig, isConfigFile, loadConfig } from './config-file.ts'
import { givenFields, type StartFlags } from './flag-fields.ts'
import { specFromFlags, variablesOf } from './from-flags.ts'

export interface SpecFlags extends StartFlags {
  /** Of a configuration file, these apps alone. */
  only?: readonly string[]
  envName?: string
}

/** `logs`: where the output goes; in a file that says so itself, undefined leaves it at that. */
export async function specsFrom(
  argument: string,
  args: readonly string[],
  flags: SpecFlags,
  logs?: AppSpec['logs']['to'],
): Promise<AppSpec[]> {
  if (!isConfigFile(argument)) {
    const belongs =
      flags.only !== undefined ? '--only' : flags.envName !== undefined ? '--env-name' : undefined
    if (belongs !== undefined)
      throw new BroodError('usage', `${belongs} goes with a configuration file, not a script`)
    return [specFromFlags(argument, args, flags, logs ?? 'files')]
  }
  const [given] = givenFields(flags)
  if (given !== undefined)
    throw new BroodError(
      'usage',
      `${given.field.flag} goes with a script: write ${given.field.path.join('.')} into ${argument}`,
    )
  if (args.length > 0)
    throw new BroodError('usage', `arguments after -- go with a script: write args into ${argument}`)
  const specs = await specsOfConfig(findConfig(argument), flags)
  return logs === undefined ? specs : specs.map((spec) => ({ ...spec, logs: { ...spec.logs, to: logs } }))
}

/** Without a script or a file there is nothing that a flag could be about. */
export function refuseFlags(flags: SpecFlags): void {
  const [given] = givenFields(flags)
  const others = { env: '--env', only: '--only', envName: '--env-name' } as const
  const other = (['env', 'only', 'envName'] as const).find((key) => flags[key] !== undefined)
  const flag = given?.field.flag ?? (other && others[other])
  if (flag === undefined) return
  // Those whose value may be left out take a script that follows them for it.
  const taken = flag === '--watch' || flag === '--sticky' ? [given?.value].flat().at(-1) : undefined
  throw new BroodError(
    'usage',
    typeof taken === 'string'
      ? `${flag} ${taken}: there is no script, '${taken}' is the value of ${flag}: write the script before it`
      : `${flag} goes with a script or a configuration file: name one`,
  )
}

/** The apps of a file, all or `only` some of them, in the order of the file. */
export async function specsOfConfig(
  path: string,
  flags: Pick<SpecFlags, 'only' | 'envName' | 'env'>,
): Promise<AppSpec[]> {
  const { only, envName } = flags
  const specs = await loadConfig(path, {
    environment: process.env,
    envName,
    lastVariables: variablesOf(flags),
  })
  if (only === undefined) return specs
  const names = specs.map(({ name }) => name)
  const unknown = only.find((name) => !names.includes(name))
  if (unknown !== undefined)
    throw new BroodError('usage', `--only ${unknown}: ${path} has no such app, but ${names.join(', ')}`)
  return specs.filter(({ name }) => only.includes(name))
}
