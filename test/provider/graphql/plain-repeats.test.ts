/** What stands twice in a document, and variables with defaults: the part of being plain where graphql-js compares. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { buildSchema, parse, validate } from 'graphql'
import { documentLimits, exceedsExpansionLimits } from '../../../src/provider/graphql/limits.ts'
import { isPlain } from '../../../src/provider/graphql/plain.ts'
import { soleOperation } from '../../../src/provider/graphql/select.ts'

const schema = buildSchema(`
  interface Node { id: ID!, kind: String }
  enum Size { SMALL LARGE }
  input Filter { size: Size, ids: [ID!]! }
  type Dog implements Node { id: ID!, kind: String, name(upper: Boolean): String, size: Size, friend: Node }
  type Cat implements Node { id: ID!, kind: String, name(upper: Boolean): String, size: Int, friend: Node }
  union Pet = Dog | Cat
  type Query { node(id: ID!): Node, pet(filter: Filter): Pet, dog(size: Size, sizes: [Size!], count: Int!): Dog, id: ID, kind: String }
`)

function plain(text: string): boolean {
  const document = parse(text)
  const sole = soleOperation(document, undefined)
  return sole !== undefined && isPlain(schema, sole.operation, sole.fragments)
}

test('the same leaf may stand twice at one place, as it does where fragments are shared', () => {
  for (const text of [
    '{ id id }',
    '{ node(id: 1) { id ...F __typename } } fragment F on Node { __typename id x: kind }',
    '{ dog(count: 1) { id a: kind ... { id a: kind @skip(if: true) } } }',
  ]) {
    assert.deepEqual(validate(schema, parse(text)), [], text)
    assert.ok(plain(text), text)
  }
})

test('whatever else stands twice is compared with more care', () => {
  for (const text of [
    '{ a: id a: kind }',
    '{ a: id a: __typename }',
    '{ dog(count: 1) { name(upper: true) name(upper: false) } }',
    '{ dog(count: 1) { name name(upper: false) } }',
    '{ dog(count: 1) { name(upper: false) name } }',
    '{ dog(count: 1) { friend { id } friend { x: kind } } }',
    '{ pet { ... on Dog { size } ... on Cat { size } } }',
    `{ ${'id '.repeat(documentLimits.merged + 1)} }`,
    `{ a: id b: id c: id d: id e: id f: id g: id h: id i: id i: kind }`,
  ])
    assert.ok(!plain(text), text)
})

test('a default is plain where it fits the variable and the variable fits without it', () => {
  for (const text of [
    'query ($n: Int! = 1, $s: Size = SMALL) { dog(count: $n, size: $s) { id } }',
    'query ($s: Size = null, $l: [Size!] = [LARGE]) { dog(count: 1, size: $s, sizes: $l) { id } }',
    'query ($f: Filter = { ids: ["1", 2] }) { pet(filter: $f) { __typename } }',
  ]) {
    assert.deepEqual(validate(schema, parse(text)), [], text)
    assert.ok(plain(text), text)
  }
  for (const text of [
    'query ($n: Int = 1) { dog(count: $n) { id } }',
    'query ($n: Int! = null) { dog(count: $n) { id } }',
    'query ($n: Int! = "1") { dog(count: $n) { id } }',
    'query ($n: Int!, $s: Size = HUGE) { dog(count: $n, size: $s) { id } }',
    'query ($f: Filter = { size: SMALL }) { pet(filter: $f) { __typename } }',
    'query ($f: Filter = { ids: [], other: 1 }) { pet(filter: $f) { __typename } }',
  ])
    assert.ok(!plain(text), text)
})

const leaves = ['id', 'kind', 'name', 'size', '__typename', 'name(upper: true)', 'gone']

test('whatever is called plain with all its repeats, graphql-js finds valid and the limits let pass', () => {
  const count = { plain: 0, repeats: 0 }
  const field = fc
    .tuple(fc.constantFrom('', 'x: ', 'y: '), fc.constantFrom(...leaves))
    .map(([alias, leaf]) => alias + leaf)
  const fields = fc.array(
    fc.oneof(
      { weight: 5, arbitrary: field },
      fc.constantFrom('... on Dog { id }', '... on Cat { kind }', '... on Node { x: kind id }'),
      fc.array(field, { minLength: 1, maxLength: 3 }).map((all) => `... { ${all.join(' ')} }`),
      fc.constant('...F'),
    ),
    { minLength: 1, maxLength: 8 },
  )
  fc.assert(
    fc.property(
      fields,
      fields,
      fc.constantFrom('Node', 'Dog', 'Cat'),
      fc.constantFrom('dog(count: 1)', 'node(id: 1)', 'pet'),
      (above, below, on, root) => {
        const fragment = below.filter((one) => one !== '...F').join(' ') || 'id'
        const used = above.includes('...F') ? ` fragment F on ${on} { ${fragment} }` : ''
        const text = `{ ${root} { ${above.join(' ')} } }${used}`
        if (!plain(text)) return
        count.plain++
        if (new Set(above).size < above.length) count.repeats++
        const document = parse(text)
        assert.deepEqual(validate(schema, document), [], text)
        assert.equal(exceedsExpansionLimits(document), undefined, text)
      },
    ),
    { numRuns: 4_000 },
  )
  assert.ok(count.plain > 100 && count.repeats > 5, JSON.stringify(count))
})

test('the defaults that are called plain, graphql-js finds valid', () => {
  const types = ['Int', 'Int!', 'Size', 'Size!', '[Size!]', '[Size]', 'Filter', 'Boolean']
  const values = [
    '1',
    'null',
    'SMALL',
    '"SMALL"',
    '[SMALL]',
    '[null]',
    '{ ids: [1] }',
    '{}',
    'true',
  ]
  const uses = ['dog(count: $v)', 'dog(count: 1, size: $v)', 'dog(count: 1, sizes: $v)']
  let found = 0
  for (const type of types)
    for (const value of values)
      for (const use of [...uses, 'pet(filter: $v)']) {
        const text = `query ($v: ${type} = ${value}) { ${use} { __typename } }`
        if (!plain(text)) continue
        found++
        assert.deepEqual(validate(schema, parse(text)), [], text)
      }
  assert.ok(found > 5, String(found))
})
