// What `exec` and `execFile` reject with: why, and everything that was printed before.
import { BroodError, type ErrorCode } from '../kernel/errors.ts'
import type { Exit } from './exit.ts'

export interface ProcessOutcome {
  /** As text, or as bytes where `encoding: 'buffer'` was asked for. */
  readonly stdout: string | Buffer
  readonly stderr: string | Buffer
  /** Undefined when the program could not be started. */
  readonly exit: Exit | undefined
}

/** Codes: `command_failed`, `output_truncated`, `timed_out`, `aborted`, `spawn_failed`. */
export class ProcessError extends BroodError {
  readonly stdout: string | Buffer
  readonly stderr: string | Buffer
  readonly exit: Exit | undefined
  /** The program, or the shell line. */
  readonly command: string

  constructor(code: ErrorCode, message: string, command: string, outcome: ProcessOutcome, cause?: unknown) {
    super(code, message, { cause, detail: lastLines(outcome.stderr) })
    this.command = command
    this.stdout = outcome.stdout
    this.stderr = outcome.stderr
    this.exit = outcome.exit
  }
}

/** Enough to see what the program complained about. */
function lastLines(text: string | Buffer): string[] {
  return text.toString().trimEnd().split('\n').slice(-5).filter(Boolean)
}
