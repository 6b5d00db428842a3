// Prints rows of text as a table: first column to the left, figures to the right, never wider than 80 columns.

const widest = 80
const gap = '  '

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(...[title, ...rows.map((row) => row[column] ?? '')].map((cell) => cell.length)),
  )
  const line = (cells: readonly string[]) =>
    widths
      .map((width, column) => {
        const cell = cells[column] ?? ''
        return column === 0 ? cell.padEnd(width) : cell.padStart(width)
      })
      .join(gap)
      .trimEnd()
  const lines = [line(head), widths.map((width) => '─'.repeat(width)).join(gap), ...rows.map(line)]
  const tooWide = lines.find((text) => text.length > widest)
  if (tooWide !== undefined) throw new Error(`a table is wider than ${widest} columns:\n${tooWide}`)
  return lines.join('\n')
}

/** 12345 as 12,345. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}
