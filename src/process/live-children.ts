// The children that end with this process: what is told to the kernel in the last moment of an orderly exit.

const atExit = new Set<() => void>()

/** Calls `end` when this process exits in order, unless the result was called before. */
export function endWithThisProcess(end: () => void): () => void {
  // One listener for all, and none while there is nobody to end: programs count the listeners of their process.
  if (atExit.size === 0) process.on('exit', endAll)
  atExit.add(end)
  return () => {
    if (atExit.delete(end) && atExit.size === 0) process.off('exit', endAll)
  }
}

function endAll(): void {
  for (const end of atExit) end()
}
