// `brood doctor`: looks at the machine and the home, and says what to mend and how.
import { Command } from 'commander'
import type { Finding } from '../../daemon/doctor/finding.ts'
import { type Terminal, terminal } from '../terminal.ts'

/** Long lines are for scripts; people have 80 columns or more. */
const widest = 100

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check this machine and BROOD_HOME, and say how to mend what is wrong')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const { examine } = await import('../../daemon/doctor/examine.ts')
      const { thisSystem } = await import('../../daemon/doctor/system.ts')
      const findings = await examine(thisSystem)
      const out = terminal({ json: options.json ?? false })
      if (out.json) out.printJson(findings)
      else out.print(report(findings, out))
      if (findings.some(({ level }) => level === 'problem')) process.exitCode = 1
    })
}

const marks = { ok: ['green', '✔'], notice: ['yellow', '•'], problem: ['red', '✖'] } as const

function report(findings: readonly Finding[], terminal: Terminal): string {
  const width = Math.min(terminal.width, widest)
  const column = Math.max(...findings.map(({ check }) => check.length))
  const indent = ' '.repeat(column + 4)
  const lines = findings.flatMap(({ check, level, what, mend }) => {
    const [style, mark] = marks[level]
    const [first = '', ...rest] = wrapped(what, width - indent.length)
    return [
      `${terminal.style(style, mark)} ${check.padEnd(column)}  ${first}`,
      ...rest.map((line) => indent + line),
      // Never cut or wrapped: it is there to be copied.
      ...(mend === undefined ? [] : [`${indent}→ ${terminal.style('bold', mend)}`]),
    ]
  })
  return [...lines, '', summary(findings)].join('\n')
}

function summary(findings: readonly Finding[]): string {
  const count = (level: Finding['level']): number => findings.filter((one) => one.level === level).length
  const [problems, notices] = [count('problem'), count('notice')]
  if (problems === 0 && notices === 0) return 'All is well.'
  const parts = [
    ...(problems === 0 ? ['no problem'] : [`${problems} ${problems === 1 ? 'problem' : 'problems'}`]),
    ...(notices === 0 ? [] : [`${notices} ${notices === 1 ? 'notice' : 'notices'}`]),
  ]
  return `${parts.join(', ')}.`
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
