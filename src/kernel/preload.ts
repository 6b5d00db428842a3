// A module loaded by `--require` before the program, which the program and its children are not to notice.

/** `child_process.fork` and worker threads inherit `execArgv`: without this they would load the preload too. */
export function forgetPreload(path: string): void {
  const at = process.execArgv.indexOf(path)
  if (at > 0) process.execArgv.splice(at - 1, 2)
}
