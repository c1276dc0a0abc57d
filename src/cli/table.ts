/** Tables: columns by what is seen of their cells, each cell cut to its column's longest, no lines drawn. */
import { cut } from './terminal-text.ts'

export type Column = {
  readonly title: string
  /** The most characters that are shown of a cell. */
  readonly most: number
}

/** The lines of a table. The last column is not padded. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  return draw([columns.map(({ title }) => title), ...fitted(columns, rows)])
}

function fitted(columns: readonly Column[], rows: readonly (readonly string[])[]): string[][] {
  return rows.map((row) => columns.map(({ most }, i) => cut(row[i] ?? '', most)))
}

/** One row under columns of fixed width, for tables that grow while they are read. */
export function fixedRow(columns: readonly Column[], row: readonly string[]): string {
  return columns
    .map(({ most }, i) => cut(row[i] ?? '', most).padEnd(most))
    .join('  ')
    .trimEnd()
}

function draw(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [i, cell] of row.entries())
      widths[i] = Math.max(widths[i] ?? 0, Array.from(cell).length)
  }
  return rows.map((row) =>
    row
      .map((cell, i) => cell + ' '.repeat((widths[i] ?? 0) - Array.from(cell).length))
      .join('  ')
      .trimEnd(),
  )
}
