// What the command's exit code tells a script.
import type { ErrorCode } from '../kernel/errors.ts'

/** 0 done, 1 failed, 2 usage, 3 no such app or supervisor, 4 not ready in time. */
export function exitCodeOf(code: ErrorCode): number {
  switch (code) {
    case 'usage':
    case 'bad_request':
    case 'config_not_found':
    case 'config_invalid':
      return 2
    case 'no_such_app':
    case 'no_supervisor':
      return 3
    case 'not_ready':
      return 4
    default:
      return 1
  }
}
