// The text of the systemd unit that runs the supervisor, and how words are quoted in it.
import type { Millis } from '../kernel/clock.ts'
import { hopelessExitCode } from './service.ts'

export interface UnitSettings {
  /** Absolute paths. */
  readonly node: string
  readonly brood: string
  readonly home: string
  /** The supervisor finds `systemd-notify` and programs their interpreters by it. */
  readonly path: string
  /** As whom it runs; only for units of the system. */
  readonly user: string | undefined
  readonly kind: 'system' | 'user'
  /** The longest time an app may take to stop. */
  readonly longestGrace: Millis
  /** Undefined when there is none on this machine. */
  readonly systemdVersion: number | undefined
}

/** First line of every unit we write: by it we know which files are ours to replace. */
export const unitMark =
  "# Written by 'brood startup'; its next --write replaces it. Changes of your own: systemctl edit."

/** Beyond the longest grace period: the supervisor's own end. */
const stopMargin: Millis = 30_000
/** systemd's own default. */
const leastStop: Millis = 90_000
/** What systemd itself gives as the hard limit. */
const openFiles = 524_288
/** From here on systemd can start a service's main process in a cgroup below the unit's. */
const subgroupSince = 254

export function unitText(settings: UnitSettings): string {
  const { node, brood, home, path, user, kind, systemdVersion } = settings
  const system = kind === 'system'
  const stopSeconds = Math.ceil(stopTimeout(settings.longestGrace) / 1000)
  const lines = [
    unitMark,
    '[Unit]',
    `Description=brood, supervisor of Node programs (${specifiersEscaped(home)})`,
    ...(system ? ['Wants=network-online.target', 'After=network-online.target'] : []),
    '# A supervisor that dies often is started as often; the apps go on meanwhile.',
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    'Type=notify',
    '# The message comes from systemd-notify, and a supervisor that workers brought up is not the first process.',
    'NotifyAccess=all',
    ...(user === undefined ? [] : [`User=${specifiersEscaped(user)}`]),
    `Environment=${quoted(`PATH=${path}`)}`,
    `Environment=${quoted(`BROOD_HOME=${home}`)}`,
    `ExecStart=${program(node)} ${argument(brood)} supervise`,
    '# A dead supervisor must not cost the workers their lives. SIGTERM to it ends all apps in order, and they are remembered.',
    'KillMode=process',
    `TimeoutStopSec=${stopSeconds}`,
    'TimeoutStartSec=120',
    'Restart=on-failure',
    'RestartSec=1',
    `RestartPreventExitStatus=${hopelessExitCode}`,
    '# A worker that runs out of memory is replaced; the unit goes on.',
    'OOMPolicy=continue',
    `LimitNOFILE=${openFiles}`,
    'TasksMax=infinity',
    '# So that apps can have limits (cgroup v2).',
    'Delegate=yes',
    ...cgroupLines(systemdVersion),
    '',
    '[Install]',
    `WantedBy=${system ? 'multi-user.target' : 'default.target'}`,
    '',
  ]
  return lines.join('\n')
}

/** How long systemd waits for the supervisor's end before SIGKILL, which would leave the workers without one. */
export function stopTimeout(longestGrace: Millis): Millis {
  return Math.max(leastStop, longestGrace + stopMargin)
}

/**
 * A cgroup that passes controllers on may hold no process itself, so after a crash, with limited workers alive, systemd could not
 * start the next supervisor in the unit's cgroup. Where it cannot use another, controllers are taken back first; the supervisor
 * sets limits again.
 */
function cgroupLines(systemdVersion: number | undefined): string[] {
  if (systemdVersion !== undefined && systemdVersion >= subgroupSince) return ['DelegateSubgroup=supervisor']
  const script =
    '{ cd "/sys/fs/cgroup$(sed -n "s,/[.]control$,,;s,^0::,,p" /proc/self/cgroup)" && echo "-cpu -memory" >cgroup.subtree_control; } 2>/dev/null || true'
  return [
    '# The next supervisor can start only in a cgroup that passes no controllers on; it sets limits again.',
    `ExecStopPost=-/bin/sh -c ${argument(script)}`,
  ]
}

/** systemd takes no program whose path has quotes, backslashes or control characters in it; `env` does. */
function program(path: string): string {
  return /["'\\\p{Cc}]/u.test(path) ? `/usr/bin/env ${argument(path)}` : quoted(path)
}

/** One word of a command line: there `$` would begin a variable. */
function argument(word: string): string {
  return quoted(word).replaceAll('$', '$$$$')
}

/** One word, with nothing left that systemd would read as syntax. */
function quoted(word: string): string {
  const escaped = word
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll('\t', '\\t')
  return `"${specifiersEscaped(escaped)}"`
}

function specifiersEscaped(text: string): string {
  return text.replaceAll('%', '%%')
}
