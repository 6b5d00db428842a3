// The arguments by which a worker's inspector opens where only its supervisor finds it, when its blocked loop is looked into.

const port = '--inspect-port=127.0.0.1:0'
const addressToStderr = '--inspect-publish-uid=stderr'

/**
 * For Node, before the program. They open nothing: that takes SIGUSR1. Empty when the user has an inspector of their own,
 * whose port is not to be changed. `stderrIsFile`: the inspector's secret address is then told there alone. Otherwise it
 * stands on its HTTP page too, for any user of the machine.
 */
export function inspectorArguments(
  nodeArgs: readonly string[],
  nodeOptions: string | undefined,
  stderrIsFile: boolean,
): string[] {
  if (hasInspector(nodeArgs, nodeOptions)) return []
  return stderrIsFile ? [port, addressToStderr] : [port]
}

/** Whether the user debugs this program: a breakpoint blocks its loop, and must not cost its life. */
export function hasInspector(nodeArgs: readonly string[], nodeOptions: string | undefined): boolean {
  return [...nodeArgs, ...(nodeOptions ?? '').split(' ')].some((argument) => argument.startsWith('--inspect'))
}

export function isInspectorArgument(argument: string): boolean {
  return argument === port || argument === addressToStderr
}
