import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  Kind,
  OperationTypeNode,
  buildSchema,
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredArgument,
  isRequiredInputField,
  parse,
  validate,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLInputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql'
import { isPlain } from '../../../src/provider/graphql/plain.ts'
import { railwayCatalogue } from '../../../src/provider/railway/catalogue.ts'

function plain(schema: GraphQLSchema, text: string): boolean {
  const document = parse(text)
  const fragments = new Map<string, FragmentDefinitionNode>()
  let operation: OperationDefinitionNode | undefined
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION)
      fragments.set(definition.name.value, definition)
    else if (definition.kind === Kind.OPERATION_DEFINITION) operation ??= definition
  }
  assert.ok(operation)
  return isPlain(schema, operation, fragments)
}

const small = buildSchema(`
  directive @mark on FIELD | QUERY
  interface Node { id: ID! }
  enum Size { SMALL LARGE }
  scalar Time
  input Filter { size: Size, ids: [ID!]!, inner: Filter, count: Int = 3 }
  input One @oneOf { a: Int, b: String }
  type Dog implements Node { id: ID!, name(upper: Boolean! = false, at: Time): String, friends(first: Int!): [Dog!]! }
  type Cat implements Node { id: ID!, lives: Int }
  union Pet = Dog | Cat
  type Query { node(id: ID!): Node, pets(filter: Filter): [Pet], dog(size: Size): Dog, one(one: One): Int, pay(amount: Float): Int }
  type Mutation { rename(id: ID!, name: String): Dog }
`)

const unremarkable = [
  '{ dog { id name } }',
  'query Q($id: ID!) { node(id: $id) { __typename id ... on Dog { name(upper: true) } } }',
  '{ pets(filter: { ids: ["1", 2], size: LARGE, inner: null }) { ... on Dog { id } ... on Cat { lives } } }',
  'mutation { rename(id: 7, name: null) { friends(first: 3) { ...F } } } fragment F on Dog { name }',
  'query ($yes: Boolean!) { dog @include(if: $yes) { a: name b: name(at: "2026") } }',
  '{ pay(amount: 1.5) dog(size: SMALL) { id @skip(if: false) } }',
]

test('what most documents are is plain', () => {
  for (const text of unremarkable) {
    assert.deepEqual(validate(small, parse(text)), [], text)
    assert.ok(plain(small, text), text)
  }
})

const wrong = [
  '{ dog { gone } }',
  '{ dog }',
  '{ dog { id { x } } }',
  '{ dog(colour: 1) { id } }',
  '{ dog(size: SMALL, size: LARGE) { id } }',
  '{ dog(size: HUGE) { id } }',
  '{ dog(size: "SMALL") { id } }',
  '{ node { id } }',
  '{ node(id: null) { id } }',
  '{ node(id: true) { id } }',
  '{ node(id: ["1"]) { id } }',
  '{ node(id: $id) { id } }',
  'query ($id: ID) { node(id: $id) { id } }',
  'query ($id: String!) { node(id: $id) { id } }',
  'query ($id: ID!, $id: ID!) { node(id: $id) { id } }',
  'query ($id: ID!, $more: ID) { node(id: $id) { id } }',
  'query ($id: Dog) { node(id: $id) { id } }',
  '{ pets(filter: { size: SMALL }) { __typename } }',
  '{ pets(filter: { ids: ["1"], ids: ["2"] }) { __typename } }',
  '{ pets(filter: { ids: ["1"], extra: 1 }) { __typename } }',
  '{ pets(filter: "x") { __typename } }',
  '{ pets { id } }',
  '{ dog { ... on Cat { lives } } }',
  '{ dog { ... on Gone { lives } } }',
  '{ dog { ... on Size { lives } } }',
  '{ dog { name: id name } }',
  '{ dog { x: id ... on Dog { x: name } } }',
  '{ dog { id @mark @mark } }',
  '{ dog { id @unknown } }',
  '{ dog { id @skip } }',
  '{ dog { id @skip(if: "yes") } }',
  '{ dog { friends(first: 99999999999) { id } } }',
  '{ dog { friends(first: 1.0) { id } } }',
  '{ one(one: { a: 1, b: "x" }) }',
  '{ __typename { x } }',
  '{ __typename(a: 1) }',
  'query Q @include(if: true) { dog { id } }',
]

test('what is wrong is not plain, each in its own way', () => {
  for (const text of wrong) {
    assert.notDeepEqual(validate(small, parse(text)), [], text)
    assert.ok(!plain(small, text), text)
  }
})

const { schema } = railwayCatalogue()

/** A document in the making: every choice comes from fast-check, some of them wrong on purpose. */
class Author {
  readonly #pick: (n: number) => number
  readonly variables: string[] = []
  constructor(pick: (n: number) => number) {
    this.#pick = pick
  }

  #maybe(oneIn: number): boolean {
    return this.#pick(oneIn) === 0
  }

  set(type: GraphQLCompositeType, depth: number): string {
    if (!('getFields' in type)) return '{ __typename }'
    const fields = Object.values(type.getFields())
    const lines: string[] = ['__typename']
    for (let i = 0; i < 1 + this.#pick(4); i++) {
      const field = fields[this.#pick(fields.length)]
      if (field === undefined) continue
      const next = getNamedType(field.type)
      const composite = isCompositeType(next)
      if (composite && depth <= 0) continue
      const args = field.args
        .filter((arg) => (isRequiredArgument(arg) ? !this.#maybe(12) : this.#maybe(3)))
        .map((arg) => `${this.#maybe(40) ? 'other' : arg.name}: ${this.value(arg.type, 2)}`)
      const below =
        composite !== this.#maybe(40) ? (composite ? this.set(next, depth - 1) : '') : ''
      const alias = this.#maybe(3) ? `a${String(this.#pick(3))}: ` : ''
      const directive = this.#maybe(15) ? '@include(if: true)' : ''
      lines.push(
        `${alias}${field.name}${args.length > 0 ? `(${args.join(', ')})` : ''} ${directive} ${below}`,
      )
    }
    return `{ ${lines.join('\n')} }`
  }

  value(type: GraphQLInputType, depth: number): string {
    if (this.#maybe(25)) return 'null'
    if (this.#maybe(25)) return ['1', '"x"', '[]', '{}', 'RED', '1.5', '$lost'][this.#pick(7)] ?? ''
    if (this.#maybe(6)) {
      const name = `v${String(this.variables.length)}`
      const declared = this.#maybe(4) ? String(type).replace('!', '') : String(type)
      this.variables.push(`$${name}: ${declared}${this.#maybe(8) ? ' = null' : ''}`)
      return this.#maybe(20) ? '"unused"' : `$${name}`
    }
    if (isNonNullType(type)) return this.value(type.ofType, depth)
    if (isListType(type))
      return this.#maybe(3) ? this.value(type.ofType, depth) : `[${this.value(type.ofType, depth)}]`
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields()).filter((field) =>
        isRequiredInputField(field) ? !this.#maybe(12) : depth > 0 && this.#maybe(4),
      )
      return `{ ${fields.map((field) => `${field.name}: ${this.value(field.type, depth - 1)}`).join(', ')} }`
    }
    if (isEnumType(type)) return type.getValues()[this.#pick(type.getValues().length)]?.name ?? 'X'
    const literal: Record<string, string> = { Int: '3', Float: '1.5', Boolean: 'true' }
    return literal[type.name] ?? '"text"'
  }
}

test('whatever is called plain, graphql-js finds valid, and most of what it finds valid is plain', () => {
  const count = { plain: 0, valid: 0, all: 0 }
  fc.assert(
    fc.property(fc.infiniteStream(fc.nat({ max: 0xffff })), fc.boolean(), (stream, mutates) => {
      const choices = stream[Symbol.iterator]()
      const author = new Author((n) => (choices.next().value as number) % Math.max(n, 1))
      const root = schema.getRootType(
        mutates ? OperationTypeNode.MUTATION : OperationTypeNode.QUERY,
      )
      assert.ok(root)
      const body = author.set(root, 3)
      const variables = author.variables.length > 0 ? `(${author.variables.join(', ')})` : ''
      const text = `${mutates ? 'mutation' : 'query'} Q${variables} ${body}`
      const valid = validate(schema, parse(text)).length === 0
      const called = plain(schema, text)
      count.all++
      if (valid) count.valid++
      if (called) count.plain++
      assert.ok(valid || !called, text)
    }),
    { numRuns: 2_000 },
  )
  // Else the walk would be of no use, and the property empty.
  assert.ok(count.plain > count.valid / 3, JSON.stringify(count))
  assert.ok(count.valid < count.all, JSON.stringify(count))
})
