// Runs one child process to its end, with the terminal and the signals handed to it.
import { spawn } from 'node:child_process'

/**
 * Resolves to `{ code, signal, stop }`; `stop` is true when somebody wanted the whole run to end.
 * `minutes` ends the child with SIGTERM when it takes longer; `quiet` keeps its output from the terminal.
 */
export function runChild(command, args, { cwd, env, minutes, quiet }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: quiet ? 'ignore' : 'inherit' })
    let stop = false
    // Ctrl-C reaches the whole process group, so the child has it already: only wait for what it makes of it.
    const waitOut = () => {
      stop = true
    }
    const passOn = (signal) => {
      stop = true
      child.kill(signal)
    }
    process.on('SIGINT', waitOut).on('SIGTERM', passOn).on('SIGHUP', passOn)
    const deadline = minutes && setTimeout(() => endAtDeadline(child, minutes), minutes * 60_000)

    const settle = (how) => {
      process.off('SIGINT', waitOut).off('SIGTERM', passOn).off('SIGHUP', passOn)
      clearTimeout(deadline)
      how()
    }
    child.once('error', (cause) =>
      settle(() => reject(new Error(`${command} could not be started: ${cause.message}`, { cause }))),
    )
    child.once('exit', (code, signal) =>
      settle(() => resolve({ code, signal, stop: stop || signal !== null })),
    )
  })
}

/** Ends this process the way its child ended: by the same signal, or with the same code. */
export function endLike({ code, signal }) {
  if (signal === null) process.exitCode = code
  else process.kill(process.pid, signal)
}

function endAtDeadline(child, minutes) {
  process.stderr.write(`scripts/run.js: not done after ${minutes} minutes, so ended here\n`)
  child.kill('SIGTERM')
  // By now even a child that reports what it was busy with is done; one that isn't must not hold up CI.
  setTimeout(() => child.kill('SIGKILL'), 10_000).unref()
}
