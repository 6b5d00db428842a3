// Text in columns: fits the terminal's width, aligns numbers right, cuts what is too long with an ellipsis.
import { stripVTControlCharacters } from 'node:util'

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** Gives way first when the terminal is narrow, down to this width. */
  readonly shrinkTo?: number
}

const gap = '  '

export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): string {
  const widths = columns.map((column, index) =>
    Math.max(column.title.length, ...rows.map((row) => visibleLength(row[index] ?? ''))),
  )
  let excess = widths.reduce((sum, one) => sum + one, 0) + gap.length * (columns.length - 1) - width
  for (const [index, column] of columns.entries()) {
    if (excess <= 0 || column.shrinkTo === undefined) continue
    const spare = Math.max(0, (widths[index] ?? 0) - column.shrinkTo)
    const cut = Math.min(spare, excess)
    widths[index] = (widths[index] ?? 0) - cut
    excess -= cut
  }
  const line = (cells: readonly string[]): string =>
    columns
      .map((column, index) => fit(cells[index] ?? '', widths[index] ?? 0, column.align ?? 'left'))
      .join(gap)
      .trimEnd()
  return [line(columns.map((column) => column.title)), ...rows.map(line)].join('\n')
}

function fit(cell: string, width: number, align: 'left' | 'right'): string {
  const length = visibleLength(cell)
  if (length > width) return `${stripVTControlCharacters(cell).slice(0, Math.max(0, width - 1))}…`
  const padding = ' '.repeat(width - length)
  return align === 'left' ? cell + padding : padding + cell
}

function visibleLength(text: string): number {
  return stripVTControlCharacters(text).length
}
