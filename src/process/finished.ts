// Runs a child to its end and collects what it printed: the common part of `exec` and `execFile`.
import { StringDecoder } from 'node:string_decoder'
import { type Clock, systemClock } from '../kernel/clock.ts'
import { type ErrorCode, messageOf } from '../kernel/errors.ts'
import { Child } from './child.ts'
import { describeExit, type Exit } from './exit.ts'
import { type ChildOptions, childOptionNames, type OptionName } from './options.ts'
import { defaultMaxBuffer, type Output, TruncatedError } from './output.ts'
import { ProcessError } from './process-error.ts'

type Encoding = 'utf8' | 'buffer'

export interface RunOptions extends ChildOptions {
  /** Bytes of stdout, and of stderr, that are kept; a program that prints more is ended. Default: 16 MiB. */
  readonly maxBuffer?: number
  /** `'buffer'` gives bytes instead of text. Default: `'utf8'`. */
  readonly encoding?: Encoding
  /** For the program's stdin, which otherwise is empty. */
  readonly input?: string | Uint8Array
}

export const runOptionNames: readonly OptionName[] = [...childOptionNames, 'maxBuffer', 'encoding', 'input']

export interface Finished<Text extends string | Buffer = string> {
  readonly stdout: Text
  readonly stderr: Text
  readonly exit: Exit
}

/** The outcome, with the child itself beside it while it runs: `const run = exec…; run.child.stop(); await run`. */
export type Running<Text extends string | Buffer = string> = Promise<Finished<Text>> & {
  readonly child: Child
}

interface Kept {
  readonly bytes: Buffer
  readonly isTruncated: boolean
}

export function run(
  command: string,
  file: string,
  args: readonly string[],
  options: RunOptions,
): Running<string | Buffer> {
  const { input } = options
  const child = new Child({
    file,
    args,
    options,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  if (input !== undefined) child.stdin?.end(input)
  return Object.assign(finish(command, child, options), { child })
}

async function finish(
  command: string,
  child: Child,
  options: RunOptions,
): Promise<Finished<string | Buffer>> {
  const { maxBuffer = defaultMaxBuffer, encoding = 'utf8' } = options
  const kept = Promise.all([keep(child, child.stdout, maxBuffer), keep(child, child.stderr, maxBuffer)])
  const exit = await child.exit.catch((error: unknown) => {
    const message = messageOf(error)
    throw new ProcessError(
      'spawn_failed',
      message,
      command,
      { stdout: '', stderr: '', exit: undefined },
      error,
    )
  })
  const isLate = await withinTimeout(child, kept, exit, options)
  const [stdout, stderr] = await kept
  const outcome = { stdout: decode(stdout, encoding), stderr: decode(stderr, encoding), exit }
  const fault = faultOf(stdout.isTruncated || stderr.isTruncated, isLate, exit, options)
  if (fault === undefined) return outcome
  throw new ProcessError(fault.code, `${shorten(command)} ${fault.message}`, command, outcome, fault.cause)
}

/** Everything until the end, or as much as may be kept; then the program is ended. */
async function keep(child: Child, output: Output | undefined, maxBuffer: number): Promise<Kept> {
  try {
    return { bytes: (await output?.bytes({ maxBuffer })) ?? Buffer.alloc(0), isTruncated: false }
  } catch (error) {
    if (!(error instanceof TruncatedError)) throw error
    // Not awaited: it ends in its own time, and `exit` waits for it.
    child.end('limit').catch(() => {})
    return { bytes: error.bytes, isTruncated: true }
  }
}

/** A program that has exited may have left others that hold its output open; also these have no more than the timeout. */
async function withinTimeout(
  child: Child,
  kept: Promise<unknown>,
  exit: Exit,
  { timeout = Number.POSITIVE_INFINITY, clock = systemClock }: RunOptions,
): Promise<boolean> {
  if (exit.askedBy !== 'itself' && exit.askedBy !== 'outside') {
    await giveUp(child)
    return false
  }
  if (timeout === Number.POSITIVE_INFINITY) return false
  const late = expiry(clock, exit.startedAt + timeout)
  const isLate = await Promise.race([kept.then(() => false), late.promise])
  late.cancel()
  if (isLate) await giveUp(child)
  return isLate
}

/** What was ended has nothing more to say; something that left its tree might keep the pipes open. */
async function giveUp(child: Child): Promise<void> {
  await child.stop()
  child.stdout?.close()
  child.stderr?.close()
}

function expiry(clock: Clock, at: number): { promise: Promise<true>; cancel: () => void } {
  const { promise, resolve } = Promise.withResolvers<true>()
  return { promise, cancel: clock.at(at, () => resolve(true)) }
}

interface Fault {
  readonly code: ErrorCode
  readonly message: string
  readonly cause?: unknown
}

function faultOf(isTruncated: boolean, isLate: boolean, exit: Exit, options: RunOptions): Fault | undefined {
  if (isTruncated) {
    const { maxBuffer = defaultMaxBuffer } = options
    const advice = 'the rest is cut off. Raise maxBuffer, or use spawn and read the output as it comes'
    return { code: 'output_truncated', message: `printed more than ${maxBuffer} bytes; ${advice}` }
  }
  if (exit.askedBy === 'timeout' || isLate) {
    const what = isLate ? 'left a process that kept its output open' : 'was ended: it took'
    return { code: 'timed_out', message: `${what} longer than ${options.timeout} ms` }
  }
  if (exit.askedBy === 'abort') {
    const cause: unknown = options.signal?.reason
    return { code: 'aborted', message: `was aborted: ${messageOf(cause)}`, cause }
  }
  return exit.code === 0 ? undefined : { code: 'command_failed', message: describeExit(exit) }
}

function decode({ bytes, isTruncated }: Kept, encoding: Encoding): string | Buffer {
  if (encoding === 'buffer') return bytes
  // Half a character at the cut is left out.
  return isTruncated ? new StringDecoder('utf8').write(bytes) : bytes.toString('utf8')
}

function shorten(command: string): string {
  return `'${command.length > 100 ? `${command.slice(0, 99)}…` : command}'`
}
