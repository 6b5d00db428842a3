// Sentences as lines of a terminal: a heading for each day, the time before each, what is long wrapped under its own begin.
import type { HistoryEvent } from '../daemon/event.ts'
import { narrator, type Sentence } from './event-sentences.ts'
import type { Terminal } from './terminal.ts'

const indent = ' '.repeat('03:12:07  '.length)
/** However narrow the terminal is, some words fit beside the time. */
const leastWidth = 24

const styles = { good: 'green', plain: undefined, warning: 'yellow', bad: 'red' } as const

/** The lines of one event after the other, local time. */
export function eventLines({
  width,
  style,
}: Pick<Terminal, 'width' | 'style'>): (event: HistoryEvent) => string[] {
  const tell = narrator()
  let day = ''
  return (event) => {
    const date = new Date(event.at)
    // The day as --since takes it.
    const heading = `${date.toLocaleDateString('en', { weekday: 'long' })} ${date.toLocaleDateString('sv-SE')}`
    const time = date.toLocaleTimeString('sv-SE') // 24 hours, two digits each
    const sentence = tell(event)
    const [first = '', ...rest] = wrap(sentence.text, Math.max(leastWidth, width - indent.length))
    const lines = [
      `${time}  ${coloured(first, sentence)}`,
      ...rest.map((line) => indent + coloured(line, sentence)),
    ]
    for (const line of sentence.detail) lines.push(`${indent}| ${plain(line)}`)
    if (heading === day) return lines
    const headed = [...(day === '' ? [] : ['']), style('bold', heading), ...lines]
    day = heading
    return headed
  }

  function coloured(text: string, { severity }: Sentence): string {
    const name = styles[severity]
    return name === undefined ? text : style(name, text)
  }
}

/** Between words; a word that is too long for a line gets one of its own. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of plain(text).split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

/** A program's last words may hold anything, also what would move the cursor; the indent of a stack stays. */
function plain(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ')
}
