// Lists files: the TypeScript sources of a folder, and everything that is or would be committed.
import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

const notCommitted = ['.git', 'node_modules', 'dist', 'coverage']

/** The TypeScript files below `folder`, as paths relative to it with forward slashes. */
export async function sourceFiles(folder: string): Promise<string[]> {
  return (await filesBelow(folder)).filter((file) => file.endsWith('.ts') || file.endsWith('.tsx'))
}

/** The files that are tracked, or would be by `git add .`; of a copy without .git, all but the usual exceptions. */
export async function committedFiles(root: string): Promise<string[]> {
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate']
  const inGit = await promisify(execFile)('git', list, { cwd: root }).then(
    ({ stdout }) => stdout.split('\0').filter(Boolean),
    () => undefined,
  )
  return inGit ?? filesBelow(root)
}

async function filesBelow(folder: string, below = ''): Promise<string[]> {
  const entries = await readdir(path.join(folder, below), { withFileTypes: true })
  const lists = entries.map((entry) => {
    const file = path.posix.join(below, entry.name)
    if (entry.isDirectory()) return notCommitted.includes(entry.name) ? [] : filesBelow(folder, file)
    return entry.isFile() ? [file] : []
  })
  return (await Promise.all(lists)).flat().sort()
}
