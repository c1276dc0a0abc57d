import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bundle } from '../../../src/provider/compile/bundle.ts'
import { DescriptionError, readOpenApi } from '../../../src/provider/compile/openapi.ts'

function bundled(files: Readonly<Record<string, string>>, root = 'api/root.yml') {
  return bundle(root, (path) => (Object.hasOwn(files, path) ? files[path] : undefined))
}

const root = `
openapi: "3.0.0"
paths:
  /things/{thing_id}:
    post: { $ref: "things/create.yml" }
components:
  schemas:
    Text: { type: string }
`
const create = `
operationId: things_create
parameters:
  - $ref: ../parameters.yml#/thing~1id
requestBody:
  content:
    application/json:
      schema: { $ref: "#/schema" }
schema:
  type: object
  properties:
    name: { $ref: "../root.yml#/components/schemas/Text" }
    inner: { $ref: "models/inner.yml" }
responses: {}
`
const files = {
  'api/root.yml': root,
  'api/things/create.yml': create,
  'api/parameters.yml':
    'thing/id: { name: thing_id, in: path, required: true, schema: { type: integer } }',
  'api/things/models/inner.yml':
    'properties: { deep: { type: string }, again: { $ref: "#" }, up: { $ref: "../create.yml#/schema" } }',
}

test('files, pointers into files and pointers back to the first are joined into one document', () => {
  const [operation] = readOpenApi(bundled(files))
  assert.equal(operation?.name, 'things_create')
  assert.deepEqual(operation?.parameters, [{ name: 'thing_id', in: 'path', type: 'integer' }])
  assert.ok(operation?.body?.members?.includes('inner.deep'))
})

test('it is plain data: nothing of it is lost by writing it as JSON', () => {
  const document = bundled(files)
  assert.deepEqual(JSON.parse(JSON.stringify(document)), document)
})

test('a reference can lead to nothing but a file of the folder', () => {
  for (const reference of [
    '../secret.yml',
    '../../etc/passwd',
    '%2e%2e/secret.yml',
    '/etc/passwd',
    'file:///etc/passwd',
    'https://example.com/a.yml',
    'missing.yml',
    '%zz.yml',
    '#name',
    'root.yml',
  ]) {
    const asked: string[] = []
    assert.throws(
      () =>
        bundle('root.yml', (path) => {
          asked.push(path)
          return path === 'root.yml' ? `paths: { $ref: ${JSON.stringify(reference)} }` : undefined
        }),
      DescriptionError,
      reference,
    )
    assert.ok(
      asked.every((path) => path === 'root.yml' || path === 'missing.yml'),
      reference,
    )
  }
})

test('what is not YAML, doubles a key or multiplies its aliases is refused', () => {
  const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x]']
  for (let i = 1; i < 10; i++)
    bomb.push(
      `a${String(i)}: &a${String(i)} [${Array.from({ length: 9 }, () => `*a${String(i - 1)}`).join(', ')}]`,
    )
  for (const text of ['paths: [', 'paths: {}\npaths: {}', bomb.join('\n'), '- a list', 'text'])
    assert.throws(() => bundled({ 'api/root.yml': text }), DescriptionError, text.slice(0, 40))
  const deep = `${'['.repeat(200)}${']'.repeat(200)}`
  assert.throws(() => bundled({ 'api/root.yml': `paths: ${deep}` }), DescriptionError)
})
