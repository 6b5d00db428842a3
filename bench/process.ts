// Answers: what does a typed child cost beside child_process, until its first message and for each request?
import { parseArgs } from 'node:util'
import { measureFirstMessage, type StartTime } from './measures/first-message.ts'
import { measureRoundTrips, type RoundTrips } from './measures/round-trips.ts'
import { printProcess } from './report/process-report.ts'
import { processTargets } from './report/process-targets.ts'
import { progress } from './report/progress.ts'
import { saveResults } from './report/save.ts'
import { judge } from './report/targets.ts'
import type { Suite } from './suite.ts'
import { describeMachine } from './system/machine.ts'

/** Raw figures of one run. */
export interface ProcessFigures {
  starts: StartTime[]
  roundTrips: RoundTrips[]
}

export const processes: Suite = {
  question: 'what does a typed child cost beside child_process?',
  async run(words, signal) {
    const options = readOptions(words)
    const machine = describeMachine()
    const figures: ProcessFigures = {
      starts: await measureFirstMessage(options.starts, signal, progress),
      roundTrips: await measureRoundTrips(options.rounds, options.requests, signal, progress),
    }
    progress('')
    const targets = processTargets(figures).map(judge)
    printProcess(figures, targets, machine)
    const results = {
      question: processes.question,
      date: new Date().toISOString(),
      machine,
      settings: options,
    }
    const file = saveResults('process', options.complete, { ...results, targets, figures })
    console.log(`\nraw figures: ${file}`)
  },
}

const complete = { starts: 60, rounds: 20, requests: 3000 }

function readOptions(words: readonly string[]): typeof complete & { complete: boolean } {
  const { values } = parseArgs({
    args: [...words],
    options: { starts: { type: 'string' }, rounds: { type: 'string' }, requests: { type: 'string' } },
  })
  const read = (name: keyof typeof complete): number => {
    const value = Number(values[name] ?? complete[name])
    if (!Number.isInteger(value) || value < 1)
      throw new Error(`--${name} ${values[name]}: give a whole number from 1 up`)
    return value
  }
  const chosen = { starts: read('starts'), rounds: read('rounds'), requests: read('requests') }
  return { ...chosen, complete: Object.keys(values).length === 0 }
}
