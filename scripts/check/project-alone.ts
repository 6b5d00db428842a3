// Keeps the repository free of the machine it was written on: no absolute path of a home, no registry's address.
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { committedFiles } from './source-files.ts'

// Put together here, so that this file passes its own check.
const homes = ['work', 'root', 'home', 'Users'].join('|')

/** An absolute path starts a word; `src/work/` and `${'{base}'}/home/` are something else. */
const absolutePath = new RegExp(`(?:^|[\\s"'\`(=:,;|<>\\[]|file://)(/(?:${homes})/[^\\s"'\`)>\\]]*)`, 'gm')
const lockFile = /(?:^|\/)(?:package-lock|npm-shrinkwrap)\.json$/

export async function checkSpeaksOfProjectAlone(root: string): Promise<string[]> {
  const files = await committedFiles(root)
  const findings = await Promise.all(
    files.map(async (file) => {
      // Git still lists a file that was deleted and not yet committed.
      const content = await readFile(path.join(root, file), 'utf8').catch(() => '')
      return strangersIn(file, content)
    }),
  )
  return findings.flat()
}

export function strangersIn(file: string, content: string): string[] {
  if (content.includes('\0')) return []
  const findings = [...content.matchAll(absolutePath)].map((match) => {
    return `${file}:${lineOf(content, match.index)} names ${match[1]}, a path of one machine: make it relative, or take another example`
  })
  if (lockFile.test(file) && /"resolved":\s*"https?:/.test(content)) {
    findings.push(
      `${file} names the registry it was made with: set omit-lockfile-registry-resolved=true in .npmrc beside it, then run npm install`,
    )
  }
  if (path.posix.basename(file) === '.npmrc' && /^\s*(?:@[\w-]+:)?registry\s*=/m.test(content)) {
    findings.push(`${file} names a registry: leave the choice to whoever installs`)
  }
  return findings
}

function lineOf(content: string, index: number) {
  return content.slice(0, index + 1).split('\n').length
}
