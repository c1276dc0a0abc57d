/**
 * JSON that means the same to everyone who reads it. A body with duplicate keys, or with a number that does not survive
 * parsing, means one thing to us and another to the provider: such a body is refused, never repaired.
 *
 * What `parseJson` accepts is RFC 8259 in UTF-8 without a byte order mark, and `JSON.stringify` of the value says what
 * the bytes said. Refused besides: nesting past a limit; escapes that make a lone surrogate (parsers replace them, each
 * in its own way); the key `__proto__`, and `constructor` with a `prototype` inside, because a later copy of the object
 * could set a prototype with them; and, in the outermost object (or each object of an outermost array), keys that
 * differ only in case, because some providers match their fields without regard to case. Further in, `PATH` and `path`
 * are data: environment variables, labels.
 *
 * A key that holds a backslash is refused for another reason: V8 reads `"qu\u0065ry"` as the key `qu\u0` where some earlier
 * text, anybody's, had that one in the same place (nodejs/node#63785). What it reads wrongly always holds a backslash.
 *
 * It is written against an agent that chooses every byte: one pass over the text, no recursion, linear in its length.
 */
import { isUtf8 } from 'node:buffer'
import type { JsonValue } from './operation.ts'

/** How many arrays and objects may stand inside one another; a scalar has depth 0. */
export type JsonLimits = { readonly maxDepth: number }
export type ParsedJson =
  { readonly ok: true; readonly value: JsonValue } | { readonly ok: false; readonly detail: string }

const defaultLimits: JsonLimits = { maxDepth: 64 }

/** Reads a whole body. `detail` is a sentence for the agent, and quotes nothing of the input. */
export function parseJson(bytes: Uint8Array, limits: JsonLimits = defaultLimits): ParsedJson {
  if (bytes.length === 0) return refuse('the body is empty')
  if (!isUtf8(bytes)) return refuse('the body is not valid UTF-8')
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  if (text.charCodeAt(0) === 0xfeff) return refuse('the body begins with a byte order mark')
  const keys = scan(text, limits.maxDepth)
  if (typeof keys === 'string') return refuse(keys)
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch {
    return refuse('the body is not JSON')
  }
  const flaw = inspect(value, keys)
  return flaw === undefined ? { ok: true, value } : refuse(flaw)
}

function refuse(detail: string): ParsedJson {
  return { ok: false, detail }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * Counts the keys of the text, or says what is wrong with it. It may assume that the text is JSON, since `JSON.parse`
 * refuses it afterwards where it is not: then every colon outside a string ends a key.
 */
function scan(text: string, maxDepth: number): number | string {
  let keys = 0
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (inString) {
      if (code === QUOTE) inString = false
      else if (code === BACKSLASH) {
        i++
        if (text.charCodeAt(i) !== 0x75 /* u */) continue
        const unit = hex4(text, i + 1)
        i += 4
        if (unit < 0xd800 || unit > 0xdfff) continue
        const low = text.startsWith('\\u', i + 1) ? hex4(text, i + 3) : 0
        if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff) return 'a string holds a lone surrogate'
        i += 6
      }
      continue
    }
    switch (code) {
      case QUOTE:
        inString = true
        break
      case 0x3a: // :
        keys++
        break
      case 0x5b: // [
      case 0x7b: // {
        if (++depth > maxDepth) return `it is nested more than ${maxDepth} deep`
        break
      case 0x5d: // ]
      case 0x7d: // }
        depth--
        break
      default:
        if (code === 0x2d /* - */ || isDigit(code)) {
          const end = endOfNumber(text, i)
          if (!survives(text, i, end))
            return 'a number does not survive parsing; send it as a string'
          i = end - 1
        }
    }
  }
  return keys
}

/** The value of four hex digits; -1 where they are none, which `JSON.parse` refuses. */
function hex4(text: string, at: number): number {
  const unit = Number.parseInt(text.slice(at, at + 4), 16)
  return Number.isNaN(unit) ? -1 : unit
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

function endOfNumber(text: string, start: number): number {
  let end = start + 1
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end)
    const inNumber =
      isDigit(code) ||
      code === 0x2e /* . */ ||
      (code | 0x20) === 0x65 /* e E */ ||
      code === 0x2b /* + */ ||
      code === 0x2d /* - */
    if (!inNumber) break
  }
  return end
}

/**
 * Whether the number that we would send is, as a decimal, the one that was sent. `-0` is not: it goes out as `0`.
 * Up to 15 digits always survive (IEEE 754 double).
 */
function survives(text: string, start: number, end: number): boolean {
  if (end - start <= 15) {
    let plain = true
    for (let i = start; i < end; i++) {
      if (!isDigit(text.charCodeAt(i))) plain = false
    }
    if (plain) return true
  }
  const token = text.slice(start, end)
  const value = Number(token)
  if (!Number.isFinite(value) || Object.is(value, -0)) return false
  const printed = String(value)
  return printed === token || normalized(printed) === normalized(token)
}

/**
 * One spelling for each decimal: `digits`e`exponent` without zeros at either end. Loops, since a pattern for trailing
 * zeros is quadratic on a long number.
 */
function normalized(number: string): string {
  const e = number.search(/[eE]/)
  const mantissa = e === -1 ? number : number.slice(0, e)
  const negative = mantissa.startsWith('-')
  const point = mantissa.indexOf('.')
  const fraction = point === -1 ? '' : mantissa.slice(point + 1)
  const digits = mantissa.slice(negative ? 1 : 0, point === -1 ? undefined : point) + fraction
  let first = 0
  while (first < digits.length && digits.charCodeAt(first) === 0x30) first++
  if (first === digits.length) return '0'
  let last = digits.length
  while (digits.charCodeAt(last - 1) === 0x30) last--
  const exponent =
    (e === -1 ? 0 : Number(number.slice(e + 1))) - fraction.length + digits.length - last
  return `${negative ? '-' : ''}${digits.slice(first, last)}e${exponent}`
}

/**
 * What is wrong with the value: `keys` counts those of the text, so where the objects hold fewer, one came twice
 * (spelled alike or with escapes: the parser has decoded them).
 */
function inspect(value: JsonValue, keys: number): string | undefined {
  let found = 0
  let outermost = true
  const open: JsonValue[] = [value]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === null || typeof next !== 'object') continue
    if (Array.isArray(next)) {
      for (const item of next) if (typeof item === 'object' && item !== null) open.push(item)
      if (outermost && next.some(hasCaseTwins)) return caseTwins
    } else {
      if (outermost && hasCaseTwins(next)) return caseTwins
      for (const key of Object.keys(next)) {
        found++
        const inner = next[key]
        if (key === '__proto__') return 'the key "__proto__" is not accepted'
        if (key.includes('\\')) return 'a key that holds a backslash is not accepted'
        if (typeof inner !== 'object' || inner === null) continue
        if (key === 'constructor' && Object.hasOwn(inner, 'prototype')) {
          return 'the keys "constructor" and "prototype" are not accepted together'
        }
        open.push(inner)
      }
    }
    outermost = false
  }
  return found === keys ? undefined : 'an object has the same key twice'
}

const caseTwins = 'an object has keys that differ only in case'

function hasCaseTwins(value: JsonValue): boolean {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false
  const keys = Object.keys(value)
  if (keys.length < 2) return false
  // Up and down again, so that U+017F and U+212A fold onto s and k, as Go's encoding/json has it.
  return new Set(keys.map((key) => key.toUpperCase().toLowerCase())).size !== keys.length
}
