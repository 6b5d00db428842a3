// Says why the operating system did not start a program, and what to do.
import { statSync } from 'node:fs'
import { BroodError, messageOf, systemCode } from '../kernel/errors.ts'

export function spawnFailure(file: string, cwd: string | undefined, cause: unknown): BroodError {
  return new BroodError('spawn_failed', `'${file}' could not be started: ${reason(file, cwd, cause)}`, {
    cause,
  })
}

function reason(file: string, cwd: string | undefined, cause: unknown): string {
  // The kernel says ENOENT both for a missing program and for a missing folder to start it in.
  if (cwd !== undefined && !isFolder(cwd))
    return `its cwd '${cwd}' is not a folder: create it, or give another`
  switch (systemCode(cause)) {
    case 'ENOENT':
      return file.includes('/')
        ? 'there is no such file (or the interpreter in its first line is missing): check the path'
        : 'no folder of PATH has a program of that name: install it, or give its full path'
    case 'EACCES':
      return 'it is not an executable file: chmod +x, or start its interpreter with it as the first argument'
    case 'ENOEXEC':
      return 'it is no program of this system and names no interpreter in its first line'
    case 'E2BIG':
      return 'its arguments and environment are too long: send the data through stdin or a file'
    case 'EAGAIN':
      return 'this user may not start more processes (ulimit -u)'
    case 'EMFILE':
    case 'ENFILE':
      return 'too many files are open (ulimit -n)'
    case 'EPERM':
      return 'the user may not do that, such as start it as another user'
    default:
      return messageOf(cause)
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
