/** Bodies that one reader parses and another does not, or that are read twice with two results. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { githubAdapter } from '../../src/provider/github/adapter.ts'
import { jsonType, requestOf } from '../provider/github/request.ts'

const adapter = githubAdapter()
const update = 'PATCH /repos/acme/app-staging'

function codeOf(
  line: string,
  headers: Readonly<Record<string, string>>,
  body: string | Buffer,
): string {
  const identified = adapter.identify(requestOf(line, headers, body))
  return identified.ok ? 'ok' : identified.refusal.code
}

test('a body that is not labelled as JSON is not read, and not forwarded', () => {
  const labels = [
    'application/x-www-form-urlencoded',
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/json; charset=utf-16',
    'application/graphql',
    'application/vnd.github+json',
  ]
  for (const label of labels) {
    assert.equal(
      codeOf(update, { 'content-type': label }, '{"private":false}'),
      'unsupported_media_type',
      label,
    )
  }
  assert.equal(codeOf(update, {}, '{"private":false}'), 'unsupported_media_type')
})

test('a body in a content coding is refused, empty or not', () => {
  const coded = { ...jsonType, 'content-encoding': 'gzip' }
  assert.equal(codeOf(update, coded, gzipSync('{}')), 'unsupported_media_type')
  assert.equal(codeOf(update, coded, ''), 'unsupported_media_type')
  assert.equal(
    codeOf(update, { ...jsonType, 'content-encoding': 'identity' }, '{}'),
    'unsupported_media_type',
  )
})

test('a body where the operation has none is refused', () => {
  assert.equal(codeOf('GET /repos/acme/app-staging', jsonType, '{}'), 'not_understood')
  assert.equal(codeOf('HEAD /repos/acme/app-staging', jsonType, '{}'), 'not_understood')
  assert.equal(codeOf('DELETE /repos/acme/app-staging', jsonType, '{}'), 'not_understood')
})

test('JSON that two parsers read differently is refused', () => {
  const bodies = [
    '{"private":true,"private":false}',
    '{"private":true,"priv\\u0061te":false}',
    '\ufeff{"private":true}',
    '{"private":true}x',
    '{"private":true,}',
    "{'private':true}",
    '{"__proto__":{"private":true}}',
    '{"description":1e999}',
    '{"description":123456789012345678901}',
    `{"description":${'['.repeat(10_000)}${']'.repeat(10_000)}}`,
  ]
  for (const body of bodies)
    assert.equal(codeOf(update, jsonType, body), 'not_understood', body.slice(0, 40))
  assert.equal(
    codeOf(update, jsonType, Buffer.from('{"private":true}', 'utf16le')),
    'not_understood',
  )
})

test('a body is an object', () => {
  for (const body of ['[]', '[{"private":true}]', 'null', '"x"', '1', 'true', ' ']) {
    assert.equal(codeOf(update, jsonType, body), 'not_understood', body)
  }
})

test('a member that the operation does not have is refused, also in another case', () => {
  for (const name of [
    'Private',
    'owner',
    'repo',
    'full_name',
    'constructor',
    'private ',
    'priv\\u0430te',
  ]) {
    assert.equal(codeOf(update, jsonType, `{"${name}":true}`), 'not_understood', name)
  }
})

test('a body past the cap is refused before it is parsed', () => {
  const body = Buffer.alloc(adapter.bodyLimit + 1, 0x20)
  assert.equal(codeOf(update, jsonType, body), 'payload_too_large')
})

test('what leaves is written from what was read', () => {
  const identified = adapter.identify(
    requestOf(update, jsonType, ' {"descr\\u0069ption" :\t"a\\/b", "private":false}\n'),
  )
  assert.ok(identified.ok)
  assert.equal(identified.request.body?.toString(), '{"description":"a/b","private":false}')
  assert.equal(identified.request.headers['content-type'], 'application/json; charset=utf-8')
})

test('an upload goes to an origin that is not this one, and is refused with that reason', () => {
  const headers = { 'content-type': 'application/octet-stream' }
  const identified = adapter.identify(
    requestOf('POST /repos/acme/app-staging/releases/1/assets?name=x', headers, 'x'),
  )
  assert.ok(!identified.ok && identified.refusal.detail.includes('uploads.github.com'))
})
