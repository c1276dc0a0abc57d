/** The method decided on is the method that leaves: overrides, HEAD, TRACE and made-up methods. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { githubAdapter } from '../../src/provider/github/adapter.ts'
import { invocationOf, jsonType, requestOf } from '../provider/github/request.ts'

const adapter = githubAdapter()

test('a header that changes the method is refused', () => {
  for (const name of [
    'x-http-method-override',
    'x-http-method',
    'x-method-override',
    'x-original-method',
  ]) {
    const identified = adapter.identify(
      requestOf('GET /repos/acme/app-staging', { [name]: 'DELETE' }),
    )
    assert.equal(identified.ok, false, name)
  }
})

test('a field that changes the method is refused in the query and in the body', () => {
  assert.equal(adapter.identify(requestOf('GET /repos/acme/app-staging?_method=DELETE')).ok, false)
  const post = 'POST /repos/acme/app-staging/issues'
  assert.equal(
    adapter.identify(requestOf(`${post}?_method=DELETE`, jsonType, '{"title":"x"}')).ok,
    false,
  )
  assert.equal(
    adapter.identify(requestOf(post, jsonType, '{"title":"x","_method":"DELETE"}')).ok,
    false,
  )
})

test('methods that the catalogue does not have are refused', () => {
  for (const method of [
    'TRACE',
    'OPTIONS',
    'CONNECT',
    'PURGE',
    'PROPFIND',
    'get',
    'Get',
    'GET ',
    '',
    '__proto__',
    'constructor',
  ]) {
    for (const path of ['/repos/acme/app-staging', '/nothing']) {
      const identified = adapter.identify({ ...requestOf('GET /'), method, path })
      assert.ok(!identified.ok && identified.refusal.code === 'method_not_allowed', method)
    }
  }
})

test('a method that this path does not have is refused', () => {
  for (const line of [
    'PUT /repos/acme/app-staging',
    'POST /repos/acme/app-staging',
    'DELETE /repos/acme/app-staging/issues/1',
  ]) {
    const identified = adapter.identify(requestOf(line))
    assert.ok(!identified.ok && identified.refusal.code === 'method_not_allowed', line)
  }
})

test('a HEAD is decided on as its GET, and leaves as a HEAD (head-like-get)', () => {
  for (const path of ['/repos/acme/app-staging', '/repos/acme/app-staging/actions/variables']) {
    const head = adapter.identify(requestOf(`HEAD ${path}`))
    const get = adapter.identify(requestOf(`GET ${path}`))
    assert.deepEqual(invocationOf(head), invocationOf(get))
    assert.ok(head.ok && head.request.method === 'HEAD')
  }
  assert.equal(adapter.identify(requestOf('HEAD /repos/acme/app-staging/merges')).ok, false)
})
