// Installs the pinned rivals of bench/package.json on first use, and knows their versions.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from './command.ts'
import { benchDirectory, repository } from './paths.ts'

/** Installs what is missing or differs from the pinned version; says so, because it takes the network. */
export async function ensurePeers(signal: AbortSignal): Promise<void> {
  const pinned = dependencies()
  const missing = Object.entries(pinned).filter(([name, version]) => installedVersion(name) !== version)
  if (missing.length === 0) return
  console.log(`installing ${missing.map((entry) => entry.join(' ')).join(', ')} in bench/ (npm ci)`)
  // No install scripts: no peer needs one, and none should run code before it is measured.
  await runCommand('npm', ['ci', '--ignore-scripts'], { directory: benchDirectory, timeout: 300_000, signal })
}

/** Versions of brood and of all peers, by name. */
export function peerVersions(): Record<string, string> {
  const versions: Record<string, string> = {
    brood: readVersion(join(repository, 'package.json')) ?? 'unknown',
  }
  for (const name of Object.keys(dependencies())) versions[name] = installedVersion(name) ?? 'not installed'
  return versions
}

function dependencies(): Record<string, string> {
  const manifest: { dependencies: Record<string, string> } = JSON.parse(
    readFileSync(join(benchDirectory, 'package.json'), 'utf8'),
  )
  return manifest.dependencies
}

function installedVersion(name: string): string | undefined {
  return readVersion(join(benchDirectory, 'node_modules', name, 'package.json'))
}

function readVersion(file: string): string | undefined {
  if (!existsSync(file)) return undefined
  const manifest: { version: string } = JSON.parse(readFileSync(file, 'utf8'))
  return manifest.version
}
