/** The requests that kubectl makes, without it, through a whole broker. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestBroker } from '../../support/broker.ts'
import { startKubernetesStandIn } from '../../support/kubernetes-stand-in.ts'
import { answerOf, grantOn, type Answer } from '../../support/world.ts'

const clusterToken = 'cluster-token-of-the-staging-service-account'
const table =
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json'

test('what kubectl asks is answered in its namespace, and refused elsewhere in its own form', async (t) => {
  const cluster = await startKubernetesStandIn(clusterToken)
  t.after(() => cluster.close())
  const broker = await openTestBroker(t, { upstreams: { kubernetes: cluster.origin } })
  const granted = await grantOn(broker, {
    provider: 'kubernetes',
    bindings: [{ provider: 'kubernetes', kind: 'namespace', id: 'staging' }],
    secret: clusterToken,
    grant: { verbs: ['read', 'core.v1.pods/delete'], approval: 'never' },
  })
  const token = await granted.token()
  const ask = async (line: string, headers: Record<string, string> = {}): Promise<Answer> => {
    const [method = '', path = ''] = line.split(' ')
    const url = `${broker.url}/proxy/kubernetes${path}`
    return answerOf(
      await fetch(url, { method, headers: { authorization: `Bearer ${token}`, ...headers } }),
    )
  }

  for (const path of ['/version?timeout=5s', '/api?timeout=32s', '/apis', '/apis/apps/v1'])
    assert.equal((await ask(`GET ${path}`)).status, 200, path)
  const listed = await ask('GET /api/v1/namespaces/staging/pods?limit=500', { accept: table })
  assert.equal(listed.json['kind'], 'Table')
  const read = await ask('GET /api/v1/namespaces/staging/pods/web-1')
  assert.equal(read.json['kind'], 'Pod')

  const before = cluster.requests.length
  const refused = await ask('DELETE /api/v1/namespaces/production/pods/web-1')
  assert.equal(refused.status, 403)
  assert.equal(refused.headers.get('content-type'), 'application/json')
  const { kind, status, reason, code, message, problem } = refused.json
  assert.deepEqual(
    { kind, status, reason, code },
    { kind: 'Status', status: 'Failure', reason: 'Forbidden', code: 403 },
  )
  assert.match(String(message), /core\.v1\.pods\/delete touches something outside/)
  // The stable code, and how to ask: the problem stands in it whole (I7).
  const { code: stable, operation, correlation_id } = problem as Record<string, unknown>
  assert.equal(stable, 'environment_outside')
  assert.equal(operation, 'core.v1.pods/delete')
  assert.match(String(correlation_id), /^req_/)
  const secrets = await ask('GET /api/v1/namespaces/staging/secrets')
  assert.deepEqual((secrets.json['problem'] as { missing_verbs: unknown }).missing_verbs, [
    'core.v1.secrets/list',
  ])
  assert.equal(cluster.requests.length, before)

  const deleted = await ask('DELETE /api/v1/namespaces/staging/pods/web-1')
  assert.equal(deleted.status, 200)
  assert.equal(cluster.requests.at(-1)?.line, 'DELETE /api/v1/namespaces/staging/pods/web-1')
})
