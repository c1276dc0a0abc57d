/** What became of the files of a group: written by its process as it goes, read by whoever started it. */
import { appendFileSync, readFileSync } from 'node:fs'

/** Times are in milliseconds since 1970. */
type Line =
  | { readonly file: string; readonly began: number }
  | { readonly file: string; readonly ended: number }
  | { readonly hung: number }

export type Fate = {
  /** The file that began and did not end. */
  readonly open: string | undefined
  /** It was ended because it took too long. */
  readonly hung: boolean
  /** The files that were never begun. */
  readonly rest: readonly string[]
}

export function note(journal: string, line: Line): void {
  appendFileSync(journal, `${JSON.stringify(line)}\n`)
}

/** Of a group whose process is no more. */
export function fate(journal: string, files: readonly string[]): Fate {
  const begun: string[] = []
  const ended = new Set<string>()
  let hung = false
  for (const text of readFileSync(journal, 'utf8').split('\n').slice(0, -1)) {
    const line = JSON.parse(text) as Line
    if ('hung' in line) hung = true
    else if ('began' in line) begun.push(line.file)
    else ended.add(line.file)
  }
  return {
    open: begun.find((file) => !ended.has(file)),
    hung,
    rest: files.filter((file) => !begun.includes(file)),
  }
}
