// Runs a hook's command: the event on its stdin and in its environment, its process group ended with it.
import type { ChildProcess } from 'node:child_process'
import type { Clock, Millis } from '../../kernel/clock.ts'
import { messageOf } from '../../kernel/errors.ts'
import { signalGroup } from '../../process/process-group.ts'
import { spawnFailure } from '../../process/spawn-failure.ts'
import { startProcess } from '../../process/start-process.ts'
import type { Delivery, Outcome } from './event.ts'
import { pause } from './pause.ts'

/** Bytes of output that are kept to explain a failure, and lines that are shown. */
const keptOutput = 4096
const shownLines = 5
/** A reason can be a whole stack, and an environment has little room; the JSON has it all. */
const longestVariable = 4096
/** How long the last output of a command may be on its way when something that left its group holds the pipe open. */
const lastWordsWithin: Millis = 200

export async function runCommand(
  command: string,
  delivery: Delivery,
  body: string,
  deadline: { readonly signal: AbortSignal; readonly why: () => string },
  clock: Clock,
): Promise<Outcome> {
  const started = start(command, delivery)
  if (typeof started === 'string') return { delivered: false, why: started, isFinal: false }
  const { signal, why } = deadline
  let output = ''
  for (const stream of [started.stdout, started.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-keptOutput)
    })
    stream?.on('error', () => {}) // what cannot be read is no reason to fail
  }
  started.stdin?.on('error', () => {}) // a command need not read the event
  started.stdin?.end(body)

  const ended = ending(started, delivery.place.cwd)
  const closed = new Promise<void>((resolve) => started.once('close', () => resolve()))
  const kill = (): void => killGroup(started)
  signal.addEventListener('abort', kill)
  const how = await ended
  signal.removeEventListener('abort', kill)
  // Nobody would look after what it has left running.
  killGroup(started)
  const patience = new AbortController()
  await Promise.race([closed, pause(clock, clock.now() + lastWordsWithin, patience.signal)])
  patience.abort()
  for (const stream of [started.stdout, started.stderr]) stream?.destroy()

  if (how === '') return { delivered: true }
  const lines = output.trimEnd().split('\n').slice(-shownLines).join('\n')
  const said = lines === '' ? '' : `: ${lines}`
  return { delivered: false, why: `${signal.aborted ? why() : how}${said}`, isFinal: false }
}

/** The process, or why there is none. */
function start(command: string, { event, id, place }: Delivery): ChildProcess | string {
  const { on, app, slot, pid, reason, at, host } = event
  const told = {
    BROOD_EVENT: on,
    BROOD_EVENT_ID: id,
    BROOD_EVENT_APP: app,
    BROOD_EVENT_SLOT: slot,
    BROOD_EVENT_PID: pid,
    BROOD_EVENT_REASON: reason?.replaceAll('\0', '').slice(0, longestVariable),
    BROOD_EVENT_AT: new Date(at).toISOString(),
    BROOD_EVENT_HOST: host,
  }
  const variables = Object.entries(told).map(([name, value]) => [name, `${value ?? ''}`])
  const { cwd, env, uid, gid } = place
  try {
    const started = startProcess({
      file: '/bin/sh',
      args: ['-c', command],
      options: {
        cwd,
        env: { ...env, ...Object.fromEntries(variables) },
        ownGroup: true,
        ...(uid === undefined ? {} : { uid }),
        ...(gid === undefined ? {} : { gid }),
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    return 'failure' in started ? started.failure.message : started.process
  } catch (error) {
    return messageOf(error)
  }
}

/** How it ended: nothing to say when it has succeeded. */
function ending(child: ChildProcess, cwd: string): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(spawnFailure('/bin/sh', cwd, error).message))
    child.once('exit', (code, signal) => {
      if (code === 0) resolve('')
      else resolve(signal === null ? `it exited with code ${code}` : `it was ended by ${signal}`)
    })
  })
}

function killGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) signalGroup(pid, 'SIGKILL')
}
