import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildSchema } from 'graphql'
import { analyse } from '../../../src/provider/graphql/analyse.ts'
import type { GraphqlCatalogue, RootField } from '../../../src/provider/graphql/catalogue.ts'

const known: RootField = {
  root: 'query',
  field: 'known',
  operation: 'known',
  effects: ['read'],
  scope: 'public',
  denied: false,
  ids: [],
  adds: [],
}

/** A provider that has grown: the schema knows a field that nobody has reviewed. */
const catalogue: GraphqlCatalogue = {
  provider: 'small',
  schema: buildSchema('type Query { known: Thing unread: Int } type Thing { old: Int new: Thing }'),
  roots: new Map([['query.known', known]]),
  edges: new Map([['Thing.old', 'stays']]),
  path: '/graphql',
  bodyLimit: 1_000,
}

function detail(text: string): string {
  const plan = analyse(catalogue, text, undefined)
  return plan.ok ? 'understood' : `${plan.refusal.code}: ${plan.refusal.detail}`
}

test('a field that the schema has and the catalogue has not is refused, at the root and below it', () => {
  assert.equal(detail('{ known { old } }'), 'understood')
  assert.match(
    detail('{ known { old new { old } } }'),
    /^operation_unknown: The field Thing\.new is not in the catalogue/,
  )
  assert.match(detail('{ known { ... on Thing { ... { n: new { old } } } } }'), /Thing\.new/)
  assert.match(detail('{ unread }'), /^operation_unknown/)
})
