/**
 * A body that nobody reads, labelled as an upload, to get past what a reader would have found in it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { restAdapter } from '../../src/provider/rest/adapter.ts'
import type { RestManifest } from '../../src/provider/rest/manifest.ts'
import { identifyLine, invocationOf, verbOf } from '../support/rest-request.ts'

const manifest: RestManifest = {
  name: 'shelf',
  origins: ['https://shelf.example'],
  pathPrefixes: [],
  carriers: [{ name: 'bearer', header: 'authorization', prefix: 'Bearer ' }],
  injections: [{ name: 'bearer', header: 'authorization', prefix: 'Bearer ' }],
  bindings: [],
  headers: {},
  meaningfulHeaders: {},
  refusedHeaders: [],
  accepts: ['application/json'],
  bodyLimit: 1024,
  homes: {},
  self: { is: 'key' },
  rateLimitHeaders: [],
}

const operation = { method: 'POST', effects: 'write', scope: 'environment', body: 'force to' }
const adapter = restAdapter({
  manifest,
  catalogue: () =>
    JSON.stringify({
      source: 'shelf 1',
      conditions: [{ path: 'body.account', adds: ['admin'] }],
      operations: [
        {
          ...operation,
          name: 'put',
          path: '/books',
          upload: ['multipart/form-data'],
          conditions: [
            { path: 'body.force', equals: true, adds: ['destructive'] },
            { path: 'body.to', widens: 'it goes elsewhere' },
          ],
        },
        { ...operation, name: 'other', path: '/others' },
      ],
    }),
})

const headers = { 'content-type': 'multipart/form-data; boundary=x' }
const form = '--x\r\ncontent-disposition: form-data; name="force"\r\n\r\ntrue\r\n--x--\r\n'

test('what an unread body may say, it says: every condition of the operation holds', () => {
  assert.equal(verbOf(adapter, { line: 'POST /books', json: { force: false } }), 'put')
  const wish = { line: 'POST /books', headers, form }
  assert.equal(verbOf(adapter, wish), 'put+destructive')
  const identified = identifyLine(adapter, wish)
  const invocation = invocationOf(identified)
  assert.deepEqual(invocation.widens, ['it goes elsewhere'])
  assert.equal(invocation.opaque, true)
  assert.equal(invocation.arguments['body'], undefined, 'so that no constraint on it is met')
  assert.ok(identified.ok)
  assert.equal(identified.request.body?.toString(), form)
})

test('an operation that takes no upload takes none, whatever the label', () => {
  assert.match(verbOf(adapter, { line: 'POST /others', headers, form }), /^refused/)
  const coded = { ...headers, 'content-encoding': 'gzip' }
  assert.match(verbOf(adapter, { line: 'POST /books', headers: coded, form }), /^refused/)
  const long = form.padEnd(2_000, 'x')
  assert.match(verbOf(adapter, { line: 'POST /books', headers, form: long }), /^refused/)
})
