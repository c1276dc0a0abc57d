/** Of an agent's headers, only those that are known to mean something leave, and only in a form that was read. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { githubAdapter } from '../../src/provider/github/adapter.ts'
import { requestOf } from '../provider/github/request.ts'

const adapter = githubAdapter()

function leaves(headers: Readonly<Record<string, string>>, line = 'GET /repos/acme/app-staging') {
  const identified = adapter.identify(requestOf(line, headers))
  return identified.ok ? identified.request.headers : identified.refusal.code
}

test('paths, hosts, credentials and codings in headers go nowhere', () => {
  const headers = {
    authorization: 'Bearer eyJ',
    cookie: 'a=b',
    host: 'evil',
    'x-rewrite-url': '/repos/acme/app-prod',
    'x-original-url': '/repos/acme/app-prod',
    'x-forwarded-uri': '/x',
    'x-forwarded-host': 'evil',
    'x-forwarded-prefix': '/x',
    forwarded: 'host=evil',
    connection: 'authorization',
    te: 'trailers',
    'accept-encoding': 'dcb',
    'x-github-otp': '1',
    'x-github-stateless-s2s-token': 'y',
    'user-agent': 'agent',
    'content-type': 'text/evil',
    'if-match': '*',
    prefer: 'x',
  }
  assert.deepEqual(leaves(headers), {})
})

test('media types that GitHub does not have are dropped', () => {
  assert.deepEqual(leaves({ accept: 'application/vnd.github.raw+json, text/evil;x=y' }), {
    accept: 'application/vnd.github.raw+json',
  })
  for (const accept of [
    'text/event-stream',
    'application/octet-stream',
    'application/vnd.githubevil',
    'a\r\nb: c',
    'application/vnd.github+json\r\nx: y',
  ]) {
    assert.deepEqual(leaves({ accept }), {}, accept)
  }
})

test('a part of an answer is asked for only where the answer is bytes', () => {
  const range = { range: 'bytes=0-99' }
  assert.equal(leaves(range), 'not_understood')
  assert.equal(leaves(range, 'GET /repos/acme/app-staging/contents/a'), 'not_understood')
  assert.deepEqual(leaves(range, 'GET /repos/acme/app-staging/tarball/main'), range)
  assert.equal(
    leaves({ range: 'bytes=0-1,2-3' }, 'GET /repos/acme/app-staging/tarball/main'),
    'not_understood',
  )
})

test('conditions and versions leave in their own form and no other', () => {
  const good = {
    'if-none-match': 'W/"abc"',
    'if-modified-since': 'Tue, 14 Apr 2026 16:00:49 GMT',
    'x-github-api-version': '2022-11-28',
  }
  assert.deepEqual(leaves(good), good)
  for (const [name, value] of [
    ['if-none-match', 'abc'],
    ['if-none-match', '"a\r\n"'],
    ['if-modified-since', 'now'],
    ['x-github-api-version', '2022-11-28\n'],
    ['x-github-api-version', 'x'],
  ]) {
    assert.equal(leaves({ [name ?? '']: value ?? '' }), 'not_understood', name)
  }
})
