import { test } from 'node:test'
import assert from 'node:assert/strict'
import { buildSchema, introspectionFromSchema } from 'graphql'
import type { ImportedReview } from '../../../../src/provider/imported/review.ts'
import { depotManifest, depotReview, depotSchema } from '../../../support/depot.ts'
import { compileDepot, type Given } from '../../../support/imported-graphql.ts'

function refused(given: Given, pointer: string | undefined, said: RegExp): void {
  const compiled = compileDepot(given)
  assert.ok(!compiled.ok, said.source)
  assert.match(compiled.detail, said)
  assert.match(compiled.detail, /^[ -~]+$/)
  assert.equal(compiled.pointer, pointer)
}

test('a schema that is none, or not whole, is refused with what is wrong', () => {
  for (const [schema, said] of [
    ['type Query {\n  a: }', /line 2, column 6/],
    ['type Query { a: Lost }', /not valid: .*Lost/],
    ['type Query { a: Int a: Int }', /not valid: .*Query\.a/],
    ['type Query { a(b: Query): Int }', /not valid: .*Query\.a/],
    ['type Query', /not valid: .*Query/],
    ['type Thing { a: Int }', /Query root type must be provided/],
    ['query { a }', /operations or fragments/],
    ['{ a }', /neither a GraphQL schema nor the JSON/],
    ['{"data":{"__schema":{}}}', /not whole/],
    ['{"data":{"__schema":{"types":[]}}}', /Query root type/],
    ['{"data":{}}', /no __schema/],
    ['{"data":null}', /no __schema/],
    [`type Query { a: ${'['.repeat(100_000)}Int }`, /nested too deeply/],
    ['', /line 1/],
  ] as const)
    refused({ schema }, undefined, said)
})

test('SDL and the introspection of it come to the same catalogue', () => {
  const sdl = compileDepot()
  const schema = JSON.stringify({ data: introspectionFromSchema(buildSchema(depotSchema)) })
  const introspection = compileDepot({ schema, manifest: depotManifest, review: depotReview })
  assert.ok(sdl.ok && introspection.ok)
  const operations = (catalogue: string): unknown =>
    (JSON.parse(catalogue) as { operations: unknown }).operations
  assert.deepEqual(operations(introspection.catalogue), operations(sdl.catalogue))
  assert.deepEqual(introspection.report.listed, sdl.report.listed)
})

test('roots may be called anything, and a server’s own directives may be undefined', () => {
  const schema = `
    extend schema @link(url: "https://specs.example/v2")
    schema { query: Reading mutation: Writing }
    type Reading @key(fields: "id") { server(id: ID! @ours): Int @aws_auth }
    type Writing { serverDelete(id: ID!): Int }
    type Mutation { a: Int }`
  const compiled = compileDepot({ schema, review: { ids: [{ at: 'id', kind: 'server' }] } })
  assert.ok(compiled.ok, compiled.ok ? '' : compiled.detail)
  assert.deepEqual(
    compiled.report.listed.map(
      ({ name, method, effects }) => `${method} ${name} ${effects.join()}`,
    ),
    ['query server read', 'mutation serverDelete write,destructive'],
  )
  assert.equal(compiled.report.unreviewed, 0)
})

test('a look-up that does not fit the schema is refused before it is relied on', () => {
  const server = depotManifest.homes?.['server']
  const given = (kind: string, home: object): Given => ({
    manifest: { ...depotManifest, homes: { ...depotManifest.homes, [kind]: home as never } },
  })
  const wrong = (change: object, member: string, said: RegExp): void =>
    refused(given('server', { ...server, ...change }), `/manifest/homes/server/${member}`, said)
  const asks = (text: string) => ({ query: `query ($id: ID!) { ${text} }` })
  wrong({ query: 'query {' }, 'query', /no GraphQL query/)
  wrong(asks('server(id: $id) { id nope }'), 'query', /nope/)
  wrong({ query: 'mutation ($id: ID!) { serverDelete(id: $id) }' }, 'query', /one query/)
  wrong(asks('server(id: $id) @skip(if: false) { id environment { id } }'), 'query', /directive/)
  wrong({ query: '{ server(id: "s1") { id environment { id } } }' }, 'query', /variable is \$id/)
  wrong(
    {
      query:
        'query ($id: ID!, $x: ID!) { server(id: $id) { id environment { id } } a: server(id: $x) { id } }',
    },
    'query',
    /variable is \$id/,
  )
  wrong({ at: 'server.environment.name' }, 'at', /does not ask for name/)
  wrong({ at: 'server.environment' }, 'at', /does not end at a value/)
  wrong({ at: 'server.environment.*.id' }, 'at', /./)
  wrong({ same: 'server' }, 'same', /does not end at a value/)
  wrong({ more: 'server.id' }, 'more', /not one value of the kind/)
  const disk = depotManifest.homes?.['disk']
  refused(
    given('disk', { ...disk, more: undefined, cursor: undefined }),
    '/manifest/homes/disk/more',
    /is paged/,
  )
  refused(
    given('disk', { ...disk, cursor: undefined }),
    '/manifest/homes/disk/cursor',
    /belong together/,
  )
  refused(
    given('disk', { ...disk, items: 'environment.id' }),
    '/manifest/homes/disk/items',
    /no list/,
  )
  const nested =
    'query ($id: ID!) { project(id: $id) { id environments { disks { nodes { id } pageInfo { hasNextPage } } } } }'
  refused(
    given('project', {
      ...depotManifest.homes?.['project'],
      query: nested,
      at: 'project.environments.*.disks.nodes.*.id',
    }),
    '/manifest/homes/project/at',
    /list of lists/,
  )
})

test('a review that speaks of what is not there is refused', () => {
  const wrong = (change: ImportedReview, said: RegExp): void =>
    refused({ review: { ...depotReview, ...change } }, '/review', said)
  wrong({ effects: { lost: ['read'] } }, /lost/)
  wrong({ public: ['lost'] }, /lost/)
  wrong({ edges: { 'Server.lost': 'stays' } }, /Server\.lost/)
  wrong({ edges: { 'Lost.*': 'stays' } }, /Lost/)
  wrong({ ids: [{ at: 'lostId', kind: 'server' }] }, /the argument lostId/)
  wrong({ ids: [{ at: 'id', kind: 'server', operations: ['lost'] }] }, /lost/)
  const adds = ['destructive' as const]
  wrong(
    { conditions: { serverScale: [{ path: 'replica', max: 0, adds }] } },
    /no argument of it: replica/,
  )
  wrong({ conditions: { serverCreate: [{ path: 'input.lost', adds }] } }, /no argument of it/)
})
