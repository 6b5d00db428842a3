// Which systemd this machine has.
import { spawnSync } from 'node:child_process'

/** Its number, such as 252; undefined where there is none. */
export function systemdVersion(): number | undefined {
  const { stdout } = spawnSync('systemctl', ['--version'], { encoding: 'utf8', timeout: 5000 })
  const number = /^systemd (\d+)/.exec(stdout ?? '')?.[1]
  return number === undefined ? undefined : Number(number)
}
