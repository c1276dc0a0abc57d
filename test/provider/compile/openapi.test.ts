import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readOpenApi } from '../../../src/provider/compile/openapi.ts'

type Json = Record<string, unknown>

function only(operation: Json, rest: Json = {}, method = 'post') {
  const [first, ...others] = readOpenApi({
    openapi: '3.1.0',
    paths: { '/things/{id}': { [method]: { operationId: 'things_act', ...operation } } },
    ...rest,
  })
  assert.equal(others.length, 0)
  assert.ok(first)
  return first
}

test('every operation is read, with the parameters of its path and its own in their place', () => {
  const described = readOpenApi({
    openapi: '3.0.0',
    servers: [{ url: 'https://api.example.test/v2/' }],
    paths: {
      '/a/{id}': {
        parameters: [
          { name: 'id', in: 'path', schema: { type: 'string' } },
          { name: 'trace', in: 'header', schema: { type: 'string' } },
        ],
        get: {
          operationId: 'a get!',
          parameters: [
            { name: 'id', in: 'path', schema: { type: 'integer' } },
            { name: 'all', in: 'query', schema: { type: ['boolean', 'null'] } },
            { name: 'ids', in: 'query', schema: { type: 'array' } },
          ],
        },
        delete: {},
      },
    },
  })
  assert.deepEqual(
    described.map(({ name, method, path, parameters }) => ({ name, method, path, parameters })),
    [
      {
        name: 'a-get-',
        method: 'GET',
        path: '/v2/a/{id}',
        parameters: [
          { name: 'id', in: 'path', type: 'integer' },
          { name: 'all', in: 'query', type: 'boolean' },
          { name: 'ids', in: 'query', type: 'list' },
        ],
      },
      {
        name: 'delete/v2/a/-id-',
        method: 'DELETE',
        path: '/v2/a/{id}',
        parameters: [{ name: 'id', in: 'path', type: 'string' }],
      },
    ],
  )
})

test('the members of every variant of a body are its members, lists and references included', () => {
  const { body } = only(
    {
      requestBody: {
        content: {
          'application/json': {
            schema: {
              oneOf: [
                { properties: { a: { type: 'string' } } },
                { allOf: [{ $ref: '#/components/schemas/B' }] },
              ],
            },
          },
          'multipart/form-data': {},
        },
      },
    },
    {
      components: {
        schemas: {
          B: {
            properties: {
              rules: {
                items: { properties: { port: {}, next: { $ref: '#/components/schemas/B' } } },
              },
            },
          },
        },
      },
    },
  )
  assert.deepEqual(body, {
    members: ['a', 'rules', 'rules.*', 'rules.*.port', 'rules.*.next'],
    form: 'json',
    upload: ['multipart/form-data'],
  })
})

test('a body that may be anything has unknown members, a form is a form, and Swagger 2 is read alike', () => {
  const content = (types: Json) => only({ requestBody: { content: types } }).body
  assert.deepEqual(content({ 'application/json': { schema: {} } }), {
    members: undefined,
    form: 'json',
    upload: [],
  })
  assert.deepEqual(
    content({ 'application/x-www-form-urlencoded': { schema: { properties: { a: {} } } } }),
    { members: ['a'], form: 'form', upload: [] },
  )
  const [swagger] = readOpenApi({
    swagger: '2.0',
    basePath: '/api/v1',
    paths: {
      '/a': {
        put: {
          parameters: [
            { name: 'x', in: 'query', type: 'integer' },
            { name: 'body', in: 'body', schema: { $ref: '#/definitions/A' } },
          ],
          responses: { 200: { schema: { properties: { token: { type: 'string' } } } } },
        },
      },
    },
    definitions: { A: { properties: { size: {} } } },
  })
  assert.deepEqual(swagger?.path, '/api/v1/a')
  assert.deepEqual(swagger?.parameters, [{ name: 'x', in: 'query', type: 'integer' }])
  assert.deepEqual(swagger?.body?.members, ['size'])
  assert.deepEqual(swagger?.reveals, [['token']])
})

test('fields of good answers that are named like credentials are found at any depth', () => {
  const { reveals } = only({
    responses: {
      200: {
        content: {
          'application/json': {
            schema: {
              properties: {
                databases: {
                  items: {
                    properties: {
                      connection: { properties: { password: { type: 'string' }, port: {} } },
                      dbPassword: { type: 'string' },
                      token_count: { type: 'integer' },
                      tokens: { type: 'integer' },
                      password: { properties: { length: {} } },
                    },
                  },
                },
                extra: { additionalProperties: { properties: { api_key: {} } } },
              },
            },
          },
        },
      },
      400: { content: { 'application/json': { schema: { properties: { secret: {} } } } } },
    },
  })
  assert.deepEqual(
    reveals.map((path) => path.join('.')),
    ['databases.*.connection.password', 'databases.*.dbPassword', 'extra.*.api_key'],
  )
})

test('what is no description, or refers nowhere, outside or to itself, is refused by name', () => {
  const schema = (reference: string, rest: Json = {}) =>
    only(
      { requestBody: { content: { 'application/json': { schema: { $ref: reference } } } } },
      rest,
    )
  assert.throws(() => readOpenApi([]), /has no paths/)
  assert.throws(() => readOpenApi({ paths: {} }), /neither "openapi" nor/)
  assert.throws(() => schema('other.yml#/A'), /outside of the document/)
  assert.throws(() => schema('#/components/schemas/Gone'), /leads nowhere/)
  assert.throws(() => schema('#/__proto__/x'), /leads nowhere/)
  assert.throws(
    () => schema('#/components/x', { components: { x: { $ref: '#/components/x' } } }),
    /refers to itself/,
  )
})
