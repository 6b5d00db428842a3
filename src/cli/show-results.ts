// Prints what became of each app that a command was for, and sets the exit code.
import type { AppResult } from '../daemon/control/contract.ts'
import type { ErrorCode } from '../kernel/errors.ts'
import { exitCodeOf } from './exit-codes.ts'
import type { Terminal } from './terminal.ts'

export function showResults(
  results: readonly AppResult[],
  terminal: Terminal,
  done: (result: AppResult) => string,
): void {
  if (terminal.json) terminal.printJson(results)
  for (const result of results) {
    if (result.error === undefined) {
      if (!terminal.json) terminal.print(done(result))
      continue
    }
    const { message, detail, code } = result.error
    if (!terminal.json) {
      terminal.note(`brood: ${message}`)
      for (const line of detail) terminal.note(`  | ${line}`)
    }
    process.exitCode = exitCodeOf(code as ErrorCode) // codes come from a supervisor of the same protocol
  }
  if (results.length === 0 && !terminal.json) terminal.print('There are no apps.')
}
