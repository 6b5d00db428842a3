// A module loaded by `--require` before the program, which the program and its children are not to notice.

/** `child_process.fork` and worker threads inherit `execArgv`: without this they would load the preload too. */
export function forgetPreload(path: string): void {
  const at = process.execArgv.indexOf(path)
  if (at > 0) process.execArgv.splice(at - 1, 2)
}

/**
 * Takes arguments of Node out of what the program sees of them. `node:cluster` counts `--inspect-port` up from the parent's,
 * and 0 + 1 is a port no child starts with.
 */
export function forgetArguments(fits: (argument: string) => boolean): void {
  for (let at = process.execArgv.length - 1; at >= 0; at--) {
    if (fits(process.execArgv[at] ?? '')) process.execArgv.splice(at, 1)
  }
}
