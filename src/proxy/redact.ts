/**
 * Takes fields out of a JSON answer as it streams: each becomes the string `[redacted]`, and every other byte passes as
 * it came, in its place. Guaranteed: a field at a rule's path never passes, nor any part of it, however its keys are
 * escaped, however often they come, and across any chunk boundary; nothing passes beyond the first byte that is not
 * JSON (RFC 8259), since from there on nobody can say where a field is. `null` and the empty string stay: nothing is in
 * them.
 *
 * It reads bytes that it does not trust: no recursion, memory bound by `deepest` and the longest key of a rule, linear
 * time. Bytes of a string that are not UTF-8 pass as they are: no key of a rule has such.
 */
import { isUtf8 } from 'node:buffer'
import * as json from './redact-grammar.ts'
import { KeyReader } from './redact-key.ts'
import { rootNode, type PathNode, type RedactionRule } from './redact-path.ts'

export const redactedValue = Buffer.from('"[redacted]"')
const emptyString = Buffer.from('""')
const nothing = Buffer.alloc(0)

/** How many arrays and objects may stand inside one another. */
export const deepest = 256

/** What comes next, or what the reader is in the middle of. Up to `AFTER`, blanks may stand between. */
const VALUE = 0
const FIRST_ELEMENT = 1
const FIRST_KEY = 2
const KEY = 3
const COLON = 4
const AFTER = 5
const STRING = 6
/** After the quote that begins a string at a rule's path: it may yet be empty. */
const FOUND_STRING = 7
const ESCAPE = 8
const HEX = 9
const NUMBER = 10
const LITERAL = 11

export class Redactor {
  /** The paths, as text, at which something has been taken out so far. */
  readonly redacted = new Set<string>()
  /** The strings taken out for rules that want them. They are kept: whoever has such rules bounds the answer. */
  readonly taken: string[] = []

  #state = VALUE
  #depth = 0
  readonly #isObject = new Uint8Array(deepest)
  /** Where each open object and list is; undefined where nothing in it matters. */
  readonly #nodes: (PathNode | undefined)[] = []
  /** Where the next value is. */
  #node: PathNode | undefined
  readonly #key = new KeyReader()
  #inKey = false
  #keyMatters = false
  #number: json.NumberState = 'zero'
  #literal: Buffer = emptyString
  /** Within a literal, or among the digits of an escape. */
  #at = 0
  #unit = 0
  /** The depth at which the value stands that is being dropped; -1 where none is. */
  #dropDepth = -1
  /** The pieces of a dropped string that is wanted. */
  #wanted: Buffer[] | undefined
  #broken = false
  /** What the present chunk has given so far, and from where on the rest of it is still to be given. */
  #out: Buffer[] = []
  #from = 0

  constructor(rules: readonly RedactionRule[]) {
    this.#node = rootNode(rules)
  }

  /** What of it may pass on, perhaps nothing; undefined where the chunk is not JSON, or one before it was not. */
  push(chunk: Buffer): Buffer | undefined {
    this.#out = []
    this.#from = 0
    let i = 0
    while (i < chunk.length && !this.#broken) i = this.#step(chunk, i)
    if (this.#broken) return undefined
    if (this.#dropDepth === -1) this.#pass(chunk, chunk.length)
    else this.#wanted?.push(chunk.subarray(this.#from))
    const [only = nothing] = this.#out
    return this.#out.length > 1 ? Buffer.concat(this.#out) : only
  }

  /** Whether it was one whole JSON value. */
  end(): boolean {
    if (this.#broken || this.#depth > 0) return false
    return this.#state === AFTER || (this.#state === NUMBER && json.mayEnd(this.#number))
  }

  /** Reads on at `i`; where to go on from. */
  #step(chunk: Buffer, i: number): number {
    const byte = chunk[i] as number
    if (this.#state <= AFTER && json.isBlank(byte)) return i + 1
    switch (this.#state) {
      case STRING:
        return this.#string(chunk, i)
      case VALUE:
        return this.#value(chunk, i, byte)
      case FIRST_ELEMENT:
        return byte === json.CLOSE_LIST ? this.#close(i) : this.#value(chunk, i, byte)
      case FIRST_KEY:
        return byte === json.CLOSE_OBJECT ? this.#close(i) : this.#beginKey(i, byte)
      case KEY:
        return this.#beginKey(i, byte)
      case COLON:
        this.#state = VALUE
        return byte === json.COLON_SIGN ? i + 1 : this.#break(i)
      case AFTER:
        return this.#after(i, byte)
      case FOUND_STRING:
        return this.#foundString(i, byte)
      case ESCAPE:
        return this.#escape(i, byte)
      case HEX:
        return this.#hex(i, byte)
      case NUMBER: {
        const next = json.continueNumber(this.#number, byte)
        if (next === undefined) return json.mayEnd(this.#number) ? this.#ended(i) : this.#break(i)
        this.#number = next
        return i + 1
      }
      case LITERAL:
        if (byte !== this.#literal[this.#at]) return this.#break(i)
        return ++this.#at === this.#literal.length ? this.#ended(i + 1) : i + 1
      default:
        return this.#break(i)
    }
  }

  #value(chunk: Buffer, i: number, byte: number): number {
    const found = this.#node?.found
    if (found === undefined || byte === json.LETTER_N) return this.#begin(i, byte)
    this.#pass(chunk, i)
    this.#dropDepth = this.#depth
    if (byte !== json.QUOTE) {
      this.#mark(found.label)
      return this.#begin(i, byte)
    }
    if (found.take) this.#wanted = []
    this.#state = FOUND_STRING
    return i + 1
  }

  #begin(i: number, byte: number): number {
    if (byte === json.QUOTE) {
      this.#inKey = false
      this.#state = STRING
      return i + 1
    }
    if (byte === json.OPEN_OBJECT || byte === json.OPEN_LIST)
      return this.#open(i, byte === json.OPEN_OBJECT)
    const number = json.beginNumber(byte)
    if (number !== undefined) {
      this.#number = number
      this.#state = NUMBER
      return i + 1
    }
    const literal = json.literalFrom(byte)
    if (literal === undefined) return this.#break(i)
    this.#literal = literal
    this.#at = 1
    this.#state = LITERAL
    return i + 1
  }

  #open(i: number, isObject: boolean): number {
    if (this.#depth === deepest) return this.#break(i)
    // Of what is dropped, nothing further in is looked for: it would begin to pass behind it.
    const node = this.#dropDepth === -1 ? this.#node : undefined
    this.#isObject[this.#depth] = isObject ? 1 : 0
    this.#nodes[this.#depth++] = node
    this.#state = isObject ? FIRST_KEY : FIRST_ELEMENT
    this.#node = isObject ? undefined : node?.element()
    return i + 1
  }

  #close(i: number): number {
    this.#nodes[--this.#depth] = undefined
    return this.#ended(i + 1)
  }

  #after(i: number, byte: number): number {
    if (this.#depth === 0) return this.#break(i)
    const isObject = this.#isObject[this.#depth - 1] === 1
    if (byte === (isObject ? json.CLOSE_OBJECT : json.CLOSE_LIST)) return this.#close(i)
    if (byte !== json.COMMA) return this.#break(i)
    this.#state = isObject ? KEY : VALUE
    if (!isObject) this.#node = this.#nodes[this.#depth - 1]?.element()
    return i + 1
  }

  #beginKey(i: number, byte: number): number {
    if (byte !== json.QUOTE) return this.#break(i)
    const node = this.#nodes[this.#depth - 1]
    this.#inKey = true
    this.#keyMatters = node !== undefined
    if (node !== undefined) this.#key.begin(node.longestKey)
    this.#state = STRING
    return i + 1
  }

  /** All of a string up to what ends it or needs a closer look. */
  #string(chunk: Buffer, start: number): number {
    let i = start
    let byte = 0
    for (; i < chunk.length; i++) {
      byte = chunk[i] as number
      if (byte === json.QUOTE || byte === json.BACKSLASH || byte < 0x20) break
    }
    if (this.#keyMatters) this.#key.raw(chunk, start, i)
    if (i === chunk.length) return i
    if (byte === json.BACKSLASH) {
      this.#state = ESCAPE
      return i + 1
    }
    if (byte !== json.QUOTE) return this.#break(i)
    if (!this.#inKey) {
      if (this.#dropDepth === this.#depth) this.#take(chunk.subarray(this.#from, i + 1))
      return this.#ended(i + 1)
    }
    this.#node = this.#keyMatters
      ? this.#nodes[this.#depth - 1]?.member(this.#key.end())
      : undefined
    this.#keyMatters = false
    this.#state = COLON
    return i + 1
  }

  #foundString(i: number, byte: number): number {
    if (byte === json.QUOTE) {
      this.#wanted = undefined
      this.#out.push(emptyString)
      return this.#ended(i + 1)
    }
    this.#mark(this.#node?.found?.label ?? '')
    return this.#begin(i - 1, json.QUOTE)
  }

  #escape(i: number, byte: number): number {
    if (byte === json.LETTER_U) {
      this.#at = 0
      this.#unit = 0
      this.#state = HEX
      return i + 1
    }
    const unit = json.escaped(byte)
    if (unit === undefined) return this.#break(i)
    if (this.#keyMatters) this.#key.unit(unit)
    this.#state = STRING
    return i + 1
  }

  #hex(i: number, byte: number): number {
    const digit = json.hexDigit(byte)
    if (digit === -1) return this.#break(i)
    this.#unit = this.#unit * 16 + digit
    if (++this.#at === 4) {
      if (this.#keyMatters) this.#key.unit(this.#unit)
      this.#state = STRING
    }
    return i + 1
  }

  /** A value is over, before `i`. */
  #ended(i: number): number {
    this.#state = AFTER
    if (this.#dropDepth === this.#depth) {
      this.#dropDepth = -1
      this.#from = i
    }
    return i
  }

  #pass(chunk: Buffer, end: number): void {
    if (end > this.#from) this.#out.push(chunk.subarray(this.#from, end))
    this.#from = end
  }

  #mark(label: string): void {
    this.redacted.add(label)
    this.#out.push(redactedValue)
  }

  /** `last`: what of a dropped string stands in the last of its chunks. */
  #take(last: Buffer): void {
    if (this.#wanted === undefined) return
    const text = Buffer.concat([...this.#wanted, last])
    this.#wanted = undefined
    // A credential that was read wrongly is none.
    if (isUtf8(text)) this.taken.push(JSON.parse(text.toString('utf8')) as string)
    else this.#broken = true
  }

  #break(i: number): number {
    this.#broken = true
    return i
  }
}
