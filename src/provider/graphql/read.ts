/**
 * Reads the documents that most clients send, at a part of what graphql-js's parser costs: printable ASCII without
 * comments, descriptions, escapes, block strings or floats. Whatever else a text holds, and whatever
 * is wrong with it, makes it `undefined`: graphql-js then reads it, and has the words for what it finds.
 *
 * Where it does answer, the answer is what graphql-js's parser says of the same text (a test compares them on random and on
 * damaged documents), the text is within the limits on tokens and depth, and printing would change nothing but blanks.
 */
import {
  Kind,
  OperationTypeNode,
  type ArgumentNode,
  type ConstValueNode,
  type DefinitionNode,
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type IntValueNode,
  type NamedTypeNode,
  type NameNode,
  type ObjectFieldNode,
  type SelectionNode,
  type SelectionSetNode,
  type StringValueNode,
  type TypeNode,
  type ValueNode,
  type VariableDefinitionNode,
  type VariableNode,
} from 'graphql'
import { documentLimits } from './limits.ts'
import { flags, type Vocabulary, type Word } from './vocabulary.ts'

/** Thrown inside of this file to leave the reading: it is for graphql-js. */
const unusual = Symbol('unusual')

const encoder = new TextEncoder()
/** The text being read, and a NUL behind it, which nothing that is read here may hold. */
const bytes = new Uint8Array(16 * 1024)

/** `vocabulary` is of the schema that the document is for: it makes its words cheap, and changes nothing else. */
export function readDocument(vocabulary: Vocabulary, text: string): DocumentNode | undefined {
  if (text.length >= bytes.length) return undefined
  const { read, written } = encoder.encodeInto(text, bytes)
  if (read !== text.length || written !== text.length) return undefined
  bytes[written] = 0
  try {
    return new Reader(vocabulary, text).document()
  } catch (error) {
    if (error === unusual) return undefined
    throw error
  }
}

function leave(): never {
  // oxlint-disable-next-line typescript/only-throw-error -- it leaves the reading and is caught above
  throw unusual
}

class Reader {
  readonly #vocabulary: Vocabulary
  readonly #text: string
  #at = 0
  #tokens = 0
  #depth = 0

  constructor(vocabulary: Vocabulary, text: string) {
    this.#vocabulary = vocabulary
    this.#text = text
  }

  document(): DocumentNode {
    const definitions: DefinitionNode[] = []
    do definitions.push(this.#definition())
    while (this.#peek() !== 0)
    // A NUL of the text itself is not its end.
    if (this.#at !== this.#text.length) leave()
    return { kind: Kind.DOCUMENT, definitions }
  }

  /** Steps over blanks and commas; the unit that stands there, 0 at the end. */
  #peek(): number {
    let at = this.#at
    let code = bytes[at] ?? 0
    while ((flags[code] ?? 0) & 4) code = bytes[++at] ?? 0
    this.#at = at
    return code
  }

  #token(length: number): void {
    this.#at += length
    if (++this.#tokens > documentLimits.tokens) leave()
  }

  #take(mark: number): boolean {
    if (this.#peek() !== mark) return false
    this.#token(1)
    return true
  }

  #expect(mark: number): void {
    if (this.#peek() !== mark) leave()
    this.#token(1)
  }

  #open(mark: number): void {
    this.#expect(mark)
    if (++this.#depth > documentLimits.depth) leave()
  }

  #close(mark: number): boolean {
    if (this.#peek() !== mark) return false
    this.#token(1)
    this.#depth--
    return true
  }

  #word(): Word {
    this.#peek()
    const word = this.#vocabulary.read(bytes, this.#at, this.#text)
    if (word === undefined) leave()
    this.#token(word.name.value.length)
    return word
  }

  #name(): NameNode {
    return this.#word().name
  }

  #definition(): DefinitionNode {
    if (this.#peek() === 0x7b)
      return {
        kind: Kind.OPERATION_DEFINITION,
        operation: OperationTypeNode.QUERY,
        description: undefined,
        name: undefined,
        variableDefinitions: undefined,
        directives: undefined,
        selectionSet: this.#selectionSet(),
      }
    const keyword = this.#name().value
    if (keyword === 'fragment') {
      const name = this.#name()
      if (name.value === 'on' || this.#name().value !== 'on') leave()
      return {
        kind: Kind.FRAGMENT_DEFINITION,
        description: undefined,
        name,
        typeCondition: this.#namedType(),
        directives: this.#directives(),
        selectionSet: this.#selectionSet(),
      }
    }
    if (keyword !== 'query' && keyword !== 'mutation') leave()
    return {
      kind: Kind.OPERATION_DEFINITION,
      operation: keyword === 'query' ? OperationTypeNode.QUERY : OperationTypeNode.MUTATION,
      description: undefined,
      name: isLetter(this.#peek()) ? this.#name() : undefined,
      variableDefinitions: this.#variableDefinitions(),
      directives: this.#directives(),
      selectionSet: this.#selectionSet(),
    }
  }

  #variableDefinitions(): VariableDefinitionNode[] | undefined {
    if (this.#peek() !== 0x28) return undefined
    this.#open(0x28)
    const definitions: VariableDefinitionNode[] = []
    do {
      const variable = this.#variable()
      this.#expect(0x3a)
      definitions.push({
        kind: Kind.VARIABLE_DEFINITION,
        description: undefined,
        variable,
        type: this.#type(),
        defaultValue: this.#take(0x3d) ? this.#constant() : undefined,
        // None: what stands there instead is not a variable.
        directives: undefined,
      })
    } while (!this.#close(0x29))
    return definitions
  }

  #variable(): VariableNode {
    this.#expect(0x24)
    return { kind: Kind.VARIABLE, name: this.#name() }
  }

  #type(): TypeNode {
    let type: TypeNode
    if (this.#peek() === 0x5b) {
      this.#open(0x5b)
      type = { kind: Kind.LIST_TYPE, type: this.#type() }
      if (!this.#close(0x5d)) leave()
    } else type = this.#namedType()
    return this.#take(0x21) ? { kind: Kind.NON_NULL_TYPE, type } : type
  }

  #namedType(): NamedTypeNode {
    return { kind: Kind.NAMED_TYPE, name: this.#name() }
  }

  #selectionSet(): SelectionSetNode {
    this.#open(0x7b)
    const selections: SelectionNode[] = []
    do selections.push(this.#peek() === 0x2e ? this.#fragment() : this.#field())
    while (!this.#close(0x7d))
    return { kind: Kind.SELECTION_SET, selections }
  }

  #field(): FieldNode {
    let word = this.#word()
    let alias: NameNode | undefined
    let next = this.#peek()
    if (next === 0x3a) {
      this.#token(1)
      alias = word.name
      word = this.#word()
      next = this.#peek()
    } else if (word.alone !== undefined && next !== 0x28 && next !== 0x40 && next !== 0x7b)
      return word.alone
    return {
      kind: Kind.FIELD,
      alias,
      name: word.name,
      arguments: next === 0x28 ? this.#arguments() : undefined,
      directives: this.#directives(),
      selectionSet: this.#peek() === 0x7b ? this.#selectionSet() : undefined,
    }
  }

  #fragment(): SelectionNode {
    if (bytes[this.#at + 1] !== 0x2e || bytes[this.#at + 2] !== 0x2e) leave()
    this.#token(3)
    const name = isLetter(this.#peek()) ? this.#name() : undefined
    if (name !== undefined && name.value !== 'on')
      return { kind: Kind.FRAGMENT_SPREAD, name, directives: this.#directives() }
    return {
      kind: Kind.INLINE_FRAGMENT,
      typeCondition: name === undefined ? undefined : this.#namedType(),
      directives: this.#directives(),
      selectionSet: this.#selectionSet(),
    }
  }

  #directives(): DirectiveNode[] | undefined {
    if (this.#peek() !== 0x40) return undefined
    const directives: DirectiveNode[] = []
    while (this.#take(0x40)) {
      const name = this.#name()
      const given = this.#peek() === 0x28 ? this.#arguments() : undefined
      directives.push({ kind: Kind.DIRECTIVE, name, arguments: given })
    }
    return directives
  }

  #arguments(): ArgumentNode[] {
    this.#open(0x28)
    const given: ArgumentNode[] = []
    do {
      const name = this.#name()
      this.#expect(0x3a)
      given.push({ kind: Kind.ARGUMENT, name, value: this.#value() })
    } while (!this.#close(0x29))
    return given
  }

  #value(): ValueNode {
    switch (this.#peek()) {
      case 0x24:
        return this.#variable()
      case 0x5b: {
        this.#open(0x5b)
        const values: ValueNode[] = []
        while (!this.#close(0x5d)) values.push(this.#value())
        return { kind: Kind.LIST, values }
      }
      case 0x7b: {
        this.#open(0x7b)
        const fields: ObjectFieldNode[] = []
        while (!this.#close(0x7d)) {
          const name = this.#name()
          this.#expect(0x3a)
          fields.push({ kind: Kind.OBJECT_FIELD, name, value: this.#value() })
        }
        return { kind: Kind.OBJECT, fields }
      }
      default:
        return this.#constant()
    }
  }

  /** Only what is no list, no object and no variable. */
  #constant(): ConstValueNode {
    const code = this.#peek()
    if (code === 0x22) return this.#string()
    return code === 0x2d || isDigit(code) ? this.#integer(code) : this.#constantWord()
  }

  #constantWord(): ConstValueNode {
    const { value } = this.#name()
    if (value === 'true' || value === 'false')
      return { kind: Kind.BOOLEAN, value: value === 'true' }
    return value === 'null' ? { kind: Kind.NULL } : { kind: Kind.ENUM, value }
  }

  /** Without escapes, and without `#`, in which a careless lexer sees a comment. */
  #string(): StringValueNode {
    const from = this.#at + 1
    let at = from
    for (;;) {
      const code = bytes[at] ?? 0
      if (code === 0x22) break
      if (code < 0x20 || code === 0x23 || code === 0x5c || code === 0x7f) leave()
      at++
    }
    // `"""` begins a block string.
    if (at === from && bytes[at + 1] === 0x22) leave()
    this.#token(at + 1 - this.#at)
    return { kind: Kind.STRING, value: this.#text.slice(from, at), block: false }
  }

  #integer(first: number): IntValueNode {
    const from = this.#at
    let at = first === 0x2d ? from + 1 : from
    const leading = bytes[at] ?? 0
    if (!isDigit(leading)) leave()
    let code = bytes[++at] ?? 0
    while (isDigit(code)) {
      if (leading === 0x30) leave()
      code = bytes[++at] ?? 0
    }
    // `1.5`, `1e3` and `1st` are not integers.
    if (code === 0x2e || isLetter(code)) leave()
    this.#token(at - from)
    return { kind: Kind.INT, value: this.#text.slice(from, at) }
  }
}

function isLetter(code: number): boolean {
  return ((flags[code] ?? 0) & 1) !== 0
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}
