// Holds the source to its layers: which folder of src/ may import which.
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { type Import, importsOf } from './imports.ts'
import { sourceFiles } from './source-files.ts'

/** From the ground up. A folder may import those of the rows before its own, not its neighbours in the row. */
const rows = [
  ['kernel'],
  ['wire', 'balance'],
  ['process', 'listen', 'bus'],
  ['worker', 'cluster', 'locks'],
  ['supervisor'],
  ['pool', 'proxy', 'hosts'],
  ['config'],
  ['daemon'],
  ['cli', 'dashboard'],
]

/** What runs inside users' programs: a module that slips in here costs memory and time in every worker. */
const workerMayImport = ['kernel', 'wire', 'bus']

/** As ES modules these evaluate every lazy export, undici among them: +16 MB and +30 ms. */
const heavyBuiltins = ['node:http', 'http']

export async function checkLayers(root: string): Promise<string[]> {
  const src = path.join(root, 'src')
  const files = await sourceFiles(src)
  const findings = await Promise.all(
    files.map(async (file) => layerFindings(file, await readFile(path.join(src, file), 'utf8'))),
  )
  return files.length > 0 ? findings.flat() : ['src/ has no TypeScript file: the layers can’t be checked']
}

/** What is wrong with the imports of one file; its path is relative to src/. */
export function layerFindings(file: string, source: string): string[] {
  return importsOf(source).flatMap((imported) => {
    const reason = forbidden(file, imported)
    return reason === undefined ? [] : [`src/${file} imports '${imported.from}': ${reason}`]
  })
}

function forbidden(file: string, { from, kind }: Import): string | undefined {
  const leavesNothing = kind === 'type' || kind === 'typeof import()'
  if (heavyBuiltins.includes(from) && kind !== 'require()' && !leavesNothing) {
    return "as an ES import it costs 16 MB; take it from process.getBuiltinModule('node:http'), and its types with `import type`"
  }
  if (from === 'brood' || from.startsWith('brood/')) {
    return 'inside src/ name the file: by the package’s name it is the one in dist/'
  }
  if (!from.startsWith('.')) return undefined

  const target = path.posix.join(path.posix.dirname(file), from)
  if (target.startsWith('..')) return 'it is outside of src/, and so not in the package'
  const [source, destination] = [folderOf(file), folderOf(target)]
  // A file directly in src/ is the package's surface: it may show everything, and nothing stands on it.
  if (destination === undefined) return 'a file directly in src/ is the package’s surface, for users alone'
  if (source === destination) return halvesMixed(file, target)
  if (source === undefined) return undefined

  const [own, other] = [rowOf(source), rowOf(destination)]
  if (own === -1 || other === -1) {
    return `src/${own === -1 ? source : destination}/ has no layer: add it to the rows in scripts/check/layers.ts`
  }
  if (own === other)
    return `${source} and ${destination} are neighbours in one row, and neighbours don’t import each other`
  if (own < other) return `${destination} is above ${source}, and imports go downward only`
  if (source === 'worker' && !workerMayImport.includes(destination) && !isWorkerHalf(target)) {
    return 'worker runs inside users’ programs: only kernel, wire, bus and the worker halves of listen'
  }
  return undefined
}

/** What is right inside listen/, but not from a worker half: it would load the supervisor's part into every worker. */
function halvesMixed(file: string, target: string): string | undefined {
  const mixed = isWorkerHalf(file) && isHalf(target, 'supervisor')
  return mixed ? 'a worker half doesn’t import a supervisor half' : undefined
}

function isWorkerHalf(file: string) {
  return isHalf(file, 'worker')
}

/** A half is a file `worker*.ts` anywhere in listen/, or all of a share mode's folder `worker/`. */
function isHalf(file: string, half: 'worker' | 'supervisor') {
  const [folder, ...rest] = file.split('/')
  return folder === 'listen' && (rest[1] === half || (rest.at(-1)?.startsWith(half) ?? false))
}

function folderOf(file: string) {
  const [folder, ...rest] = file.split('/')
  return rest.length > 0 ? folder : undefined
}

function rowOf(folder: string) {
  return rows.findIndex((row) => row.includes(folder))
}
