/** A destructive operation hidden in a document that reads harmless. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { document, invocations, post, refusal } from '../support/railway-verdict.ts'

const operations = (text: string, variables?: Record<string, string>): string[] =>
  invocations(document(text, variables)).map(({ operation }) => operation)

test('an alias, a fragment, a nested fragment, a name or a comment does not hide an operation', () => {
  for (const text of [
    'mutation { environment: volumeDelete(volumeId: "v") }',
    'mutation query { volumeDelete(volumeId: "v") }',
    'mutation { ...F } fragment F on Mutation { volumeDelete(volumeId: "v") }',
    'mutation { ...volumeCreate } fragment volumeCreate on Mutation { volumeDelete(volumeId: "v") }',
    'mutation { ... { ... on Mutation { ...F } } } fragment F on Mutation { ... @skip(if: true) { volumeDelete(volumeId: "v") } }',
    '\uFEFF,,,,#mutation\nmutation,,{,volumeDelete(volumeId: "v"),,}',
    '"""query""" mutation { volumeDelete(volumeId: """v""") }',
  ])
    assert.deepEqual(operations(text), ['volumeDelete'], text)
})

test('the harmless part beside it does not hide it', () => {
  assert.deepEqual(
    operations(
      'mutation { volumeCreate(input: { projectId: "p", environmentId: "e", mountPath: "/" }) { id } ...A } fragment A on Mutation { ...B } fragment B on Mutation { ... on Mutation { ...C } } fragment C on Mutation { x: volumeDelete(volumeId: "v") }',
    ),
    ['volumeCreate', 'volumeDelete'],
  )
})

test('an id in an escape, a block string, a variable, a default or a list is read', () => {
  const ids = (text: string, variables?: Record<string, string>): (string | undefined)[] =>
    invocations(document(text, variables)).flatMap(({ resources }) => resources.map(({ id }) => id))
  assert.deepEqual(ids('mutation { volumeDelete(volumeId: "\\u0076\\u{31}") }'), ['v1'])
  assert.deepEqual(ids('mutation { volumeDelete(volumeId: """\n  v1\n""") }'), ['v1'])
  assert.deepEqual(ids('mutation M($v: String = "v1") { volumeDelete(volumeId: $v) }'), ['v1'])
  assert.deepEqual(
    ids('mutation M($v: String = "x") { volumeDelete(volumeId: $v) }', { v: 'v1' }),
    ['v1'],
  )
  assert.deepEqual(ids('query Q($i: [String!]!) { projectsByIds(ids: $i) { id } }', { i: 'one' }), [
    'one',
  ])
  assert.deepEqual(ids('{ projectsByIds(ids: ["a", "b"]) { id } }'), ['a', 'b'])
})

test('a deletion in a payload is found in a literal, in a variable, and in a variable inside a literal', () => {
  const added = (text: string, variables?: Record<string, object | boolean>) =>
    invocations(post(JSON.stringify({ query: text, variables })))[0]?.added
  assert.deepEqual(
    added(
      'mutation { environmentPatchCommit(environmentId: "e", patch: { volumes: { v: { isDeleted: true } } }) }',
    ),
    ['destructive'],
  )
  assert.deepEqual(
    added(
      'mutation M($p: EnvironmentConfig) { environmentPatchCommit(environmentId: "e", patch: $p) }',
      {
        p: { volumes: { v: { isDeleted: true } } },
      },
    ),
    ['destructive'],
  )
  assert.deepEqual(
    added(
      'mutation M($d: Boolean) { environmentPatchCommit(environmentId: "e", patch: { volumes: { v: { isDeleted: $d } } }) }',
      { d: true },
    ),
    ['destructive'],
  )
  assert.deepEqual(
    added(
      'mutation M($d: Boolean) { environmentPatchCommit(environmentId: "e", patch: { volumes: { v: { isDeleted: $d } } }) }',
      { d: false },
    ),
    [],
  )
  assert.deepEqual(
    added(
      'mutation M($s: JSON) { environmentPatchCommit(environmentId: "e", patch: { services: { s: { variables: { A: $s } } } }) }',
    ),
    ['destructive'],
  )
  assert.match(
    refusal(document('mutation { environmentPatchCommit(environmentId: "e", patch: "{}") }')),
    /not an object/,
  )
})

test('documents that are invalid are refused before anything is made of them', () => {
  for (const text of [
    '',
    '# mutation',
    'mutation { volumeDelete }',
    '{ environment(id: "a", id: "b") { id } }',
    'mutation \uFF5B volumeDelete(volumeId: "v") \uFF5D',
    'schema { query: Mutation } query { volumeDelete(volumeId: "v") }',
    'type Query { a: Int } { __typename }',
    'extend type Query { a: Int } { __typename }',
    'mutation { volumeDelete(volumeId: "v") @defer }',
    'mutation { volumeDelete(volumeId: "v") @anything }',
    '{ environment(id: "e") { id { x } } }',
    '{ environment(id: "e") }',
    '{ environment(id: "e") { } }',
    '{ ...F } fragment F on Mutation { volumeDelete(volumeId: "v") }',
    '{ environment(id: "e") { ...F } } fragment F on Environment { id } fragment G on Mutation { volumeDelete(volumeId: "v") }',
    'query A { __typename } fragment F on Query { __typename } fragment F on Query { __typename }',
    'subscription { environmentLogs(environmentId: "e") { message } }',
    'query ($a: String!) { environment(id: "e") { id } }',
    '{ environment(id: $a) { id } }',
    'query Q($a: Int) { environment(id: $a) { id } }',
    'query Q($a: String! @deprecated) { environment(id: $a) { id } }',
  ])
    assert.match(refusal(document(text)), /^(not_understood|operation_unknown)/, text)
})
