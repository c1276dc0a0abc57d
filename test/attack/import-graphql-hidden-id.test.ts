/**
 * An id of another environment, or of everything beside the bound one, put where nobody looks: in a filter that says
 * "not", "or" or "any of", behind an alias, in a fragment, in a variable or its default, in a list, in an argument below a
 * root, in a scalar that may hold anything. Each is named among what the request touches, or the request is refused.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adapterOf, compileDepot, identify } from '../support/imported-graphql.ts'

const depot = adapterOf()

/** Every id that was found, and whether all of the request stays inside what they name. */
function named(body: unknown, adapter = depot): string[] | 'widens' | 'refused' {
  const identified = identify(adapter, body)
  if (!identified.ok) return 'refused'
  if (identified.invocations.some((one) => one.widens.length > 0)) return 'widens'
  return identified.invocations.flatMap((one) =>
    one.resources.map(({ kind, id }) => `${kind}:${id}`),
  )
}

test('a filter names what it holds, and nothing that it leaves out', () => {
  assert.deepEqual(named('{ servers(filter: { environmentId: "staging" }) { id } }'), [
    'environment:staging',
  ])
  for (const filter of [
    '{ environmentId: "staging", environmentId_not: "prod" }',
    '{ environmentId_not: "prod" }',
    '{ environmentId: "staging", or: [{ name: "db" }] }',
    '{ environmentId: "staging", or: [] }',
    '{ environmentId: "staging", or: { environmentId: "prod" } }',
    '{ environmentId: "staging", or: [{ or: [{ environmentId: "prod" }] }] }',
    '{ environmentId: "staging", or: null }',
  ])
    assert.equal(named(`{ servers(filter: ${filter}) { id } }`), 'widens', filter)
  const variables = { f: { environmentId: 'staging', or: [{ environmentId: 'prod' }] } }
  const query = 'query ($f: ServerFilter!) { servers(filter: $f) { id } }'
  assert.equal(named({ query, variables }), 'widens')
  // No id at all: nothing is located, which is denied.
  assert.deepEqual(named('{ servers(filter: { name: "db" }) { id } }'), [])
  assert.deepEqual(named('{ servers(filter: { environmentId: null }) { id } }'), [])
})

test('every way to spell an argument comes to the same id', () => {
  for (const body of [
    '{ a: server(id: "s1") { id } b: server(id: "p1") { id } }',
    'query { server(id: "s1") { id } ... on Query { x: server(id: "p1") { id } } }',
    'query { server(id: "s1") { id } ...F } fragment F on Query { x: server(id: "p1") { id } }',
    'query ($a: ID! = "p1") { server(id: "s1") { id } x: server(id: $a) { id } }',
    {
      query:
        'query A { server(id: "s1") { id } } query B { server(id: "s1") { id } x: server(id: "p1") { id } }',
      operationName: 'B',
    },
    {
      query: 'query ($a: ID!) { server(id: "s1") { id } x: server(id: $a) { id } }',
      variables: { a: 'p1' },
    },
    'query ($s: Boolean = true) { server(id: "s1") { id } x: server(id: "p1") @skip(if: $s) { id } }',
  ])
    assert.deepEqual(named(body), ['server:s1', 'server:p1'], JSON.stringify(body))
  assert.deepEqual(named('mutation { serverMove(id: "s1", toEnvironmentId: "prod") { id } }'), [
    'server:s1',
    'environment:prod',
  ])
  assert.deepEqual(named('mutation { diskResize(diskId: 11, size: 1) { id } }'), ['disk:11'])
})

test('a request that could be read as another is refused', () => {
  const read = '{ server(id: "s1") { id } }'
  for (const body of [
    [{ query: read }, { query: 'mutation { serverDelete(id: "s1") }' }],
    { query: `query A ${read} query B ${read}` },
    { query: `query A ${read}`, operationName: 'B' },
    { query: read, extensions: { persistedQuery: { version: 1, sha256Hash: 'a' } } },
    { extensions: { persistedQuery: { version: 1, sha256Hash: 'a' } } },
    { query: read, variables: '{}' },
    { query: read, variables: { id: 'p1' } },
    { query: `${read} fragment F on Query ${read}` },
    { query: '{ server(id: "s1", id: "p1") { id } }' },
    { query: '{ ... @defer { server(id: "s1") { id } } }' },
    { query: '{ server(id: "s1") { id } ... @live { me { id } } }' },
    { query: '{ a: server(id: "s1") { id } a: server(id: "p1") { id } }' },
    { query: 'query { server(id: "s1") { id } } type Query { a: Int }' },
  ])
    assert.equal(named(body), 'refused', JSON.stringify(body))
  for (const change of [
    { method: 'GET' },
    { method: 'PUT' },
    { query: 'query=%7Bme%7Bid%7D%7D' },
    { path: '/api/graphql/' },
    { path: '/api//graphql' },
    { headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    { headers: { 'content-type': 'application/json; charset=utf-16' } },
    { headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' } },
  ])
    assert.ok(!identify(depot, read, change).ok, JSON.stringify(change))
})

const thing = (fields: string, more = '') => `
  scalar JSON
  scalar AccountId
  scalar AccountName
  input Deep { a: Deep2 } input Deep2 { a: Deep3 } input Deep3 { a: Deep4 } input Deep4 { a: Deep5 }
  input Deep5 { a: Deep6 } input Deep6 { a: Deep7 } input Deep7 { projectId: ID }
  ${more}
  type Thing { id: ID! other(thingId: String): String things(where: JSON): [Thing!]! }
  type Query { ${fields} }`

/** Why an operation waits for a review, where it does. */
function doubt(fields: string, more = ''): string | undefined {
  const review = { ids: [{ at: 'environmentId', kind: 'environment' }] }
  const compiled = compileDepot({
    schema: thing(`a(environmentId: ID!, ${fields}): Thing`, more),
    review,
  })
  assert.ok(compiled.ok, compiled.ok ? '' : compiled.detail)
  return compiled.report.listed.find(({ name }) => name === 'a')?.denied
}

test('an argument that may be an id waits for somebody to say of what', () => {
  assert.equal(doubt('size: Int, after: String, on: Boolean'), undefined)
  for (const argument of [
    'id: ID',
    'ids: [ID!]',
    'ownerId: String',
    'owner_ids: [String!]',
    'serverID: Int',
    'thingUUID: String',
    'slug: String',
    'account: AccountId',
    // By the name of a kind that the manifest knows.
    'project: String',
    'toServer: String',
    'serverName: String',
    'parent: String',
    'targetName: String',
    'workspace: AccountName',
    'extra: JSON',
    'in: In',
    'in: [[In]]',
  ])
    assert.match(
      doubt(argument, 'input In { name: String owner_id: ID }') ?? '',
      /role was not reviewed|does not say what/,
      argument,
    )
})

test('an id that is nested deeper than is read makes its operation reach everything', () => {
  const review = { ids: [{ at: 'environmentId', kind: 'environment' }] }
  const adapter = adapterOf({ schema: thing('a(environmentId: ID!, in: Deep): Thing'), review })
  const deep = '{a:{a:{a:{a:{a:{a:{projectId:"prod"}}}}}}}'
  assert.equal(named(`{ a(environmentId: "staging", in: ${deep}) { id } }`, adapter), 'widens')
  assert.deepEqual(named('{ a(environmentId: "staging") { id } }', adapter), [
    'environment:staging',
  ])
})

test('an alternative reaches what is not named, also where it cannot be nested', () => {
  const review = { ids: [{ at: 'in.environmentId', kind: 'environment' }] }
  const more = 'input In { environmentId: ID any: Other size_gt: Int } input Other { size: Int }'
  const adapter = adapterOf({ schema: thing('a(in: In): Thing', more), review })
  const filter = (text: string) =>
    named(`{ a(in: { environmentId: "staging"${text} }) { id } }`, adapter)
  assert.equal(filter(', any: { size: 1 }'), 'widens')
  assert.deepEqual(filter(', size_gt: 1'), ['environment:staging'])
})

test('an argument below a root chooses no object that nobody has looked at', () => {
  const review = {
    ids: [{ at: 'environmentId', kind: 'environment' }],
    edges: { 'Thing.*': 'stays' as const },
  }
  const adapter = adapterOf({ schema: thing('a(environmentId: ID!): Thing'), review })
  assert.equal(named('{ a(environmentId: "x") { other(thingId: "prod") } }', adapter), 'refused')
  assert.equal(
    named('{ a(environmentId: "x") { things(where: {a: "prod"}) { id } } }', adapter),
    'refused',
  )
})

test('what is no id is not taken for one', () => {
  const review = { ids: [{ at: 'at', kind: 'environment' }] }
  const adapter = adapterOf({ schema: thing('a(at: JSON): Thing'), review })
  for (const value of [
    '{id: "prod"}',
    '[["staging"], {a: "prod"}]',
    '1.5',
    'true',
    '12345678901234567890',
  ])
    assert.equal(named(`{ a(at: ${value}) { id } }`, adapter), 'refused', value)
  assert.deepEqual(named('{ a(at: [7, "x"]) { id } }', adapter), ['environment:7', 'environment:x'])
})
