import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adapter, document, invocations, post, refusal } from '../../support/railway-verdict.ts'

const read = '{ environment(id: "e") { id } }'

/** The body that would be forwarded. */
function forwarded(request: Parameters<typeof adapter.identify>[0]): Record<string, unknown> {
  const result = adapter.identify(request)
  assert.ok(result.ok)
  assert.equal(result.request.method, 'POST')
  assert.equal(result.request.target, '/graphql/v2')
  assert.deepEqual(result.request.headers, { 'content-type': 'application/json' })
  return JSON.parse(result.request.body?.toString() ?? '') as Record<string, unknown>
}

test('two root fields are two operations, and so is one verb twice', () => {
  const found = invocations(
    document(
      'mutation { a: volumeDelete(volumeId: "v") b: volumeDelete(volumeId: "w") variableDelete(input: { environmentId: "e", projectId: "p", name: "n" }) }',
    ),
  )
  assert.deepEqual(
    found.map(({ operation, responseKey }) => [operation, responseKey]),
    [
      ['volumeDelete', 'a'],
      ['volumeDelete', 'b'],
      ['variableDelete', 'variableDelete'],
    ],
  )
})

test('only the chosen operation and the fragments it uses are forwarded', () => {
  const sent = post({
    query:
      '# a comment\nquery Q { environment(id: "e") { ...F } } mutation M { volumeDelete(volumeId: "v") ...G } fragment F on Environment { name } fragment G on Mutation { projectDelete(id: "p") }',
    operationName: 'Q',
  })
  assert.deepEqual(
    invocations(sent).map(({ operation }) => operation),
    ['environment'],
  )
  const { query, operationName } = forwarded(sent)
  assert.equal(operationName, 'Q')
  assert.equal(
    query,
    'query Q {\n  environment(id: "e") {\n    ...F\n  }\n}\n\nfragment F on Environment {\n  name\n}',
  )
})

test('an operation is chosen as the specification says, or none is', () => {
  const two = `query A ${read} query B ${read}`
  assert.match(refusal(post({ query: two })), /say which with operationName/)
  assert.match(refusal(post({ query: two, operationName: 'C' })), /no operation of the name/)
  assert.match(
    refusal(post({ query: `query A ${read}`, operationName: 'B' })),
    /no operation of the name/,
  )
  assert.match(refusal(post({ query: read, operationName: 'B' })), /no operation of the name/)
  assert.match(refusal(post({ query: read, operationName: '' })), /not a GraphQL name/)
  assert.match(refusal(post({ query: read, operationName: ['A'] })), /not a GraphQL name/)
  assert.match(
    refusal(post({ query: `query A ${read} query A ${read}`, operationName: 'A' })),
    /two operations/,
  )
  assert.equal(invocations(post({ query: two, operationName: 'B' })).length, 1)
  assert.equal(invocations(post({ query: read, operationName: null })).length, 1)
})

test('variables are taken as they would be coerced, and forwarded as they were sent', () => {
  const query =
    'mutation M($e: String = "default", $r: Boolean, $v: EnvironmentVariables!) { variableCollectionUpsert(input: { environmentId: $e, projectId: "p", replace: $r, variables: $v }) }'
  const environment = (variables: Record<string, string | boolean | null | object>) => {
    const [invocation] = invocations(document(query, JSON.parse(JSON.stringify(variables))))
    return {
      id: invocation?.resources.find(({ role }) => role === 'environment')?.id,
      added: invocation?.added,
    }
  }
  assert.deepEqual(environment({ v: {} }), { id: 'default', added: [] })
  assert.deepEqual(environment({ v: {}, e: 'sent' }), { id: 'sent', added: [] })
  assert.deepEqual(environment({ v: {}, r: true }), { id: 'default', added: ['destructive'] })
  assert.deepEqual(environment({ v: {}, r: null }), { id: 'default', added: ['destructive'] })
  const variables = { v: { A: '1', b: [1.5, null] }, e: 'sent' }
  assert.deepEqual(forwarded(document(query, variables))['variables'], variables)
})

test('variables that do not fit or are not declared are refused', () => {
  const query = 'query E($id: String!) { environment(id: $id) { id } }'
  assert.match(refusal(document(query)), /do not fit/)
  assert.match(refusal(document(query, {})), /do not fit/)
  assert.match(refusal(document(query, { id: null })), /do not fit/)
  assert.match(refusal(document(query, { id: 1 })), /do not fit/)
  assert.match(refusal(document(query, { id: 'e', more: 1 })), /no variable "more"/)
  assert.match(refusal(document(read, { id: 'e' })), /no variable "id"/)
})

test('a field that may run counts, whatever skip and include say', () => {
  const found = invocations(
    document(
      'mutation M($x: Boolean!) { a: volumeDelete(volumeId: "v") @include(if: $x) ... @skip(if: true) { projectDelete(id: "p") } }',
      { x: false },
    ),
  )
  assert.deepEqual(
    found.map(({ operation }) => operation),
    ['volumeDelete', 'projectDelete'],
  )
})

test('a document of __typename alone, and introspection, are public reads', () => {
  for (const [query, operation] of [
    ['{ __typename }', '__typename'],
    ['mutation { __typename }', '__typename'],
    ['{ __schema { queryType { name } } }', '__schema'],
    ['{ __type(name: "Project") { fields { name } } }', '__type'],
  ] as const) {
    const [invocation, ...more] = invocations(document(query))
    assert.equal(more.length, 0)
    assert.equal(invocation?.operation, operation)
    assert.equal(invocation.scope, 'public')
    assert.deepEqual(invocation.effects, ['read'])
  }
  const beside = invocations(document('{ __typename environment(id: "e") { id __typename } }'))
  assert.deepEqual(
    beside.map(({ operation }) => operation),
    ['environment'],
  )
})

test('the media type is JSON in any case, with a charset of UTF-8 or none', () => {
  for (const type of [
    'application/json',
    'APPLICATION/JSON',
    'application/json;charset=utf-8',
    'application/json ; Charset="UTF-8"',
  ])
    assert.equal(
      invocations(post({ query: read }, { headers: { 'content-type': type } })).length,
      1,
    )
  for (const type of [
    'application/x-www-form-urlencoded',
    'application/graphql',
    'text/plain',
    'application/json; charset=utf-16',
    'application/json; boundary=x',
    'application/json, text/plain',
    'application/json;',
    'application/jsonp',
    '',
  ])
    assert.match(
      refusal(post({ query: read }, { headers: { 'content-type': type } })),
      /^unsupported_media_type: .*-H 'Content-Type: application\/json'/,
    )
  assert.match(refusal(post({ query: read }, { headers: {} })), /^unsupported_media_type/)
})

test('an unknown operation is called that', () => {
  assert.match(
    refusal(document('mutation { volumeObliterate(volumeId: "v") }')),
    /^operation_unknown: railway has no mutation "volumeObliterate"/,
  )
  assert.match(refusal(document('{ volumeDelete(volumeId: "v") }')), /^operation_unknown/)
  assert.match(refusal(document('{ constructor }')), /^operation_unknown/)
})

test('a document that is understood once is understood the same again', () => {
  const sent = document('query E($id: String!) { environment(id: $id) { id } }', { id: 'one' })
  const again = document('query E($id: String!) { environment(id: $id) { id } }', { id: 'two' })
  assert.equal(invocations(sent)[0]?.resources[0]?.id, 'one')
  assert.equal(invocations(again)[0]?.resources[0]?.id, 'two')
  assert.equal(invocations(sent)[0]?.resources[0]?.id, 'one')
})
