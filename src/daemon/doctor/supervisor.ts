// The supervisor: whether it runs, in which version, and whether it may set limits for its apps.
import { cgroupsAvailable } from '../../process/cgroup.ts'
import { findWorkers } from '../survivors.ts'
import { type Finding, notice, ok, type Patient, problem } from './finding.ts'

export function checkSupervisor({ supervisor, unreachable, version, home }: Patient): Finding[] {
  if (unreachable !== undefined) return [problem('supervisor', unreachable, `look at ${home.ownLog}`)]
  if (supervisor === undefined) {
    const left = findWorkers(home).length
    if (left === 0) return [ok('supervisor', 'none is running; the first start brings one up')]
    return [
      problem(
        'supervisor',
        `none is running, but ${left} workers of an earlier one are`,
        'brood start <script> brings one up, which takes care of them',
      ),
    ]
  }
  if (supervisor.version !== version) {
    const what = `the one running is brood ${supervisor.version}, this command is ${version}`
    return [notice('supervisor', what, 'brood upgrade replaces it; the workers go on')]
  }
  return [ok('supervisor', `pid ${supervisor.pid}, brood ${supervisor.version} on Node ${supervisor.node}`)]
}

/** Asked for the running supervisor's place, or else for this one, where a new one would be. */
export function checkLimits({ system, supervisor }: Patient): Finding[] {
  if (system.platform !== 'linux') return []
  const pid = supervisor?.pid ?? process.pid
  const found = cgroupsAvailable({ mounts: '/proc/self/mountinfo', membership: `/proc/${pid}/cgroup`, pid })
  if (found.ok) return [ok('limits', 'CPU and memory limits can be set (cgroup v2)')]
  return [notice('limits', found.why, found.mend)]
}
