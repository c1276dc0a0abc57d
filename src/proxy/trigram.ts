/**
 * Which three characters may stand next to one another in a needle. Most of what looks like the beginning of a run is
 * told from one by its next two characters.
 */
import { fold, type Needle } from './needle.ts'
import { codeOf, escapeAt, lengthOf, NONE, PARTIAL, SKIP } from './spelling.ts'

export type Trigrams = {
  /** Whether the character occurs in a needle at all. */
  knows(code: number): boolean
  /**
   * Whether `code`, and then the two characters at `at` in whatever spelling, may stand in a needle. Where the data end
   * too soon to tell: yes, unless they are `final`.
   */
  allow(code: number, data: Uint8Array, at: number, final: boolean): boolean
  /** The same, and which three: NOWHERE, ANYWHERE where it cannot be told, or their number. */
  which(code: number, data: Uint8Array, at: number, final: boolean): number
  /** The number of three characters of a needle, beginning at `at`; undefined where it has ended. */
  numberOf(bytes: Uint8Array, at: number): number | undefined
}

export const NOWHERE = -1
export const ANYWHERE = -2

/** What an escape or a blank may begin with. */
const special = Uint8Array.from({ length: 256 }, (_, code) =>
  '%\\&=\r\n\t \0'.includes(String.fromCharCode(code)) ? 1 : 0,
)

export function createTrigrams(needles: readonly Needle[]): Trigrams {
  // Class 0 is of all characters that occur nowhere. Beyond 63, classes are shared: that allows more, never less.
  const classes = new Uint8Array(256)
  let next = 0
  const table = new Uint8Array(64 * 64 * 64)
  for (const { bytes } of needles) {
    let a = 0
    let b = 0
    for (const byte of bytes) {
      const code = fold[byte] ?? 0
      if (classes[code] === 0) classes[code] = 1 + (next++ % 63)
      const c = classes[code] ?? 0
      table[(a * 64 + b) * 64 + c] = 1
      a = b
      b = c
    }
  }
  const classOf = (code: number): number => classes[fold[code] ?? 0] ?? 0

  // Of two characters there is no trigram.
  const short = needles.some(({ threshold }) => threshold < 3)

  const unlessLast = (final: boolean): number => (final ? NOWHERE : ANYWHERE)
  function numbered(a: number, b: number, c: number): number {
    const number = (a * 64 + b) * 64 + c
    return table[number] === 1 ? number : NOWHERE
  }

  function which(code: number, data: Uint8Array, at: number, final: boolean): number {
    if (short) return ANYWHERE
    const b = data[at]
    const c = data[at + 1]
    if (b !== undefined && c !== undefined && special[b] === 0 && special[c] === 0)
      return numbered(classOf(code), classOf(b), classOf(c))
    return whichSpelled(code, data, at, final)
  }

  function whichSpelled(code: number, data: Uint8Array, at: number, final: boolean): number {
    const trigram = [classOf(code)]
    let skipped = false
    while (trigram.length < 3) {
      const byte = data[at]
      if (byte === undefined) return unlessLast(final)
      const escape = special[byte] === 1 ? escapeAt(data, at) : NONE
      if (escape === PARTIAL) return unlessLast(final)
      // Two readings, of which this follows only one: let the slow half see to it.
      if (escape !== NONE && classOf(byte) !== 0) return ANYWHERE
      if (escape !== NONE && codeOf(escape) === SKIP) {
        if (skipped) return NOWHERE
        skipped = true
      } else {
        trigram.push(classOf(escape === NONE ? byte : codeOf(escape)))
        skipped = false
      }
      at += escape === NONE ? 1 : lengthOf(escape)
    }
    const [a = 0, b = 0, c = 0] = trigram
    return numbered(a, b, c)
  }

  return {
    knows: (code) => classOf(code) !== 0,
    allow: (code, data, at, final) => which(code, data, at, final) !== NOWHERE,
    which,
    numberOf(bytes, at) {
      const [a, b, c] = bytes.subarray(at, at + 3)
      if (a === undefined || b === undefined || c === undefined) return undefined
      return (classOf(a) * 64 + classOf(b)) * 64 + classOf(c)
    },
  }
}
