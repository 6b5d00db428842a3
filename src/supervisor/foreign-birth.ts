// The birth of a worker that is no Node program: its command, and listening sockets handed over by systemd's protocol.
import { fileURLToPath } from 'node:url'

/** Of the same kind as this file: compiled in an installation, TypeScript in a checkout. */
const makeListening = fileURLToPath(new URL(`./make-listening${import.meta.url.slice(-3)}`, import.meta.url))

/**
 * The protocol wants the program's own pid in LISTEN_PID, which nobody knows before the fork: this shell becomes the
 * program, so its number is the right one. Before that it has the sockets put into LISTEN state, as the protocol
 * promises; the app's NODE_OPTIONS are not meant for that.
 */
const handOver = 'NODE_OPTIONS= "$1" "$2" "$3" || exit; shift 3; LISTEN_PID=$$; export LISTEN_PID; exec "$@"'

/** A program may not take a longer name, nor one with other characters (systemd.socket(5), FileDescriptorName=). */
const longestName = 255

export interface ForeignSettings {
  readonly script: string
  readonly args: readonly string[]
  /** What runs the script, or `none` for a script that is a program itself. */
  readonly interpreter: string
  /** For the interpreter, before the script. */
  readonly interpreterArgs: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** The keys of the addresses, in the order in which their sockets are the descriptors from 3. */
  readonly sockets: readonly string[]
}

export interface ForeignBirth {
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/**
 * What to start. The child's stdio is stdin, stdout, stderr and then the sockets: there is no IPC and no control channel,
 * which other languages would have to know.
 */
export function foreignBirth(settings: ForeignSettings): ForeignBirth {
  const { interpreter, interpreterArgs, script, sockets } = settings
  const program = interpreter === 'none' ? [script] : [interpreter, ...interpreterArgs, script]
  const [file = script, ...args] = [...program, ...settings.args]
  // A supervisor that was itself started by systemd's protocol has these of its own, which would mislead the program.
  const { LISTEN_FDS, LISTEN_FDNAMES, LISTEN_PID, ...env } = settings.env
  if (sockets.length === 0) return { file, args, env }
  return {
    file: '/bin/sh',
    args: ['-c', handOver, 'brood', process.execPath, makeListening, `${sockets.length}`, file, ...args],
    env: { ...env, LISTEN_FDS: `${sockets.length}`, LISTEN_FDNAMES: sockets.map(nameOf).join(':') },
  }
}

/** `*:3000` → `*-3000`: a colon parts the names. */
function nameOf(key: string): string {
  return key.replaceAll(/[^!-9;-~]/g, '-').slice(0, longestName)
}
