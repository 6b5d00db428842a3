// Measures how long the command that lists the workers takes, beside a Node that does nothing.
import { broodEnvironment } from '../contestants/brood.ts'
import type { Running } from '../contestants/launch.ts'
import { pm2Environment } from '../contestants/pm2.ts'
import { runCommand } from '../system/command.ts'
import { broodCommand, pm2Command } from '../system/paths.ts'

export interface ListRepetition {
  command: string
  milliseconds: number
}

interface ListCommand {
  command: string
  words: readonly string[]
  environment: NodeJS.ProcessEnv
}

/** Interleaved, so that all commands meet the same disturbances; one unmeasured pass fills the disk cache. */
export async function measureListTime(
  contestants: readonly Running[],
  repetitions: number,
  signal: AbortSignal,
): Promise<ListRepetition[]> {
  const commands = [nodeAlone, ...contestants.flatMap(listCommand)]
  const results: ListRepetition[] = []
  for (let repetition = 0; repetition <= repetitions; repetition++) {
    for (const { command, words, environment } of commands) {
      const options = { environment, timeout: 30_000, signal }
      const { milliseconds } = await runCommand(process.execPath, words, options)
      if (repetition > 0) results.push({ command, milliseconds })
    }
  }
  return results
}

const nodeAlone: ListCommand = { command: 'node -e 0', words: ['-e', '0'], environment: process.env }

function listCommand(running: Running): ListCommand[] {
  switch (running.contestant.key) {
    case 'pm2':
      return [{ command: 'pm2 ls', words: [pm2Command, 'ls'], environment: pm2Environment(running) }]
    case 'brood':
      return [
        { command: 'brood list', words: [broodCommand, 'list'], environment: broodEnvironment(running) },
      ]
    default:
      return []
  }
}
