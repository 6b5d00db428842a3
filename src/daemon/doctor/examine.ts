// The doctor's round: every check, one after the other, over one look at the machine and the supervisor.
import { BroodError, messageOf } from '../../kernel/errors.ts'
import { ControlClient } from '../control/client.ts'
import type { AppDetail, SupervisorReport } from '../control/contract.ts'
import { type Home, homeOf } from '../home.ts'
import { version } from '../version.ts'
import { checkBoot } from './boot.ts'
import { checkDescriptors, checkProcesses } from './descriptors.ts'
import { type Check, type Finding, type Patient, problem } from './finding.ts'
import { checkDisk, checkHome, checkState } from './home.ts'
import { checkBacklog, checkLowPorts, checkPortRange } from './network.ts'
import { checkClock, checkKernel, checkMemory, checkNode, checkShell } from './platform.ts'
import { checkLimits, checkSupervisor } from './supervisor.ts'
import type { System } from './system.ts'

const checks: readonly Check[] = [
  checkNode,
  checkKernel,
  checkShell,
  checkClock,
  checkMemory,
  checkHome,
  checkDisk,
  checkState,
  checkSupervisor,
  checkDescriptors,
  checkProcesses,
  checkBacklog,
  checkPortRange,
  checkLowPorts,
  checkLimits,
  checkBoot,
]

export async function examine(system: System): Promise<Finding[]> {
  let home: Home
  try {
    home = homeOf(system.env)
  } catch (error) {
    return [problem('home', messageOf(error), 'export BROOD_HOME=<a shorter path>')]
  }
  const patient: Patient = { system, home, version, ...(await ask(home)) }
  return checks.flatMap((check) => check(patient))
}

async function ask(home: Home): Promise<Pick<Patient, 'supervisor' | 'unreachable' | 'apps'>> {
  const client = new ControlClient(home.socket, version)
  let supervisor: SupervisorReport
  try {
    supervisor = await client.call('status', {})
  } catch (error) {
    const none = error instanceof BroodError && error.code === 'no_supervisor'
    return { supervisor: undefined, unreachable: none ? undefined : messageOf(error), apps: [] }
  }
  return { supervisor, unreachable: undefined, apps: await appsOf(client) }
}

/** One of another version may not answer; then its apps stay unknown. */
async function appsOf(client: ControlClient): Promise<AppDetail[]> {
  try {
    const apps = await client.call('list', {})
    return await Promise.all(apps.map(({ name }) => client.call('show', { app: name })))
  } catch {
    return []
  }
}
