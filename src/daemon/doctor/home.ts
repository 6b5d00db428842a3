// BROOD_HOME: whose it is, who else may look in, room on its disk, and whether its state can be read.
import { dirname } from 'node:path'
import { appsRemembered } from '../state-file.ts'
import { type Finding, notice, ok, type Patient, problem } from './finding.ts'

const leastFree = 20e6
const goodFree = 500e6
/** NFS, SMB, CIFS: file locks and unix sockets there are not what they are on a disk. */
const networkTypes = new Set([0x6969, 0x517b, 0xff534d42, 0xfe534d42])

export function checkHome({ system, home }: Patient): Finding[] {
  const stat = system.stat(home.path)
  if (stat === undefined) return [ok('home', `${home.path} is made with the first start`)]
  if (!stat.isFolder)
    return [problem('home', `${home.path} is no folder`, 'set BROOD_HOME to a folder of your own')]
  if (system.uid !== undefined && stat.uid !== system.uid)
    return [
      problem(
        'home',
        `${home.path} belongs to uid ${stat.uid}, you are ${system.uid}`,
        `use its owner's account, or set BROOD_HOME`,
      ),
    ]
  if ((stat.mode & 0o700) !== 0o700)
    return [
      problem(
        'home',
        `${home.path} has mode ${octal(stat.mode)}: you cannot use it`,
        `chmod 700 ${home.path}`,
      ),
    ]
  if ((stat.mode & 0o077) !== 0)
    return [
      notice(
        'home',
        `others may look into ${home.path} (mode ${octal(stat.mode)}); secrets are there`,
        `chmod 700 ${home.path}`,
      ),
    ]
  return [ok('home', `${home.path} is yours alone`)]
}

export function checkDisk({ system, home }: Patient): Finding[] {
  let path = home.path
  while (!system.exists(path) && path !== dirname(path)) path = dirname(path)
  const disk = system.disk(path)
  if (disk === undefined) return []
  const free = `${Math.floor(disk.free / 1e6)} MB free for state and logs`
  if (disk.free < leastFree) return [problem('disk', `only ${free}`, `make room on the disk of ${path}`)]
  if (networkTypes.has(disk.type))
    return [
      notice(
        'disk',
        `${path} is on a network file system, whose locks may not hold`,
        'set BROOD_HOME to a folder on a local disk',
      ),
    ]
  if (disk.free < goodFree) return [notice('disk', `only ${free}`, `make room on the disk of ${path}`)]
  return [ok('disk', free)]
}

export function checkState({ system, home }: Patient): Finding[] {
  const findings: Finding[] = []
  const aside = `${home.state}.unreadable`
  if (system.exists(aside))
    findings.push(
      notice(
        'state',
        `an earlier state could not be read and was set aside: ${aside}`,
        `start its apps again, then rm ${aside}`,
      ),
    )
  if (!system.exists(home.state)) return [...findings, ok('state', 'no apps are remembered')]
  const apps = appsRemembered(system.read(home.state))
  if (apps === undefined) {
    const what = `${home.state} cannot be read as a state of this version; the next supervisor will set it aside`
    return [
      ...findings,
      problem('state', what, 'use the version of brood that wrote it, or start the apps again'),
    ]
  }
  return [...findings, ok('state', `${apps} ${apps === 1 ? 'app is' : 'apps are'} remembered`)]
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}
