/**
 * A request that would have the cluster take it for another user's: impersonation, the headers by which a proxy in front
 * says who asks, a second token. The credential alone says who acts.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kubernetesAdapter } from '../../src/provider/kubernetes/adapter.ts'
import { identifyLine } from '../support/rest-request.ts'

const adapter = kubernetesAdapter()
const line = 'GET /api/v1/namespaces/staging/pods'

for (const name of [
  'impersonate-user',
  'impersonate-group',
  'impersonate-uid',
  'impersonate-extra-scopes',
  'impersonate-extra-authentication.kubernetes.io%2fpod-name',
]) {
  test(`${name} is refused, and not only left out`, () => {
    const identified = identifyLine(adapter, { line, headers: { [name]: 'system:admin' } })
    assert.ok(!identified.ok)
    assert.match(identified.refusal.detail, /would change who acts/)
  })
}

test('what else says who asks does not leave', () => {
  const identified = identifyLine(adapter, {
    line,
    headers: {
      'x-remote-user': 'system:admin',
      'x-remote-group': 'system:masters',
      'x-remote-extra-scopes': 'all',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-uri': '/api/v1/secrets',
      'kubectl-command': 'kubectl get',
      'sec-websocket-protocol': 'base64url.bearer.authorization.k8s.io.dG9rZW4',
      cookie: 'session=1',
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io, application/json',
    },
  })
  assert.ok(identified.ok)
  assert.deepEqual(identified.request.headers, {
    accept: 'application/json;as=Table;v=v1;g=meta.k8s.io, application/json',
  })
})

test('a token in the query is refused', () => {
  for (const name of ['access_token', 'token']) {
    const identified = identifyLine(adapter, { line: `${line}?${name}=x` })
    assert.ok(!identified.ok)
  }
})

test('the method is the request line’s', () => {
  const identified = identifyLine(adapter, {
    line,
    headers: { 'x-http-method-override': 'DELETE' },
  })
  assert.ok(!identified.ok)
})

test('a body that nobody here can read is refused, with what would be read', () => {
  for (const type of [
    'application/vnd.kubernetes.protobuf',
    'application/yaml',
    'application/cbor',
    'application/apply-patch+cbor',
    'application/json;stream=watch',
  ]) {
    const identified = adapter.identify({
      method: 'POST',
      path: '/api/v1/namespaces/staging/configmaps',
      query: undefined,
      headers: { 'content-type': type },
      body: Buffer.from('{"kind":"ConfigMap"}'),
    })
    assert.ok(!identified.ok, type)
    assert.equal(identified.refusal.code, 'unsupported_media_type')
    assert.match(identified.refusal.detail, /"application\/json"/)
  }
})
