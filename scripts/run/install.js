// Installs the dependencies when node_modules isn't what package-lock.json says.
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { runChild } from './child.js'
import { pathWithoutOwn } from './own-node.js'

const DONE = { code: 0, signal: null, stop: false }

export async function install(root) {
  if (isInstalled(root)) return DONE
  process.stderr.write('Installing the dependencies…\n')
  // Not `npm ci`: it refuses a lock file that lacks a package made for another platform, which npm leaves out when the
  // registry has none at that time. This installs what the lock file says as well, and doesn't write to it.
  // --include=dev, because NODE_ENV=production would leave out the Node that everything runs on. And no warnings: they
  // tell that the machine's Node is too old for packages that never run on it.
  const args = ['install', '--no-save', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']
  // npm must not run on node_modules/.bin/node, which it may be about to replace.
  const environment = { ...process.env, PATH: pathWithoutOwn(root) }
  return runChild('npm', args, { cwd: root, env: environment })
}

/** Compares contents, not file times: a checkout touches the lock file, and a needless install takes seconds each time. */
function isInstalled(root) {
  // npm writes this file last, so it is missing after an installation that was broken off.
  const receipt = path.join(root, 'node_modules/.package-lock.json')
  if (!existsSync(receipt)) return false
  const installed = packages(receipt)
  return Object.entries(packages(path.join(root, 'package-lock.json'))).every(([place, wanted]) => {
    if (place === '') return true
    const found = installed[place]
    // Optional packages are those of other platforms.
    if (found === undefined) return wanted.optional === true || wanted.devOptional === true
    return found.version === wanted.version && found.integrity === wanted.integrity
  })
}

function packages(lockFile) {
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages
}
