/**
 * The fast half of the scrubber: says which stretches of the data are worth reading closely. It may name too many and
 * must never miss one, which a property test holds it to.
 *
 * Whatever is to be redacted is a run of `threshold` characters. If its first ten (all but two, of a shorter secret)
 * are literal, five of them lie at a multiple of the stride, and a Bloom filter knows them. If not, an escape or a line
 * break is among those ten: it begins with one of a few bytes, and two more characters of the run follow it.
 */
import { type Needle } from './needle.ts'
import { codeOf, escapeAt, lengthOf, NONE, PARTIAL, SKIP } from './spelling.ts'
import type { Trigrams } from './trigram.ts'

export type Sieve = {
  /**
   * The stretches to read closely, as start, end, start, end …, in order and apart. `final` says that no data follow;
   * otherwise an escape that is cut off, or a beginning at the very end, counts too.
   */
  suspects(data: Uint8Array, final: boolean): number[]
}

export const gramLength = 5

/**
 * Within a run, no two suspicious points are further apart than this, nor is the first from its beginning or the last
 * from its end: a stretch of all that lies this close to one holds the whole run.
 */
const reach = 64

/** The first bytes of escapes and line breaks. Blanks are not: text is full of them; the filter knows them (see `spaced`). */
const marks = Uint8Array.from({ length: 256 }, (_, code) =>
  '%\\&=\r\n'.includes(String.fromCharCode(code)) ? 1 : 0,
)

export function createSieve(needles: readonly Needle[], trigrams: Trigrams): Sieve {
  const shortest = Math.min(...needles.map((needle) => needle.threshold))
  const stride = shortest - 2 - gramLength + 1
  // So short a secret cannot be told from anything: read all of it closely.
  if (stride < 1) return { suspects: (data) => (data.length === 0 ? [] : [0, data.length]) }
  const grams = createGramFilter(needles)

  /** Whether the mark at `at` can stand in a run: an escape of a character of it, or a break between two of them. */
  function isRelevant(data: Uint8Array, at: number, final: boolean): boolean {
    const escape = escapeAt(data, at)
    if (escape === NONE) return false
    if (escape === PARTIAL) return !final
    const next = at + lengthOf(escape)
    const code = codeOf(escape)
    if (code !== SKIP) return trigrams.knows(code) && trigrams.allow(code, data, next, final)
    const before = data[at - 1]
    return (
      before !== undefined && trigrams.knows(before) && trigrams.allow(before, data, next, final)
    )
  }

  return {
    suspects(data, final) {
      const stretches: number[] = []
      const note = (at: number) => {
        const start = Math.max(0, at - reach)
        const end = Math.min(data.length, at + reach)
        if (stretches.length > 0 && start <= (stretches.at(-1) ?? 0)) {
          stretches[stretches.length - 1] = end
        } else stretches.push(start, end)
      }
      const length = data.length
      const lastGram = length - gramLength
      for (let at = 0; at < length; at += stride) {
        if (at <= lastGram && grams.has(data, at)) note(at)
        const end = Math.min(at + stride, length)
        let marked = 0
        for (let i = at; i < end; i++) marked |= marks[data[i] as number] as number
        if (marked === 0) continue
        for (let i = at; i < end; i++) {
          if (marks[data[i] as number] === 1 && isRelevant(data, i, final)) note(i)
        }
      }
      if (!final && lastGram >= 0 && grams.has(data, lastGram)) note(lastGram)
      return stretches
    },
  }
}

type GramFilter = { has(data: Uint8Array, at: number): boolean }

/** A Bloom filter of all that five bytes within a needle can be. Case is folded roughly, since a word at a time. */
function createGramFilter(needles: readonly Needle[]): GramFilter {
  const total = needles.reduce((sum, { bytes }) => sum + bytes.length, 0)
  const bits = Math.max(16, 32 - Math.clz32(total * 128))
  const shift = 32 - bits
  const filter = new Uint8Array(2 ** (bits - 3))

  // Reads five bytes; `at` is never within the last four, so that none is missing.
  const first = (data: Uint8Array, at: number): number => {
    const low =
      (data[at] as number) |
      ((data[at + 1] as number) << 8) |
      ((data[at + 2] as number) << 16) |
      ((data[at + 3] as number) << 24)
    const high = (data[at + 4] as number) | 0x20
    return Math.imul((low | 0x20202020) ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1)
  }
  const second = (hash: number): number => Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35) >>> shift
  const bit = (index: number): number => ((filter[index >>> 3] as number) >>> (index & 7)) & 1
  const set = (index: number): void => {
    filter[index >>> 3] = (filter[index >>> 3] ?? 0) | (1 << (index & 7))
  }
  const insert = (text: Uint8Array): void => {
    for (let at = 0; at + gramLength <= text.length; at++) {
      const hash = first(text, at)
      set(hash >>> shift)
      set(second(hash))
    }
  }

  for (const { bytes, plain } of needles) {
    insert(bytes)
    if (plain) insert(spaced(bytes))
    const url = bytes.map((code) => (code === 0x2b ? 0x2d : code === 0x2f ? 0x5f : code))
    if (!url.every((code, i) => code === bytes[i])) insert(url)
  }

  return {
    has(data, at) {
      const hash = first(data, at)
      return bit(hash >>> shift) === 1 && bit(second(hash)) === 1
    },
  }
}

/** UTF-16, and letters set apart by blanks: with the filter's folding, a zero byte is a blank. */
function spaced(plain: Uint8Array): Uint8Array {
  const wide = new Uint8Array(plain.length * 2 + 1)
  plain.forEach((code, i) => {
    wide[2 * i + 1] = code
  })
  return wide
}
