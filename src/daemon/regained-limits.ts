// Limits of apps whose workers have outlived their supervisor: a systemd before 254 takes them back to start the next process.
import { AppCgroup, cgroupsAvailable } from '../process/cgroup.ts'
import type { ControlClient } from './control/client.ts'

/** For a process that systemd has just started in the unit: from now on it needs the unit's own cgroup no more. */
export async function regainLimits(client: ControlClient): Promise<void> {
  const available = cgroupsAvailable()
  if (!available.ok) return
  for (const { name } of await client.call('list', {})) {
    const { limits } = (await client.call('show', { app: name })).spec
    if (limits === undefined) continue
    const group = new AppCgroup(available.base, name, limits)
    if (group.pids.length > 0) group.ensure()
  }
}
