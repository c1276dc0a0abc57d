/**
 * The author of a GraphQL schema that an operator imports would have a mutation run from below a query, a credential pass
 * as an ordinary field, an operation mean another in the next version, or the broker stand still.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changeSince, reviewedVersion } from '../../src/core/reviewed.ts'
import { adapterOf, compileDepot, identify } from '../support/imported-graphql.ts'
import type { ImportedReview } from '../../src/provider/imported/review.ts'

const review: ImportedReview = { ids: [{ at: 'id', kind: 'server' }] }
const refusal = (schema: string, given: ImportedReview = {}): string => {
  const compiled = compileDepot({ schema, review: given })
  return compiled.ok ? 'compiled' : compiled.detail
}

test('a root is never reached from below', () => {
  const schema = `
    interface Node { id: ID! }
    type Query implements Node { id: ID! a(id: ID!): Thing query: Query node: Node }
    type Mutation { thingDelete(id: ID!): Thing }
    type Thing implements Node { id: ID! query: Query up: Node }`
  assert.match(refusal(schema, { edges: { 'Thing.query': 'stays' } }), /no edge .*Thing\.query/)
  assert.match(refusal(schema, { edges: { 'Query.query': 'stays' } }), /no edge .*Query\.query/)
  assert.match(refusal(schema, { edges: { 'Query.*': 'stays' } }), /no edge .*Query/)
  const adapter = adapterOf({
    schema,
    review: { ...review, edges: { 'Thing.*': 'stays', 'Node.*': 'stays' } },
  })
  for (const document of [
    '{ a(id: "s1") { query { __typename } } }',
    '{ a(id: "s1") { query { a(id: "p1") { id } } } }',
    '{ a(id: "s1") { up { ... on Query { a(id: "p1") { id } } } } }',
    '{ a(id: "s1") { up { ... on Query { node { id } } } } }',
  ])
    assert.ok(!identify(adapter, document).ok, document)
  assert.ok(identify(adapter, '{ a(id: "s1") { up { id } } }').ok)
})

test('a field that carries a credential is secret, whatever interface it is read by', () => {
  const schema = `
    scalar Anything
    interface Named { name: String value: String }
    type Login implements Named { name: String value: String apiKey: String login_password: String
      accessTokenValue: String bag: Anything databaseUrl: String tokenCount: Int nextToken: ID passwordSet: Boolean }
    type Query { a(id: ID!): Named }`
  const edges = { 'Login.value': 'secret', 'Named.value': 'stays' } as const
  const adapter = adapterOf({ schema, review: { ...review, edges } })
  const isSecret = (selection: string): boolean => {
    const identified = identify(adapter, `{ a(id: "s1") { ${selection} } }`)
    assert.ok(identified.ok, selection)
    return identified.invocations.some(({ added }) => added.includes('secret'))
  }
  for (const field of [
    'apiKey',
    'login_password',
    'accessTokenValue',
    'bag',
    'databaseUrl',
    'value',
    'nextToken',
  ])
    assert.ok(isSecret(`... on Login { x: ${field} }`), field)
  assert.ok(isSecret('value'))
  for (const field of ['name', 'tokenCount', 'passwordSet'])
    assert.ok(!isSecret(`... on Login { ${field} }`), field)
})

test('a credential that is made is looked for in what is secret, and where nothing is, everywhere', () => {
  const schema = `
    type Query { a: Int }
    type Key { id: ID! token: String } type Code { id: ID! value: String }
    type Mutation { keyCreate(id: ID!): Key codeCreate(id: ID!): Code textCreate(id: ID!): String
      tokenRevoke(id: ID!): Boolean thingCreate(id: ID!): Code }`
  const given = ['write', 'secret'] as const
  const effects = { keyCreate: [...given], codeCreate: [...given], textCreate: [...given] }
  const adapter = adapterOf({ schema, review: { ...review, effects } })
  const minted = (selection: string): unknown => {
    const identified = identify(adapter, `mutation { x: ${selection} }`)
    assert.ok(identified.ok, selection)
    const [invocation] = identified.invocations
    return invocation === undefined ? undefined : adapter.minted?.(invocation)?.paths
  }
  assert.deepEqual(minted('keyCreate(id: "s1") { id y: token }'), [['data', 'x', 'y']])
  assert.equal(minted('keyCreate(id: "s1") { id }'), undefined)
  assert.deepEqual(minted('codeCreate(id: "s1") { value }'), [['data', 'x']])
  assert.deepEqual(minted('textCreate(id: "s1")'), [['data', 'x']])
  assert.equal(minted('tokenRevoke(id: "s1")'), undefined)
  assert.equal(minted('thingCreate(id: "s1") { value }'), undefined)
})

test('names of an object’s own machinery are names like any other', () => {
  const schema = `
    type constructor { hasOwnProperty: String toString: constructor }
    type Query { constructor(id: ID!): constructor toString: String valueOf(constructor: ID!): Int }
    type Mutation { hasOwnProperty(id: ID!): Int }`
  const compiled = compileDepot({ schema, review: {} })
  assert.ok(compiled.ok)
  assert.equal(compiled.report.operations, 4)
  const adapter = adapterOf({ schema, review: {} })
  assert.equal([...adapter.operations()].length, 5)
  for (const document of [
    '{ constructor(id: "a") { toString { hasOwnProperty } } }',
    '{ valueOf(constructor: "a") }',
  ])
    assert.ok(!identify(adapter, document).ok, document)
  assert.equal(adapter.find('isPrototypeOf'), undefined)
  assert.match(refusal('type Query { __proto__: Int }'), /not valid/)
})

test('a query that sounds as if it acted, or says nothing of what it answers, waits for a review', () => {
  const schema = `scalar Any type Query { serverDelete(id: ID!): Int restart(id: ID!): Int blob(id: ID!): Any secrets(id: ID!): Any }`
  const compiled = compileDepot({ schema, review })
  assert.ok(compiled.ok)
  const denied = compiled.report.listed.filter((one) => one.denied !== undefined)
  assert.deepEqual(
    denied.map(({ name }) => name),
    ['blob', 'restart', 'serverDelete'],
  )
  const secrets = compiled.report.listed.find(({ name }) => name === 'secrets')
  assert.deepEqual(secrets?.effects, ['read', 'secret'])
})

test('a name under two roots is two operations', () => {
  const schema = 'type Query { server(id: ID!): Int } type Mutation { server(id: ID!): Int }'
  const effects = { 'mutation:server': ['write', 'destructive'] as const }
  const adapter = adapterOf({ schema, review: { ...review, effects: { ...effects } as never } })
  assert.equal(adapter.find('server'), 'ambiguous')
  const read = adapter.find('query:server')
  assert.ok(read !== undefined && read !== 'ambiguous')
  assert.deepEqual(read.effects, ['read'])
  assert.equal(adapter.find('subscription:server'), undefined)
  const identified = identify(adapter, 'mutation { server(id: "s1") }')
  assert.ok(identified.ok)
  assert.deepEqual(identified.invocations[0]?.effects, ['write', 'destructive'])
  assert.match(refusal('schema { query: Q mutation: Q } type Q { server: Int }'), /not valid/)
})

test('a next version in which an edge leads elsewhere is not covered unseen', () => {
  const schema = (to: string) => `
    type Query { a(id: ID!): Thing b(id: ID!): Int }
    type Thing { id: ID! next: ${to} } type Other { id: ID! note: String }`
  const given: ImportedReview = { ...review, edges: { 'Thing.*': 'stays' } }
  const before = reviewedVersion(adapterOf({ schema: schema('Thing'), review: given }).operations())
  const changes = (to: string, next: ImportedReview): unknown[] =>
    [...adapterOf({ schema: schema(to), review: next }).operations()].map((one) => [
      one.name,
      changeSince(before, one),
    ])
  assert.deepEqual(changes('Thing', given), [
    ['__typename', undefined],
    ['a', undefined],
    ['b', undefined],
  ])
  assert.deepEqual(changes('Other', given)[1], ['a', 'changed'])
  assert.deepEqual(changes('Other', given)[2], ['b', undefined])
  const elsewhere = { ...review, ids: [{ at: 'id', kind: 'environment' }] }
  assert.deepEqual(changes('Thing', { ...given, ...elsewhere })[2], ['b', 'changed'])
})

test('what multiplies without end is bounded, and what cannot be read is denied', () => {
  const inputs = Array.from(
    { length: 60 },
    (_, i) =>
      `input I${String(i)} { ${Array.from({ length: 20 }, (_, j) => `f${String(j)}: I${String((i + j + 1) % 60)}`).join(' ')} x: ID }`,
  ).join('\n')
  const compiled = compileDepot({ schema: `${inputs} type Query { a(in: I0): Int }`, review: {} })
  assert.ok(compiled.ok)
  assert.match(compiled.report.listed[0]?.denied ?? '', /role was not reviewed/)
  const wide = Array.from({ length: 4_000 }, (_, i) => `a${String(i)}: Int`).join(' ')
  const many = compileDepot({ schema: `type Query { a(${wide}): Int }`, review: {} })
  assert.ok(many.ok && /more than can be read/.test(many.report.listed[0]?.denied ?? ''))
  const roots = Array.from({ length: 20_001 }, (_, i) => `a${String(i)}: Int`).join(' ')
  assert.match(refusal(`type Query { ${roots} }`), /20001 root fields/)
  const fields = Array.from({ length: 60_000 }, (_, i) => `a${String(i)}: Int`).join(' ')
  assert.match(refusal(`type Query { a: T } type T { ${fields} }`), /60,?000 are read/)
  assert.match(refusal(`type Query { ${'a'.repeat(300)}: Int }`), /more than 180 characters/)
})

test('nothing of it that is reported holds a control, a look-alike or a value', () => {
  const evil = '\u001b[2J\u202e'
  const compiled = compileDepot({
    schema: `"${evil}" type Query { "${evil}" a(b: String = "${evil}"): Int @x(y: "${evil}") }`,
    review: {},
  })
  assert.ok(compiled.ok)
  for (const one of compiled.report.listed) assert.match(JSON.stringify(one), /^[ -~]*$/)
  const detail = refusal('type Query { a(b: Int = "SECRET"): Int }')
  assert.match(detail, /^[ -~]+$/)
  assert.ok(!detail.includes('SECRET'))
})
