// `brood apply`: makes what runs be what a configuration file says, and changes only what differs.
import { Command } from 'commander'
import type { RunningApp } from '../../config/plan.ts'
import type { ControlClient } from '../../daemon/control/client.ts'
import type { AppDetail } from '../../daemon/control/contract.ts'
import { BroodError } from '../../kernel/errors.ts'
import { contextOf } from '../context.ts'
import { withConfigOptions } from '../start-options.ts'

interface ApplyFlags {
  dryRun?: boolean
  prune?: boolean
  only?: readonly string[]
  envName?: string
  env?: readonly string[]
  json?: boolean
}

export function applyCommand(): Command {
  return withConfigOptions(
    new Command('apply').argument('[config]', 'default: brood.config.* in this folder'),
  )
    .description('make what runs be what a configuration file says')
    .option('--dry-run', 'only show what would be done')
    .option('--prune', 'remove apps that the file does not have')
    .option('--json', 'print JSON')
    .action(async (given: string | undefined, flags: ApplyFlags) => {
      const { findConfig } = await import('../../config/config-file.ts')
      const { specsOfConfig } = await import('../../config/specs.ts')
      const { planChanges } = await import('../../config/plan.ts')
      const { renderPlan } = await import('../plan-text.ts')
      const { home, client, terminal } = contextOf(flags)
      const { only } = flags
      if (only !== undefined && flags.prune)
        throw new BroodError('usage', '--prune looks at all apps: leave out --only')

      const wanted = await specsOfConfig(findConfig(given), flags)
      // First of all, since a new supervisor brings back what an earlier one left.
      if (!flags.dryRun)
        await import('../../daemon/launch.ts').then(({ ensureSupervisor }) => ensureSupervisor(home))
      const running = await runningApps(client)
      const looked = only === undefined ? running : running.filter(({ spec }) => only.includes(spec.name))
      const plan = planChanges(looked, wanted, { prune: flags.prune ?? false })
      if (!terminal.json) terminal.print(renderPlan(plan, terminal))
      if (!flags.dryRun) {
        const { applyPlan } = await import('../apply-plan.ts')
        await applyPlan(client, plan, (line) => {
          if (!terminal.json) terminal.print(line)
        })
      }
      if (terminal.json) terminal.printJson({ applied: !flags.dryRun, plan: plan.map(withoutSpec) })
    })
}

/** The whole description holds the whole environment, secrets included; the differences say enough. */
function withoutSpec(app: { readonly name: string; readonly spec?: unknown }): object {
  const { spec: _, ...rest } = app
  return rest
}

async function runningApps(client: ControlClient): Promise<RunningApp[]> {
  try {
    const apps = await client.call('list', {})
    const details = await Promise.all(apps.map(({ name }) => client.call('show', { app: name })))
    // A proxy comes and goes with the app it stands in front of.
    return details
      .filter(({ spec }) => spec.proxyOf === undefined)
      .map((detail) => ({ spec: detail.spec, size: detail.size, wanted: wantedOf(detail) }))
  } catch (error) {
    if (error instanceof BroodError && error.code === 'no_supervisor') return []
    throw error
  }
}

/** An app whose workers have all ended as they should is not to be started again by this; one that was stopped is. */
function wantedOf({ status, workers }: AppDetail): RunningApp['wanted'] {
  if (status === 'failed') return 'failed'
  if (status !== 'stopped' && status !== 'stopping') return 'running'
  return workers.some(({ state }) => state === 'done') ? 'running' : 'stopped'
}
