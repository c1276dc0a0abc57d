/** A request that says one thing to the broker and another to the provider: around the document, not in it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { post, refusal } from '../support/railway-verdict.ts'

const read = '{ environment(id: \\"e\\") { id } }'
const remove = 'mutation { volumeDelete(volumeId: \\"v\\") }'

test('batches are refused, of one as of many', () => {
  assert.match(refusal(post(`[{"query":"${read}"}]`)), /Batches are refused/)
  assert.match(refusal(post(`[{"query":"${read}"},{"query":"${remove}"}]`)), /Batches are refused/)
  assert.match(refusal(post('[]')), /Batches are refused/)
})

test('GET and other methods are refused, and so is a query in the URL of a POST', () => {
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'post'])
    assert.match(refusal(post(`{"query":"${read}"}`, { method })), /^method_not_allowed/)
  for (const query of ['', 'query=%7B__typename%7D', 'x'])
    assert.match(refusal(post(`{"query":"${read}"}`, { query })), /no query in its URL/)
})

test('only the one path is answered on', () => {
  for (const path of [
    '/graphql',
    '/graphql/v2/',
    '/graphql/internal',
    '/GRAPHQL/V2',
    '/graphql/%762',
    '//graphql/v2',
    '/',
  ])
    assert.match(refusal(post(`{"query":"${read}"}`, { path })), /^not_understood/)
})

test('persisted queries, extensions and keys nobody knows are refused', () => {
  for (const key of ['id', 'documentId', 'hash', 'extensions', 'Query', 'doc_id', '__proto__'])
    assert.match(refusal(post(`{"query":"${read}","${key}":{}}`)), /^not_understood/)
  assert.match(
    refusal(post('{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"00"}}}')),
    /persisted queries and extensions are refused/,
  )
})

test('a body of two readings is refused', () => {
  assert.match(refusal(post(`{"query":"${read}","query":"${remove}"}`)), /^not_understood/)
  assert.match(
    refusal(post(`{"query":"${read}","variables":{},"variables":{"a":1}}`)),
    /^not_understood/,
  )
  assert.match(refusal(post(Buffer.from(`\uFEFF{"query":"${read}"}`))), /^not_understood/)
  assert.match(refusal(post(Buffer.from(`{"query":"${read}"}`, 'utf16le'))), /^not_understood/)
  assert.match(refusal(post(`{"query":"${read}"} {"query":"${remove}"}`)), /^not_understood/)
  assert.match(
    refusal(post(`{"query":"${read}","variables":"{}"}`)),
    /variables is not a JSON object/,
  )
  assert.match(
    refusal(post(`{"query":"${read}","variables":[]}`)),
    /variables is not a JSON object/,
  )
  assert.match(refusal(post(`{"query":["${read}"]}`)), /no GraphQL document/)
  for (const body of ['', 'null', '"x"', '{}', 'query', '{"query":null}'])
    assert.match(refusal(post(body)), /^not_understood/)
})

test('a coded body is refused, honest or not', () => {
  for (const coding of ['gzip', 'br', 'identity', '']) {
    const headers = { 'content-type': 'application/json', 'content-encoding': coding }
    assert.match(refusal(post(`{"query":"${read}"}`, { headers })), /^unsupported_media_type/)
    assert.match(
      refusal(post(gzipSync(`{"query":"${read}"}`), { headers })),
      /^unsupported_media_type/,
    )
  }
})

test('a form that holds JSON, as in the incident, is refused with the header to send', () => {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  assert.match(
    refusal(post(`{"query":"${remove}"}`, { headers })),
    /-H 'Content-Type: application\/json'/,
  )
})

test('a refusal quotes little, and no control characters', () => {
  const name = `x\\u001b[31m\\n${'y'.repeat(5_000)}`
  const sentence = refusal(post(`{"query":"${read}","${name}":1}`))
  assert.ok(sentence.length < 400)
  // eslint-disable-next-line no-control-regex
  assert.doesNotMatch(sentence, /[\u0000-\u001f]/)
})
