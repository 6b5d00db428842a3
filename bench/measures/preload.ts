// Measures by how much brood's preload delays a program's first line.
import { type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { type Birth, birthVariable } from '../../src/wire/birth.ts'
import { preloadFile, startupProgram } from '../system/paths.ts'

/** Without the preload; with it but outside brood, where it must do nothing; as a worker that brood starts. */
const startKinds = ['without', 'outside', 'worker'] as const
export type StartKind = (typeof startKinds)[number]

export interface StartRepetition {
  repetition: number
  kind: StartKind
  milliseconds: number
}

interface Start {
  words: readonly string[]
  environment: NodeJS.ProcessEnv
  stdio: StdioOptions
}

/** Interleaved, each kind in turn; the first turn only fills the disk cache. */
export async function measurePreload(repetitions: number, signal: AbortSignal): Promise<StartRepetition[]> {
  if (!existsSync(preloadFile)) throw new Error(`${preloadFile} is missing: run \`npm run build\` first`)
  const results: StartRepetition[] = []
  for (let repetition = 0; repetition <= repetitions; repetition++) {
    for (const kind of startKinds) {
      const milliseconds = await timeToFirstLine(starts[kind], signal)
      if (repetition > 0) results.push({ repetition, kind, milliseconds })
    }
  }
  return results
}

/** Only the control descriptor is needed: sockets come into play when a program listens, and this one does not. */
const controlDescriptor = 4
const birth: Birth = {
  app: 'bench',
  slot: 0,
  worker: 1,
  release: 1,
  control: controlDescriptor,
  sockets: {},
  held: [],
}

/** The last one is what src/supervisor/worker-process.ts does: keep them alike. */
const starts: Record<StartKind, Start> = {
  without: { words: [], environment: process.env, stdio: ['ignore', 'pipe', 'inherit'] },
  outside: {
    words: ['--require', preloadFile],
    environment: process.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  },
  worker: {
    words: ['--require', preloadFile],
    environment: { ...process.env, [birthVariable]: JSON.stringify(birth) },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc', 'pipe'],
  },
}

async function timeToFirstLine({ words, environment, stdio }: Start, signal: AbortSignal): Promise<number> {
  let milliseconds: number | undefined
  const started = performance.now()
  const child = spawn(process.execPath, [...words, startupProgram], {
    env: environment,
    stdio,
    signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
    killSignal: 'SIGKILL',
  })
  child.stdout?.once('data', () => {
    milliseconds = performance.now() - started
  })
  await once(child, 'close')
  if (milliseconds === undefined) throw new Error(`${startupProgram} ended without a line`)
  return milliseconds
}
