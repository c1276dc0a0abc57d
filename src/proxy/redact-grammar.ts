/**
 * The grammar of JSON (RFC 8259) for a reader that sees one byte after another: those parts of it that know nothing of
 * where they stand.
 */

export const QUOTE = 0x22
export const COMMA = 0x2c
export const COLON_SIGN = 0x3a
export const OPEN_LIST = 0x5b
export const BACKSLASH = 0x5c
export const CLOSE_LIST = 0x5d
export const LETTER_N = 0x6e
export const LETTER_U = 0x75
export const OPEN_OBJECT = 0x7b
export const CLOSE_OBJECT = 0x7d

/** How far into a number a reader is. */
export type NumberState =
  | 'minus'
  | 'zero'
  | 'integer'
  | 'point'
  | 'fraction'
  | 'exponent'
  | 'exponent sign'
  | 'exponent digits'

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39

export function beginNumber(byte: number): NumberState | undefined {
  if (byte === 0x2d) return 'minus'
  return isDigit(byte) ? (byte === 0x30 ? 'zero' : 'integer') : undefined
}

/** The state after one more byte; undefined where that is not of the number. */
export function continueNumber(state: NumberState, byte: number): NumberState | undefined {
  const digit = isDigit(byte)
  const exponent = byte === 0x65 || byte === 0x45 ? 'exponent' : undefined
  switch (state) {
    case 'minus':
      return digit ? beginNumber(byte) : undefined
    case 'zero':
      return byte === 0x2e ? 'point' : exponent
    case 'integer':
      return digit ? 'integer' : byte === 0x2e ? 'point' : exponent
    case 'point':
      return digit ? 'fraction' : undefined
    case 'fraction':
      return digit ? 'fraction' : exponent
    case 'exponent':
      if (byte === 0x2b || byte === 0x2d) return 'exponent sign'
      return digit ? 'exponent digits' : undefined
    case 'exponent sign':
    case 'exponent digits':
      return digit ? 'exponent digits' : undefined
  }
}

/** Whether a number may end there. */
export function mayEnd(state: NumberState): boolean {
  return (
    state === 'zero' || state === 'integer' || state === 'fraction' || state === 'exponent digits'
  )
}

const literals: readonly Buffer[] = ['true', 'false', 'null'].map((text) => Buffer.from(text))

export function literalFrom(byte: number): Buffer | undefined {
  return literals.find((literal) => literal[0] === byte)
}

/** By the letter after a backslash: the code unit that it stands for. `u` is followed by four hex digits. */
const escapes: ReadonlyMap<number, number> = new Map(
  Object.entries({
    '"': '"',
    '\\': '\\',
    '/': '/',
    b: '\b',
    f: '\f',
    n: '\n',
    r: '\r',
    t: '\t',
  }).map(([letter, unit]) => [letter.charCodeAt(0), unit.charCodeAt(0)]),
)

export function escaped(letter: number): number | undefined {
  return escapes.get(letter)
}

/** -1 where it is none. */
export function hexDigit(byte: number): number {
  if (isDigit(byte)) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

export function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}
