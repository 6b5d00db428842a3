// What systemd is told about the supervisor: that it is ready, which process it is, that it ends.
import { spawn } from 'node:child_process'

/**
 * Sends assignments such as `READY=1` to the service manager; settles with undefined, or with why that failed. Nothing is
 * sent, and nothing fails, outside of a unit.
 *
 * Node has no unix datagram sockets, so systemd's own program sends them. It is a process of its own, hence the unit's
 * `NotifyAccess=all`, and it waits until the manager has read the message: a sender that is gone by then belongs to no unit
 * any more. `MAINPID=` is an assignment like the others; the option `--pid` would pretend to be that process, which only
 * root may.
 */
export function notifySystemd(
  lines: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  if (!env.NOTIFY_SOCKET) return Promise.resolve(undefined)
  return new Promise((resolve) => {
    const child = spawn('systemd-notify', lines, { env, stdio: 'ignore' })
    child.once('error', (error) => resolve(`systemd-notify cannot be run (${error.message})`))
    child.once('exit', (code, signal) =>
      resolve(code === 0 ? undefined : `systemd-notify ended with ${signal ?? `code ${code}`}`),
    )
  })
}
