/** Parameters that two servers read differently, or that nobody declared: Rails merges the query into the body's. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { githubAdapter } from '../../src/provider/github/adapter.ts'
import { invocationOf, jsonType, requestOf } from '../provider/github/request.ts'

const adapter = githubAdapter()
const issues = 'GET /repos/acme/app-staging/issues'

test('a parameter that comes twice, in any spelling, is refused', () => {
  for (const query of ['state=open&state=closed', 'state=open&st%61te=closed', 'page=1&page=1']) {
    assert.equal(adapter.identify(requestOf(`${issues}?${query}`)).ok, false, query)
  }
})

test('a parameter that the operation does not declare is refused, by name', () => {
  for (const name of [
    'foo',
    'State',
    'state[]',
    'state[x]',
    'state%00',
    '+state',
    'owner',
    'repo',
    '__proto__',
    'constructor',
  ]) {
    const identified = adapter.identify(
      requestOf(`${issues}?${name}=x`.replaceAll('[', '%5B').replaceAll(']', '%5D')),
    )
    assert.ok(!identified.ok, name)
  }
  const identified = adapter.identify(requestOf(`${issues}?foo=x`))
  assert.ok(!identified.ok && /"foo" is not one of/.test(identified.refusal.detail))
})

test('a field of the body cannot come in the query', () => {
  const identified = adapter.identify(
    requestOf('PATCH /repos/acme/app-staging?archived=true', jsonType, '{}'),
  )
  assert.equal(identified.ok, false)
})

test('a credential in the query is never forwarded', () => {
  for (const name of [
    'access_token',
    'ACCESS_TOKEN',
    'client_secret',
    'client_id',
    'access%5Ftoken',
  ]) {
    const identified = adapter.identify(requestOf(`${issues}?${name}=ghp_x`))
    assert.ok(!identified.ok && !identified.refusal.detail.includes('ghp_x'), name)
    assert.match(identified.refusal.detail, /credential/)
  }
})

test('a credential in the query is refused also where the operation declares it', () => {
  const identified = adapter.identify(requestOf('POST /user/packages/npm/x/restore?token=y'))
  assert.ok(!identified.ok)
  assert.match(identified.refusal.detail, /credential/)
})

test('separators of other servers, and what is not a query at all, are refused', () => {
  for (const query of [
    'state=open;page=1',
    'state=open#x',
    'state=%',
    'state=%ff',
    'state=a%0d%0ab',
    'state=a%00',
    '=x',
    '&',
    'state=open&',
    'state=é',
    'state=a b',
    `state=${'a'.repeat(9000)}`,
    'a=1&'.repeat(500),
  ]) {
    const [path = ''] = issues.split(' ').slice(1)
    const identified = adapter.identify({
      method: 'GET',
      path,
      query,
      headers: {},
      body: Buffer.alloc(0),
    })
    assert.equal(identified.ok, false, query.slice(0, 40))
  }
})

test('a search is of the account: its language names any repository', () => {
  const invocation = invocationOf(
    adapter.identify(
      requestOf('GET /search/code?q=repo:acme/app-staging+repo:acme/app-prod+password'),
    ),
  )
  assert.equal(invocation.scope, 'account')
  assert.deepEqual(invocation.resources, [])
})
