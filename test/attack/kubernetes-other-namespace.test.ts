/** Another namespace's objects, by way of a path, a body or a question that seems to be about one's own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kubernetesAdapter } from '../../src/provider/kubernetes/adapter.ts'
import { identifyLine, type Wish } from '../support/rest-request.ts'

const adapter = kubernetesAdapter()
const own = 'namespace:staging'
const bound = new Set([own])

/** `within` only where everything that it touches was found, and is staging's. */
async function verdict(wish: Wish): Promise<'within' | 'refused' | 'denied' | 'public'> {
  const identified = identifyLine(adapter, wish)
  if (!identified.ok) return 'refused'
  const [invocation] = identified.invocations
  assert.ok(invocation)
  if (invocation.scope !== 'environment') return invocation.scope === 'public' ? 'public' : 'denied'
  const { places, unresolved } = await adapter.locate(invocation, {
    ask: () => Promise.reject(new Error('nothing is asked')),
    fresh: true,
    cacheKey: 'x',
    bound,
  })
  const within = places.length > 0 && unresolved.length === 0 && places.every((one) => one === own)
  return within && invocation.widens.length === 0 ? 'within' : 'denied'
}

const pods = '/api/v1/namespaces/staging/pods'
const claim = {
  spec: { dataSourceRef: { kind: 'VolumeSnapshot', name: 'a', namespace: 'production' } },
}

test('one’s own namespace is within', async () => {
  for (const wish of [
    { line: `GET ${pods}` },
    { line: 'GET /api/v1/namespaces/staging' },
    { line: `POST ${pods}`, json: { metadata: { name: 'a', namespace: 'staging' } } },
    { line: 'GET /apis/metrics.k8s.io/v1beta1/namespaces/staging/pods' },
    {
      line: 'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      json: { spec: { resourceAttributes: { namespace: 'staging', verb: 'get' } } },
    },
  ])
    assert.equal(await verdict(wish), 'within', wish.line)
})

const foreign: readonly Wish[] = [
  { line: 'GET /api/v1/namespaces/production/pods' },
  { line: 'GET /api/v1/namespaces/Staging/pods' },
  { line: 'GET /api/v1/namespaces/production' },
  { line: 'DELETE /api/v1/namespaces/production' },
  { line: 'GET /api/v1/namespaces/%70roduction/secrets' },
  { line: 'GET /api/v1/namespaces/staging%2F..%2Fproduction/pods' },
  { line: 'GET /api/v1/namespaces/staging/../production/pods' },
  { line: 'GET /api/v1/namespaces/staging%00/pods' },
  { line: 'GET /api/v1/namespaces//pods' },
  // The old prefixes, which servers still read as verbs.
  { line: 'GET /api/v1/watch/namespaces/production/pods' },
  { line: 'GET /apis/apps/v1/watch/deployments' },
  { line: 'GET /apis/example.com/v1/watch/widgets' },
  { line: 'GET /api/v1/proxy/namespaces/staging/pods/web-1' },
  // Of the cluster, or of all namespaces.
  { line: 'GET /api/v1/pods' },
  { line: 'GET /api/v1/secrets?fieldSelector=metadata.namespace%3Dstaging' },
  { line: 'GET /api/v1/nodes/a/proxy/pods' },
  { line: 'GET /apis/example.com/v1/widgets' },
  { line: 'GET /metrics' },
  { line: 'GET /logs/audit.log' },
  { line: 'POST /api/v1/namespaces', json: { metadata: { name: 'staging' } } },
  { line: 'POST /api/v1/persistentvolumes', json: { metadata: { namespace: 'staging' } } },
  {
    line: 'POST /apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
    json: { metadata: { name: 'a', namespace: 'staging' } },
  },
  // The body names another than the path.
  { line: `POST ${pods}`, json: { metadata: { name: 'a', namespace: 'production' } } },
  { line: `PATCH ${pods}/a`, json: { metadata: { namespace: ['production'] } } },
  { line: 'POST /api/v1/namespaces/staging/persistentvolumeclaims', json: claim },
  {
    line: `POST ${pods}`,
    json: { spec: { volumes: [{ ephemeral: { volumeClaimTemplate: claim } }] } },
  },
  {
    line: 'POST /apis/apps/v1/namespaces/staging/statefulsets',
    json: { spec: { volumeClaimTemplates: [claim] } },
  },
  // A question about the cluster.
  {
    line: 'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    json: { spec: { resourceAttributes: { verb: 'get' } } },
  },
  {
    line: 'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    json: { spec: { resourceAttributes: { namespace: '', verb: 'get' } } },
  },
  { line: 'POST /apis/authentication.k8s.io/v1/tokenreviews', json: { spec: { token: 'x' } } },
]

for (const wish of foreign) {
  const { line, json } = wish
  test(`it is not within: ${line} ${json === undefined ? '' : JSON.stringify(json)}`, async () => {
    assert.ok(['refused', 'denied'].includes(await verdict(wish)))
  })
}

test('what is public has no object in it, whatever the path ends in', async () => {
  for (const line of ['GET /apis/example.com', 'GET /openapi/v3/api/v1?hash=A', 'GET /version'])
    assert.equal(await verdict({ line }), 'public')
  for (const line of [
    'GET /openapi/v3/..%2f..%2fapi%2fv1%2fsecrets',
    'GET /openapi/v3/../../api/v1/secrets',
    'POST /apis/example.com',
    'GET /apis/example.com/v1/namespaces/production',
    'GET /apis/apps/v2/namespaces/production/deployments',
  ])
    assert.notEqual(await verdict({ line }), 'public', line)
})
