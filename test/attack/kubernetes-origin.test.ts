/** Every cluster is somebody's own, so an admin names its origin: the token must not leave for any other kind of place. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adminPassword, openTestBroker } from '../support/broker.ts'

test('a credential for a cluster names an https origin on the public internet', async (t) => {
  const internal = 'https://10.0.0.7:8443'
  const broker = await openTestBroker(t, { upstreams: { railway: internal } })
  const environment = await broker.api<{ id: string }>('POST', '/v1/environments', {
    name: 'shop/staging',
    protected: false,
    bindings: [{ provider: 'kubernetes', kind: 'namespace', id: 'staging' }],
  })
  const create = <T>(origin: string | undefined, expected: number) =>
    broker.api<T>(
      'POST',
      '/v1/credentials',
      {
        name: 'cluster',
        provider: 'kubernetes',
        environment: environment.id,
        secret: 'a-service-account-token',
        password: adminPassword,
        ...(origin === undefined ? {} : { origin }),
      },
      expected,
    )
  for (const origin of [
    undefined,
    'http://cluster.example.com',
    'https://cluster.example.com/',
    'https://cluster.example.com/k8s/clusters/1',
    'https://user@cluster.example.com',
    'https://Cluster.example.com',
    'https://cluster.example.com:443',
    'https://169.254.169.254',
    'https://127.0.0.1:6443',
    'https://[::1]:6443',
    'https://localhost:6443',
    'https://kubernetes',
    'https://10.0.0.1',
    // Declared internal, for another provider.
    internal,
    'file:///etc/passwd',
    'cluster.example.com',
  ]) {
    const { code, errors } = await create<{ code: string; errors: { pointer: string }[] }>(
      origin,
      400,
    )
    assert.equal(code, 'invalid_request', origin)
    assert.deepEqual(
      errors.map(({ pointer }) => pointer),
      ['/origin'],
      origin,
    )
  }
  // A name that does not resolve anywhere (RFC 6761): it is stored, and what it reaches is not known.
  const stored = await create<{ origin: string }>('https://cluster.invalid:6443', 201)
  assert.equal(stored.origin, 'https://cluster.invalid:6443')
})
