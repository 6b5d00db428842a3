// Finds the Node that the project brings along, the `node` package in devDependencies, and the PATH that leads to it.
import { existsSync, realpathSync } from 'node:fs'
import path from 'node:path'

/** The binary's real path: a plain `node` could still be the machine's, by a shell that remembers where it was. */
export function ownNode(root) {
  const link = path.join(binFolder(root), 'node')
  if (existsSync(link)) return realpathSync(link)
  throw new Error(
    'node_modules has no Node, because install scripts are blocked here: run `npm rebuild node --ignore-scripts=false`, then try again',
  )
}

/** PATH with the project's programs first. */
export function ownPath(root) {
  return [binFolder(root), pathWithoutOwn(root)].join(path.delimiter)
}

/** PATH as it was before npm put the project's programs into it. */
export function pathWithoutOwn(root) {
  const folders = (process.env.PATH ?? '').split(path.delimiter)
  return folders.filter((folder) => folder !== binFolder(root)).join(path.delimiter)
}

function binFolder(root) {
  return path.join(root, 'node_modules', '.bin')
}
