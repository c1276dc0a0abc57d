/**
 * How a character may be spelled in a body or a header: as itself, or by one of the escapes that servers put between
 * a value and its reader (percent, JSON, HTML, quoted-printable). The scrubber reads each position both ways, so that a
 * mixture of spellings hides nothing.
 */

/** No escape begins here. */
export const NONE = 0
/** The data ends inside what may be an escape. */
export const PARTIAL = -1
/** The code of what stands between two characters and means nothing: line breaks, indentation, the zeros of UTF-16. */
export const SKIP = 256

/** The longest escape, and the longest run that is skipped as one, in bytes. */
export const longestEscape = 16

/** An escape's length in bytes and the byte it stands for (or SKIP), in one number. */
function spelled(length: number, code: number): number {
  return code > SKIP ? NONE : length * 512 + code
}

export function lengthOf(escape: number): number {
  return escape >>> 9
}

export function codeOf(escape: number): number {
  return escape & 511
}

const names: readonly (readonly [name: Buffer, code: number])[] = [
  [Buffer.from('amp;'), 0x26],
  [Buffer.from('lt;'), 0x3c],
  [Buffer.from('gt;'), 0x3e],
  [Buffer.from('quot;'), 0x22],
  [Buffer.from('apos;'), 0x27],
]

/** Reads the escape that begins at `at`: NONE, PARTIAL, or one for `lengthOf` and `codeOf`. */
export function escapeAt(data: Uint8Array, at: number): number {
  switch (data[at] ?? -1) {
    case 0x25: // %41
      return hexEscape(data, at, 1, 2)
    case 0x3d: // =41, and the soft line break of quoted-printable
      if (isBlank(data[at + 1])) return spelled(1 + blankRun(data, at + 1), SKIP)
      return hexEscape(data, at, 1, 2)
    case 0x5c: // \
      return backslash(data, at)
    case 0x26: // &
      return entity(data, at)
    case 0x00:
    case 0x09:
    case 0x0a:
    case 0x0d:
    case 0x20:
      return spelled(blankRun(data, at), SKIP)
    default:
      return NONE
  }
}

function hexEscape(data: Uint8Array, at: number, prefix: number, digits: number): number {
  let code = 0
  for (let i = at + prefix; i < at + prefix + digits; i++) {
    if (i >= data.length) return PARTIAL
    const digit = hexDigit(data[i] ?? 0)
    if (digit === -1) return NONE
    code = code * 16 + digit
  }
  return spelled(prefix + digits, code)
}

export function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

function isBlank(code: number | undefined): boolean {
  return code === 0x0a || code === 0x0d || code === 0x20 || code === 0x09 || code === 0x00
}

function blankRun(data: Uint8Array, at: number): number {
  let end = at
  while (end < at + longestEscape - 1 && isBlank(data[end])) end++
  return end - at
}

/** `\u0041`, `\x41`, `\/`, `\n`; any number of backslashes up to eight, since JSON is put into JSON strings. */
function backslash(data: Uint8Array, at: number): number {
  let slashes = 1
  while (slashes < 8 && data[at + slashes] === 0x5c) slashes++
  const next = data[at + slashes]
  switch (next) {
    case undefined:
      return PARTIAL
    case 0x75: // u
      return hexEscape(data, at, slashes + 1, 4)
    case 0x78: // x
      return hexEscape(data, at, slashes + 1, 2)
    case 0x6e: // n
    case 0x72: // r
      return spelled(slashes + 1, SKIP)
    default:
      return isPunctuation(next) ? spelled(slashes + 1, next) : NONE
  }
}

function isPunctuation(code: number): boolean {
  const letterOrDigit = hexDigit(code) !== -1 || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a)
  return code > 0x20 && code < 0x7f && !letterOrDigit
}

/** `&#65;`, `&#x41;`, `&amp;`; with or without the semicolon after a number, as browsers read it. */
function entity(data: Uint8Array, at: number): number {
  if (at + 1 >= data.length) return PARTIAL
  if (data[at + 1] !== 0x23) {
    for (const [name, code] of names) {
      let matched = 0
      while (matched < name.length && data[at + 1 + matched] === name[matched]) matched++
      if (matched === name.length) return spelled(1 + matched, code)
      if (at + 1 + matched >= data.length) return PARTIAL
    }
    return NONE
  }
  const hex = ((data[at + 2] ?? 0) | 0x20) === 0x78
  const first = at + (hex ? 3 : 2)
  let end = first
  let code = 0
  for (; end < first + 8; end++) {
    const digit = hexDigit(data[end] ?? 0)
    if (digit === -1 || (!hex && digit > 9)) break
    code = code * (hex ? 16 : 10) + digit
  }
  if (end >= data.length) return PARTIAL
  if (end === first) return NONE
  return spelled(end - at + (data[end] === 0x3b ? 1 : 0), code)
}
