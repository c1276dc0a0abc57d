/**
 * The words of a schema, found by their letters without making a string of them first, and with the syntax nodes that
 * every mention of one is alike in. A word that the schema does not have is made anew each time: what an agent writes is
 * never added, so that no request can fill or slow what the next one uses.
 */
import { Kind, type FieldNode, type GraphQLSchema, type NameNode } from 'graphql'

export type Word = {
  readonly name: NameNode
  /** The field of this name without alias, arguments, directives and selections. Only where the schema has the word. */
  readonly alone: FieldNode | undefined
}

/** `from` is where its letters begin among those of all words. */
type Known = Word & {
  readonly hash: number
  readonly from: number
  readonly length: number
  readonly next: Known | undefined
}

/** By byte: 1 begins a name, 2 continues one, 4 is a blank or a comma. A carriage return and whatever is not ASCII is neither. */
export const flags: Uint8Array = Uint8Array.from({ length: 256 }, (_, code) => {
  const text = String.fromCharCode(code)
  if (/[_A-Za-z]/.test(text)) return 3
  if (/[0-9]/.test(text)) return 2
  return /[ \t\n,]/.test(text) ? 4 : 0
})

const slots = 8192

export class Vocabulary {
  readonly #letters: Uint8Array
  readonly #slots: (Known | undefined)[] = Array.from({ length: slots }, () => undefined)

  constructor(schema: GraphQLSchema) {
    const words = [...wordsOf(schema)]
    this.#letters = Buffer.from(words.join(''))
    let from = 0
    for (const value of words) {
      let hash = 0
      for (let i = 0; i < value.length; i++) hash = step(hash, value.charCodeAt(i))
      const name: NameNode = { kind: Kind.NAME, value }
      const alone: FieldNode = {
        kind: Kind.FIELD,
        alias: undefined,
        name,
        arguments: undefined,
        directives: undefined,
        selectionSet: undefined,
      }
      const slot = hash & (slots - 1)
      this.#slots[slot] = { name, alone, hash, from, length: value.length, next: this.#slots[slot] }
      from += value.length
    }
  }

  /** The name at `from` of `bytes`, which are `text`; undefined where none begins there. */
  read(bytes: Uint8Array, from: number, text: string): Word | undefined {
    let at = from
    let code = bytes[at] ?? 0
    if (((flags[code] ?? 0) & 1) === 0) return undefined
    let hash = 0
    do {
      hash = step(hash, code)
      code = bytes[++at] ?? 0
    } while ((flags[code] ?? 0) & 2)
    for (let known = this.#slots[hash & (slots - 1)]; known !== undefined; known = known.next)
      if (known.hash === hash && this.#spells(known, bytes, from, at)) return known
    return { name: { kind: Kind.NAME, value: text.slice(from, at) }, alone: undefined }
  }

  /** Two words may have one hash: an agent can make as many as it likes. */
  #spells(known: Known, bytes: Uint8Array, from: number, to: number): boolean {
    const { length } = known
    if (length !== to - from) return false
    for (let i = 0; i < length; i++)
      if (this.#letters[known.from + i] !== bytes[from + i]) return false
    return true
  }
}

function step(hash: number, code: number): number {
  return (Math.imul(hash, 31) + code) | 0
}

/** What a document mentions most: keywords, types, fields and their arguments, and what input objects have. */
function wordsOf(schema: GraphQLSchema): Set<string> {
  const words = new Set([
    'query',
    'mutation',
    'fragment',
    'on',
    'true',
    'false',
    'null',
    '__typename',
  ])
  for (const type of Object.values(schema.getTypeMap())) {
    words.add(type.name)
    if (!('getFields' in type)) continue
    for (const field of Object.values(type.getFields())) {
      words.add(field.name)
      if ('args' in field) for (const { name } of field.args) words.add(name)
    }
  }
  return words
}
