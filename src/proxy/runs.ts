/**
 * The slow half of the scrubber: finds every run of a needle's characters in a stretch of data, however each of them is
 * spelled and wherever in the needle the run begins. It follows all readings at once, position by position.
 */
import { fold, type Needle } from './needle.ts'
import { codeOf, escapeAt, lengthOf, longestEscape, NONE, PARTIAL, SKIP } from './spelling.ts'
import { ANYWHERE, NOWHERE, type Trigrams } from './trigram.ts'

export type Runs = {
  /** Every [start, end) to be redacted, in order and apart, as start, end, start, end … */
  readonly found: number[]
  /** Where the first run begins that the end of the data cuts off; the data's length where none is. */
  readonly open: number
}

/**
 * A run that the end of the data cuts off is held back from this length on. Shorter ones are let go at once, so that
 * a stream is not delayed for every letter that the secret has too: they show at most four characters of it.
 */
const heldLength = 5

/** How far before the end of the data a run of fewer than `heldLength` characters can begin, in bytes. */
export const contextLength = (heldLength - 1) * 2 * longestEscape + longestEscape

export type RunFinder = (data: Uint8Array, from: number, to: number, final: boolean) => Runs

/**
 * By column and cell: the length of the longest run that ends there, where it began, and whether it came there over
 * something skipped; it may not skip twice, or blanks without end would hold it. One for all finders, of which one is at
 * work at a time and leaves no length behind: a key in all its encodings takes ten megabytes of it.
 */
let scratch = scratchOf(0)

function scratchOf(size: number) {
  return {
    lengths: new Uint16Array(size),
    starts: new Int32Array(size),
    skipped: new Uint8Array(size),
  }
}

function scratchFor(size: number): typeof scratch {
  if (scratch.lengths.length < size) scratch = scratchOf(size)
  return scratch
}

/** Positions that an escape or a skip can reach from here, and more. */
const columns = 2 * longestEscape

export function createRunFinder(needles: readonly Needle[], trigrams: Trigrams): RunFinder {
  // All needles in one row of cells, a free one before each: a run that reaches cell j came from cell j - 1.
  const cells = needles.reduce((sum, { bytes }) => sum + bytes.length + 1, 1)
  const codes = new Int16Array(cells).fill(-1)
  const thresholds = new Uint16Array(cells)
  const where: number[][] = Array.from({ length: 256 }, () => [])
  // The cells that begin with three characters: the first by their slot, each next by the one before; 0 after the last.
  // A key in all its encodings has thousands of cells for each character, and few for three of them.
  const slotBits = 32 - Math.clz32(2 * cells)
  const slotOf = (trigram: number): number => Math.imul(trigram, 0x9e3779b1) >>> (32 - slotBits)
  const firstOf = new Int32Array(2 ** slotBits)
  const nextOf = new Int32Array(cells)
  let cell = 0
  for (const { bytes, threshold } of needles) {
    cell++
    for (const [i, byte] of bytes.entries()) {
      const code = fold[byte] ?? 0
      const trigram = trigrams.numberOf(bytes, i)
      if (trigram !== undefined) {
        nextOf[cell] = firstOf[slotOf(trigram)] ?? 0
        firstOf[slotOf(trigram)] = cell
      }
      codes[cell] = code
      thresholds[cell] = threshold
      where[code]?.push(cell++)
    }
  }
  let { lengths, starts, skipped } = scratch
  /** The cells in use, by column. */
  const used: number[][] = Array.from({ length: columns }, () => [])

  function reachCell(position: number, j: number, length: number, start: number, skip: 0 | 1) {
    const column = position % columns
    const index = column * cells + j
    const before = lengths[index] ?? 0
    if (before > length || (before === length && skip === 1)) return
    if (before === 0) used[column]?.push(j)
    lengths[index] = length
    starts[index] = start
    skipped[index] = skip
  }

  function clear(column: number): void {
    const inUse = used[column]
    if (inUse === undefined || inUse.length === 0) return
    for (const j of inUse) lengths[column * cells + j] = 0
    inUse.length = 0
  }

  return (data, from, to, final) => {
    const found: number[] = []
    let open = data.length
    ;({ lengths, starts, skipped } = scratchFor(columns * cells))

    /** The character `code` at [at, end): every run that awaits it goes on, and one begins wherever it occurs. */
    const read = (code: number, at: number, end: number): void => {
      const folded = fold[code] ?? 0
      const column = at % columns
      for (const before of used[column] ?? []) {
        const j = before + 1
        if (codes[j] !== folded) continue
        const length = (lengths[column * cells + before] ?? 0) + 1
        const start = starts[column * cells + before] ?? at
        reachCell(end, j, length, start, 0)
        if (length >= (thresholds[j] ?? 0)) mark(found, start, end)
      }
      const trigram = trigrams.which(code, data, end, final)
      if (trigram === NOWHERE) return
      if (trigram === ANYWHERE) {
        for (const j of where[folded] ?? []) {
          reachCell(end, j, 1, at, 0)
          if (thresholds[j] === 1) mark(found, at, end)
        }
        return
      }
      for (let j = firstOf[slotOf(trigram)] ?? 0; j !== 0; j = nextOf[j] ?? 0) {
        if (codes[j] === folded) reachCell(end, j, 1, at, 0)
      }
    }
    const keepOpen = (position: number): void => {
      const column = position % columns
      for (const j of used[column] ?? []) {
        const index = column * cells + j
        if ((lengths[index] ?? 0) >= heldLength) open = Math.min(open, starts[index] ?? 0)
      }
    }
    const skip = (at: number, end: number): void => {
      const column = at % columns
      for (const j of used[column] ?? []) {
        const index = column * cells + j
        if (skipped[index] === 0) reachCell(end, j, lengths[index] ?? 0, starts[index] ?? at, 1)
      }
    }

    for (let at = from; at < to; at++) {
      const escape = escapeAt(data, at)
      if (escape === PARTIAL) keepOpen(at)
      else if (escape !== NONE) {
        const end = at + lengthOf(escape)
        if (codeOf(escape) === SKIP) skip(at, end)
        else read(codeOf(escape), at, end)
      }
      read(data[at] ?? 0, at, at + 1)
      clear(at % columns)
    }
    if (to === data.length) keepOpen(to)
    for (let column = 0; column < columns; column++) clear(column)
    return { found: merge(found), open }
  }
}

/** Notes [start, end), which mostly is or overlaps the last one noted, grown by a character. */
function mark(found: number[], start: number, end: number): void {
  const last = found.length - 2
  if (last >= 0 && start <= (found[last + 1] ?? 0) && end >= (found[last] ?? 0)) {
    found[last] = Math.min(found[last] ?? 0, start)
    found[last + 1] = Math.max(found[last + 1] ?? 0, end)
  } else found.push(start, end)
}

/** Puts in order what was noted in the order of its ends, and joins what overlaps or touches. */
function merge(found: readonly number[]): number[] {
  if (found.length <= 2) return [...found]
  const ranges: [number, number][] = []
  for (let i = 0; i < found.length; i += 2) ranges.push([found[i] ?? 0, found[i + 1] ?? 0])
  ranges.sort(([a], [b]) => a - b)
  const merged: number[] = []
  for (const [start, end] of ranges) {
    if (merged.length > 0 && start <= (merged.at(-1) ?? 0)) {
      merged[merged.length - 1] = Math.max(merged.at(-1) ?? 0, end)
    } else merged.push(start, end)
  }
  return merged
}
