/**
 * Random documents over the real schema, against an evaluator that is slow and obviously right: it expands the document
 * it was generated as, not the text, and looks every field up in the catalogue.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  parse,
  type GraphQLField,
  type GraphQLInputType,
} from 'graphql'
import { railwayCatalogue } from '../../../src/provider/railway/catalogue.ts'
import { adapter, document } from '../../support/railway-verdict.ts'

const catalogue = railwayCatalogue()

/** A stream of small numbers that a failing run prints. */
type Dice = (sides: number) => number

type Expected = {
  operations: string[]
  /** By operation's place in the document: the edges its selections follow. */
  edges: string[][]
  fragments: string[]
}

function literal(type: GraphQLInputType, dice: Dice, depth = 0): string {
  if (isNonNullType(type)) return literal(type.ofType, dice, depth)
  if (isListType(type)) return `[${literal(type.ofType, dice, depth)}]`
  if (isEnumType(type)) return type.getValues()[0]?.name ?? ''
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields())
      .filter((field) => isNonNullType(field.type) || (depth < 2 && dice(3) === 0))
      .map((field) => `${field.name}: ${literal(field.type, dice, depth + 1)}`)
    return `{ ${fields.join(' ')} }`
  }
  const scalars: Record<string, string> = {
    Int: '1',
    Float: '1.5',
    Boolean: 'true',
    String: '"s"',
    ID: '"i"',
  }
  return scalars[type.name] ?? '{ a: { b: "c" } }'
}

function call(field: GraphQLField<unknown, unknown>, dice: Dice): string {
  const args = field.args
    .filter((arg) => isNonNullType(arg.type) || dice(2) === 0)
    .map((arg) => `${arg.name}: ${literal(arg.type, dice)}`)
  return args.length === 0 ? field.name : `${field.name}(${args.join(' ')})`
}

/** One document of up to four root fields, hidden in aliases, fragments and directives. */
function generate(root: 'query' | 'mutation', dice: Dice): { text: string; expected: Expected } {
  const rootType = catalogue.schema.getRootType(root)
  assert.ok(rootType)
  const known = Object.values(rootType.getFields()).filter(
    (field) => catalogue.roots.get(`${root}.${field.name}`)?.denied === false,
  )
  const expected: Expected = { operations: [], edges: [], fragments: [] }
  let alias = 0

  function wrap(on: string, content: string): string {
    const style = dice(5)
    if (style === 0) return `... on ${on} { ${content} }`
    if (style === 1) return `... @include(if: false) { ${content} }`
    if (style !== 2) return content
    const name = `F${expected.fragments.length}`
    expected.fragments.push('')
    expected.fragments[Number(name.slice(1))] = `fragment ${name} on ${on} { ${content} }`
    return `...${name}`
  }

  function selections(
    field: GraphQLField<unknown, unknown>,
    edges: string[],
    depth: number,
  ): string {
    const type = getNamedType(field.type)
    if (!isCompositeType(type)) return ''
    if (!('getFields' in type)) return '{ __typename }'
    const fields = Object.values(type.getFields())
    const chosen: string[] = ['__typename']
    for (let i = 0; i < 1 + dice(3); i++) {
      const next = fields[dice(fields.length)]
      if (next === undefined) continue
      const composite = isCompositeType(getNamedType(next.type))
      if (composite && depth >= 5) continue
      edges.push(`${type.name}.${next.name}`)
      const one = `a${alias++}: ${call(next, dice)} ${selections(next, edges, depth + 1)}`
      chosen.push(wrap(type.name, one))
    }
    return `{ ${chosen.join(' ')} }`
  }

  const parts: string[] = []
  for (let i = 0; i < 1 + dice(4); i++) {
    const field = known[dice(known.length)]
    if (field === undefined) continue
    const edges: string[] = []
    const content = `r${alias++}: ${call(field, dice)} ${selections(field, edges, 0)}`
    expected.operations.push(catalogue.roots.get(`${root}.${field.name}`)?.operation ?? '')
    expected.edges.push(edges)
    parts.push(wrap(rootType.name, wrap(rootType.name, content)))
  }
  return { text: `${root} { ${parts.join(' ')} } ${expected.fragments.join(' ')}`, expected }
}

test('operations, secrets and reach of a random document are those of the plain reading of it', () => {
  let understood = 0
  fc.assert(
    fc.property(
      fc.constantFrom('query', 'mutation'),
      fc.array(fc.nat(1_000), { minLength: 60, maxLength: 60 }),
      (root, numbers) => {
        let at = 0
        const dice: Dice = (sides) => (numbers[at++ % numbers.length] ?? 0) % sides
        const { text, expected } = generate(root, dice)
        const result = adapter.identify(document(text))
        if (!result.ok) {
          // Scalars of the schema that take no object as we write it are the only way to miss.
          assert.match(result.refusal.detail, /not an id|not an object|do not fit|not valid/, text)
          return
        }
        understood++
        assert.deepEqual(
          result.invocations.map(({ operation }) => operation),
          expected.operations,
        )
        for (const [i, invocation] of result.invocations.entries()) {
          const classes = (expected.edges[i] ?? []).map((edge) => [edge, catalogue.edges.get(edge)])
          const widens = classes.flatMap(([edge, kind]) => (kind === 'widens' ? [`${edge}`] : []))
          assert.deepEqual(
            invocation.widens
              .map((sentence) => sentence.slice(0, sentence.indexOf(' ')))
              .toSorted(),
            [...new Set(widens)].toSorted(),
          )
          if (classes.some(([, kind]) => kind === 'secret'))
            assert.ok(invocation.added.includes('secret'))
        }
        // What is forwarded parses to the same operations again, and printing it is a fixed point.
        const body = JSON.parse(result.request.body?.toString() ?? '') as { query: string }
        parse(body.query)
        const again = adapter.identify(document(body.query))
        assert.ok(again.ok)
        assert.deepEqual(again.invocations, result.invocations)
        assert.deepEqual(again.request.body, result.request.body)
      },
    ),
    { numRuns: 400 },
  )
  assert.ok(understood > 300, `only ${understood} documents were understood`)
})
