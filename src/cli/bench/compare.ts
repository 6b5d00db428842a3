// Runs a program in several share modes in turn, round after round, so that whatever else the machine does hits all alike.
import { availableParallelism, cpus, release, type as systemType } from 'node:os'
import { type AppSpec, appSpec } from '../../config/app-spec.ts'
import { isConfigFile } from '../../config/config-file.ts'
import { specsFrom } from '../../config/specs.ts'
import { version } from '../../daemon/version.ts'
import { BroodError } from '../../kernel/errors.ts'
import type { Comparison } from './comparison.ts'
import type { Load, Tick } from './load.ts'
import { withPassingBrood } from './passing-brood.ts'
import { type Trial, trial } from './trial.ts'

type Mode = AppSpec['share']

const modes: readonly Mode[] = appSpec.entries.share.wrapped.options

export interface CompareOptions {
  readonly modes: readonly Mode[]
  readonly rounds: number
  readonly workers: string | undefined
  readonly port: string | undefined
  readonly path: string
}

export function modesOf(text: string): Mode[] {
  const wanted = text.split(',').map((one) => {
    const mode = modes.find((known) => known === one.trim())
    if (mode === undefined)
      throw new BroodError(
        'usage',
        `--compare ${text}: '${one.trim()}' is no share mode: there are ${modes.join(', ')}`,
      )
    return mode
  })
  const twice = wanted.find((mode, index) => wanted.indexOf(mode) !== index)
  if (twice !== undefined) throw new BroodError('usage', `--compare ${text}: name '${twice}' once`)
  return wanted
}

/** Aborting `signal` ends the trial that runs; what was measured before is told. */
export async function compare(
  script: string,
  args: readonly string[],
  options: CompareOptions,
  load: Load,
  signal: AbortSignal,
  tick: (mode: Mode, round: number, tick: Tick) => void,
): Promise<Comparison> {
  const specs = await Promise.all(options.modes.map((mode) => specOf(script, args, mode, options)))
  const trials = await withPassingBrood(signal, async (client) => {
    const done: Trial[] = []
    for (let round = 1; round <= options.rounds; round++) {
      for (const spec of specs) {
        if (signal.aborted) return done
        const plan = { spec, round, path: options.path, load }
        const one = await trial(plan, client, signal, (now) => tick(spec.share, round, now)).catch(
          (error: unknown) => {
            if (!signal.aborted) throw error
          },
        )
        // Of one that was cut short nothing can be said.
        if (!signal.aborted && one !== undefined) done.push(one)
      }
    }
    return done
  })
  const { url: _, ...rest } = load
  return {
    script: specs[0]?.script ?? script,
    workers: specs[0]?.workers ?? 0,
    load: { ...rest, path: options.path },
    machine: describeMachine(),
    trials,
  }
}

async function specOf(
  script: string,
  args: readonly string[],
  share: Mode,
  { workers, port }: CompareOptions,
): Promise<AppSpec> {
  if (isConfigFile(script))
    throw new BroodError('usage', `${script} is a configuration file: --compare takes the script of one app`)
  const [spec] = await specsFrom(script, args, {
    name: 'bench',
    share,
    workers: workers ?? `${Math.max(2, availableParallelism())}`,
    // Any free port, so that the program can be measured beside the one that serves already.
    ...(port === undefined ? { env: ['PORT=0'] } : { port }),
  })
  if (spec === undefined || spec.interpreter !== undefined)
    throw new BroodError(
      'usage',
      `${script} is no program for Node: only those can share an address in several modes`,
    )
  return spec
}

function describeMachine(): Comparison['machine'] {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    kernel: `${systemType()} ${release()}`,
    node: process.versions.node,
    brood: version,
  }
}
