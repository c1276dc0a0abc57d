/**
 * A schema without its syntax tree. `buildSchema` keeps a node for every field of a provider's schema alive, and leaves
 * twice as much behind on the way; for a schema of six thousand fields that is most of the memory that a broker may
 * take. What is read here is the form that `lean` writes: SDL of names and types only, one definition a line.
 *
 * The file is ours, committed and reviewed. A line that does not read is a mistake of ours and throws: a schema with a
 * hole in it would be a catalogue with a hole in it.
 */
import {
  GraphQLEnumType,
  GraphQLInputObjectType,
  GraphQLInterfaceType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLScalarType,
  GraphQLSchema,
  GraphQLUnionType,
  Kind,
  parse,
  parseConstValue,
  print,
  specifiedScalarTypes,
  stripIgnoredCharacters,
  visit,
  type GraphQLArgumentConfig,
  type GraphQLFieldConfig,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLNullableType,
  type GraphQLOutputType,
  type GraphQLType,
} from 'graphql'

/** The published schema without a sentence or a directive in it, one definition a line, so that a diff says which type changed. */
export function lean(source: string): string {
  const bare = visit(parse(source, { noLocation: true }), {
    enter(node) {
      if ('description' in node && node.description !== undefined)
        return { ...node, description: undefined }
      return undefined
    },
    Directive: () => null,
  })
  return bare.definitions
    .filter((definition) => definition.kind !== Kind.DIRECTIVE_DEFINITION)
    .map((definition) => `${stripIgnoredCharacters(print(definition))}\n`)
    .join('')
}

/** graphql-js gives every field an empty object of its own, unless it is handed one without a prototype. */
const extensions: Readonly<Record<string, never>> = Object.freeze(
  Object.create(null) as Record<string, never>,
)

/** `text` as `lean` writes it. The root types are `Query`, `Mutation` and `Subscription`. */
export function leanSchema(text: string): GraphQLSchema {
  const types = new Map<string, GraphQLNamedType>(
    specifiedScalarTypes.map((scalar) => [scalar.name, scalar]),
  )
  const wrapped = new Map<string, GraphQLType>()

  function named(name: string): GraphQLNamedType {
    const type = types.get(name)
    if (type === undefined) throw new Error(`the schema names a type it does not define: ${name}`)
    return type
  }

  /** `[Label!]!`: the wrappers of a type are shared by all who use it. */
  function typeOf(spelled: string): GraphQLType {
    const known = wrapped.get(spelled)
    if (known !== undefined) return known
    let type: GraphQLType
    if (spelled.endsWith('!'))
      type = new GraphQLNonNull(typeOf(spelled.slice(0, -1)) as GraphQLNullableType)
    else if (spelled.startsWith('[') && spelled.endsWith(']'))
      type = new GraphQLList(typeOf(spelled.slice(1, -1)))
    else type = named(spelled)
    wrapped.set(spelled, type)
    return type
  }

  function inputs(reader: Reader, end: string): Record<string, GraphQLArgumentConfig> {
    const found: Record<string, GraphQLArgumentConfig> = {}
    while (!reader.take(end)) {
      const name = reader.name()
      reader.expect(':')
      const type = typeOf(reader.type()) as GraphQLInputType
      const literal = reader.take('=') ? reader.value() : undefined
      found[name] =
        literal === undefined
          ? { type, extensions }
          : { type, extensions, default: { literal: parseConstValue(literal) } }
    }
    return found
  }

  function outputs(reader: Reader): Record<string, GraphQLFieldConfig<unknown, unknown>> {
    const found: Record<string, GraphQLFieldConfig<unknown, unknown>> = {}
    reader.expect('{')
    while (!reader.take('}')) {
      const name = reader.name()
      const args = reader.take('(') ? inputs(reader, ')') : undefined
      reader.expect(':')
      const type = typeOf(reader.type()) as GraphQLOutputType
      found[name] = args === undefined ? { type, extensions } : { type, extensions, args }
    }
    return found
  }

  function define(line: string): GraphQLNamedType {
    const reader = new Reader(line)
    const keyword = reader.name()
    const name = reader.name()
    switch (keyword) {
      case 'scalar':
        return new GraphQLScalarType({ name, extensions })
      case 'enum': {
        reader.expect('{')
        const values: Record<string, object> = {}
        while (!reader.take('}')) values[reader.name()] = { extensions }
        return new GraphQLEnumType({ name, extensions, values })
      }
      case 'union': {
        reader.expect('=')
        const members = reader.separated('|')
        return new GraphQLUnionType({
          name,
          extensions,
          types: () => members.map((member) => named(member) as GraphQLObjectType),
        })
      }
      case 'input':
        reader.expect('{')
        return new GraphQLInputObjectType({
          name,
          extensions,
          fields: () => inputs(reader, '}'),
        })
      case 'type':
      case 'interface': {
        const above = reader.take('implements') ? reader.separated('&') : []
        const config = {
          name,
          extensions,
          interfaces: () => above.map((one) => named(one) as GraphQLInterfaceType),
          fields: () => outputs(reader),
        }
        return keyword === 'type' ? new GraphQLObjectType(config) : new GraphQLInterfaceType(config)
      }
      default:
        throw new Error(`the schema defines something else: ${keyword}`)
    }
  }

  for (const line of text.split('\n')) {
    if (line === '') continue
    const type = define(line)
    if (types.has(type.name)) throw new Error(`the schema defines ${type.name} twice`)
    types.set(type.name, type)
  }
  const root = (name: string): GraphQLObjectType | undefined =>
    types.get(name) as GraphQLObjectType | undefined
  const mutation = root('Mutation')
  const subscription = root('Subscription')
  return new GraphQLSchema({
    query: named('Query') as GraphQLObjectType,
    ...(mutation === undefined ? {} : { mutation }),
    ...(subscription === undefined ? {} : { subscription }),
    types: [...types.values()],
    assumeValid: true,
  })
}

const word = /[_A-Za-z][_0-9A-Za-z]*/y
const spelling = /\[*[_A-Za-z][_0-9A-Za-z]*[\]!]*/y
/** A string, a list, an object or one word: none of the schema's defaults nests deeper. */
const constant = /"[^"\\]*"|\[[^[\]{}"]*\]|\{[^[\]{}"]*\}|[-_0-9A-Za-z.]+/y

/** Walks one definition from its beginning. */
class Reader {
  readonly #line: string
  #at = 0

  constructor(line: string) {
    this.#line = line
  }

  /** Spaces and commas mean nothing in SDL. */
  #skip(): number {
    while (this.#line[this.#at] === ' ' || this.#line[this.#at] === ',') this.#at++
    return this.#at
  }

  #match(pattern: RegExp): string | undefined {
    const from = this.#skip()
    pattern.lastIndex = from
    if (!pattern.test(this.#line)) return undefined
    this.#at = pattern.lastIndex
    return this.#line.slice(from, this.#at)
  }

  #need(pattern: RegExp, what: string): string {
    const found = this.#match(pattern)
    if (found === undefined)
      throw new Error(`the schema has no ${what} at ${this.#at} of "${this.#line.slice(0, 60)}"`)
    return found
  }

  name = (): string => this.#need(word, 'name')
  type = (): string => this.#need(spelling, 'type')
  value = (): string => this.#need(constant, 'value')

  /** Whether `mark`, a punctuator or a keyword, stands next; steps over it if so. */
  take(mark: string): boolean {
    this.#skip()
    if (!this.#line.startsWith(mark, this.#at)) return false
    this.#at += mark.length
    return true
  }

  expect(mark: string): void {
    if (!this.take(mark)) this.#need(/(?!)/y, mark)
  }

  separated(mark: string): string[] {
    this.take(mark)
    const names = [this.name()]
    while (this.take(mark)) names.push(this.name())
    return names
  }
}
