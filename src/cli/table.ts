/** A table for a terminal: each column as wide as its widest cell. */
import { plain } from './plain.ts'

/** How wide the table is, in characters. */
export function tableWidth(head: readonly string[], rows: readonly (readonly string[])[]): number {
  return renderTable(head, rows)
    .split('\n')
    .reduce((widest, line) => Math.max(widest, line.length), 0)
}

/** `paint` may colour a cell; it gets the cell padded to the width of its column. */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  paint = (cell: string) => cell,
): string {
  const lines = rows.map((row) => row.map(plain))
  const widths = head.map((title, column) =>
    Math.max(title.length, ...lines.map((row) => row[column]?.length ?? 0)),
  )
  const line = (row: readonly string[], painted = paint) =>
    row.map((cell, column) => painted(cell.padEnd(widths[column] ?? 0))).join('  ')
  return [line(head, String), ...lines.map((row) => line(row))]
    .map((text) => `${text.trimEnd()}\n`)
    .join('')
}
