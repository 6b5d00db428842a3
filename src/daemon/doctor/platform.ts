// Node, the kernel, the shell and the clock.
import { type Finding, notice, ok, type Patient, problem } from './finding.ts'

/** Before it was written nobody can have used it. */
const earliest = Date.UTC(2025, 0, 1)

export function checkNode({ system }: Patient): Finding[] {
  const [major = 0, minor = 0] = system.node.split('.').map(Number)
  if ((major === 24 && minor >= 19) || (major === 26 && minor >= 4) || major > 26) {
    if (major > 24) return [ok('node', `Node ${system.node}`)]
    return [
      notice(
        'node',
        `Node ${system.node} cannot share unix sockets among workers`,
        'use Node 26.10 or later if a program listens on a path',
      ),
    ]
  }
  return [
    problem(
      'node',
      `Node ${system.node} is too old`,
      'install Node 24.19 or later, or 26.4 or later: https://nodejs.org',
    ),
  ]
}

export function checkKernel({ system }: Patient): Finding[] {
  if (system.platform !== 'linux') {
    return [
      notice(
        'kernel',
        `on ${system.platform} all workers share one socket; limits and boot units are for Linux`,
        'use Linux for production',
      ),
    ]
  }
  if (system.read('/proc/self/stat') === '')
    return [
      problem(
        'kernel',
        '/proc is not mounted: processes cannot be told apart',
        'sudo mount -t proc proc /proc',
      ),
    ]
  const release = system.read('/proc/sys/kernel/osrelease').trim()
  return [ok('kernel', `Linux ${release}: one socket for each worker (SO_REUSEPORT)`)]
}

export function checkShell({ system }: Patient): Finding[] {
  if (system.platform === 'win32' || system.exists('/bin/sh')) return [ok('shell', '/bin/sh is there')]
  return [
    problem(
      'shell',
      'there is no /bin/sh: workers cannot bring up a new supervisor',
      "install a POSIX shell, such as the package 'dash'",
    ),
  ]
}

export function checkClock({ system }: Patient): Finding[] {
  if (system.now() < earliest)
    return [
      problem(
        'clock',
        `the clock says ${new Date(system.now()).toISOString().slice(0, 10)}`,
        'sudo timedatectl set-ntp true',
      ),
    ]
  const synchronised = system.run('timedatectl', 'show', '-p', 'NTPSynchronized', '--value')
  if (synchronised !== 'no')
    return [ok('clock', synchronised === 'yes' ? 'the clock is synchronised' : 'the clock is plausible')]
  return [
    notice(
      'clock',
      'nobody keeps the clock right: times in events and logs may jump',
      'sudo timedatectl set-ntp true',
    ),
  ]
}

export function checkMemory({ system }: Patient): Finding[] {
  if (system.platform !== 'linux') return []
  if (system.read('/proc/sys/vm/overcommit_memory').trim() !== '2')
    return [ok('memory', 'the kernel gives address space freely')]
  return [
    notice(
      'memory',
      'vm.overcommit_memory is 2: Node reserves far more than it uses, and may not start',
      'sudo sysctl -w vm.overcommit_memory=0',
    ),
  ]
}
