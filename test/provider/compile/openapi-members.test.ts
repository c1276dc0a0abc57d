import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readOpenApi } from '../../../src/provider/compile/openapi.ts'

test('a body has no members that are answered only, but deeper ids among them are seen', () => {
  const schema = {
    properties: {
      id: { type: 'string', readOnly: true },
      name: { type: 'string' },
      parts: { type: 'array', items: { properties: { id: { type: 'string', readOnly: true } } } },
    },
  }
  const [operation] = readOpenApi(described(schema))
  assert.deepEqual(operation?.body?.members, ['name', 'parts', 'parts.*', 'parts.*.id'])
})

test('properties that are a reference are followed, in bodies and in answers', () => {
  const [operation] = readOpenApi(described({ properties: { $ref: '#/components/shared' } }))
  assert.deepEqual(operation?.body?.members, ['owner', 'password'])
  assert.deepEqual(operation?.reveals, [['password']])
})

function described(schema: unknown): unknown {
  const content = { 'application/json': { schema } }
  return {
    openapi: '3.0.0',
    components: { shared: { owner: { type: 'string' }, password: { type: 'string' } } },
    paths: {
      '/things': {
        post: {
          operationId: 'things/create',
          requestBody: { content },
          responses: { 200: { content } },
        },
      },
    },
  }
}
