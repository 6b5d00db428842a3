// Whether systemd brings the supervisor back at boot, and whether what the unit says still is true.
import { basename, join } from 'node:path'
import { quote } from '../../process/shell-line.ts'
import { longestKnownGrace } from '../known-grace.ts'
import { stopTimeout } from '../systemd-unit.ts'
import { isEnabled, ownUnits, systemctlOf, type UnitFile, type UnitKind, unitFolder } from '../unit-file.ts'
import { type Finding, notice, ok, type Patient, problem } from './finding.ts'
import type { System } from './system.ts'

export function checkBoot(patient: Patient): Finding[] {
  const { system, home } = patient
  if (system.platform !== 'linux' || !system.exists('/run/systemd/system')) {
    return [
      notice(
        'boot',
        'no systemd here: nothing starts the supervisor at boot',
        "start 'brood supervise' at boot, or use 'brood run'",
      ),
    ]
  }
  const kinds: UnitKind[] = ['system', 'user']
  const units = kinds.flatMap((kind) =>
    ownUnits(unitFolder(kind, system.env)).map((unit) => ({ ...unit, kind })),
  )
  const unit = units.find(({ text }) => wordOf(text, 'BROOD_HOME') === home.path)
  if (unit !== undefined) return examine(unit, unit.kind, patient)
  const others =
    units.length === 0 ? '' : `; ${units.map(({ path }) => path).join(', ')} is for another folder`
  return [notice('boot', `no unit starts this supervisor at boot${others}`, 'brood startup')]
}

function examine(unit: UnitFile, kind: UnitKind, { system, home }: Patient): Finding[] {
  const findings: Finding[] = []
  const name = unit.path.slice(unit.path.lastIndexOf('/') + 1)
  const systemctl = systemctlOf(kind, system.uid)
  const rewrite = rewriting(unit, kind, system)
  const programs = /^ExecStart=(.*)$/m.exec(unit.text)?.[1] ?? ''
  const missing = [...programs.matchAll(/"((?:[^"\\]|\\.)*)"/g)]
    .map(([, word = '']) => unescaped(word).replaceAll('$$', '$'))
    .find((path) => !system.exists(path))
  if (missing !== undefined)
    findings.push(problem('boot', `${unit.path} starts ${missing}, which is gone`, rewrite))
  if (system.run('systemd-notify', '--version') === undefined)
    findings.push(
      problem(
        'boot',
        'systemd-notify is missing: systemd would never learn that brood is ready',
        "install the package 'systemd'",
      ),
    )
  const timeout = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit.text)?.[1] ?? Number.NaN) * 1000
  if (timeout < stopTimeout(longestKnownGrace(home.state)))
    findings.push(
      problem('boot', `an app's grace period is longer than systemd waits (${timeout / 1000} s)`, rewrite),
    )
  if (!isEnabled(unit.path))
    findings.push(problem('boot', `${name} is there, but not enabled`, `${systemctl} enable ${name}`))
  if (kind === 'user' && !system.exists(join('/var/lib/systemd/linger', system.user)))
    findings.push(
      problem(
        'boot',
        `${name} starts only when ${system.user} logs in, and ends with the last session`,
        `loginctl enable-linger ${system.user}`,
      ),
    )
  return findings.length > 0 ? findings : [ok('boot', `${unit.path} is enabled`)]
}

/** Without its user and its name it would become root's, or another unit. */
export function rewriting(
  { path, text }: UnitFile,
  kind: UnitKind,
  { uid, env }: Pick<System, 'uid' | 'env'>,
): string {
  const name = basename(path, '.service')
  const user = /^User=(.*)$/m.exec(text)?.[1]
  const line = [
    'brood startup --write',
    ...(kind === 'user' ? ['--user-unit'] : user === undefined ? [] : [`--user ${unescaped(user)}`]),
    ...(name === 'brood' ? [] : [`--name ${name}`]),
  ].join(' ')
  if (kind === 'user' || uid === 0) return line
  // sudo has a PATH of its own, and drops BROOD_HOME.
  const home = env.BROOD_HOME ? `BROOD_HOME=${quote(env.BROOD_HOME)} ` : ''
  return `sudo env "PATH=$PATH" ${home}${line}`
}

/** The value of a variable in `Environment="NAME=value"`. */
function wordOf(text: string, name: string): string | undefined {
  const quoted = new RegExp(`^Environment="${name}=(.*)"$`, 'm').exec(text)?.[1]
  return quoted === undefined ? undefined : unescaped(quoted)
}

/** What the unit's quoting made of it, undone. */
function unescaped(word: string): string {
  return word
    .replaceAll('%%', '%')
    .replaceAll(/\\(.)/g, (_, character: string) => ({ n: '\n', t: '\t' })[character] ?? character)
}
