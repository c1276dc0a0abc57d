import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kubernetesAdapter } from '../../../src/provider/kubernetes/adapter.ts'
import { identifyLine, invocationOf, verbOf } from '../../support/rest-request.ts'

const adapter = kubernetesAdapter()
const inStaging = '/apis/apps/v1/namespaces/staging'
const web = `${inStaging}/deployments/web`

/** What the body adds to the operation: `admin secret`. */
function added(line: string, json: unknown, headers: Record<string, string> = {}): string {
  const { added } = invocationOf(identifyLine(adapter, { line, json, headers }))
  return added.toSorted().join(' ')
}

const inPod = (spec: unknown): unknown => ({ spec: { template: { spec } } })

test('an ordinary change of a workload adds nothing', () => {
  const container = {
    name: 'app',
    image: 'registry.example/app:2',
    env: [{ name: 'MODE', value: 'fast' }],
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] },
      privileged: false,
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    },
  }
  const spec = {
    containers: [container],
    volumes: [
      { name: 'a', emptyDir: {} },
      { name: 'b', configMap: { name: 'settings' } },
    ],
    '$setElementOrder/containers': [{ name: 'app' }],
  }
  assert.equal(added(`PATCH ${web}`, inPod(spec)), '')
  assert.equal(added(`PATCH ${web}`, { spec: { replicas: 3 } }), '')
})

const escalations: readonly [string, unknown][] = [
  ['admin', { hostNetwork: true }],
  ['admin', { hostPID: true }],
  ['admin', { hostIPC: 'true' }],
  ['admin', { serviceAccountName: 'deployer' }],
  ['admin', { automountServiceAccountToken: true }],
  ['admin', { nodeName: 'control-plane' }],
  ['admin', { priorityClassName: 'system-cluster-critical' }],
  ['admin', { ephemeralContainers: [] }],
  ['admin', { aMemberOfALaterVersion: 1 }],
  ['admin', { securityContext: { sysctls: [] } }],
  ['admin', { containers: [{ securityContext: { privileged: true } }] }],
  ['admin', { initContainers: [{ securityContext: { capabilities: { add: ['SYS_ADMIN'] } } }] }],
  ['admin', { containers: [{ securityContext: { procMount: 'Unmasked' } }] }],
  ['admin', { containers: [{ ports: [{ hostPort: 22 }] }] }],
  ['admin', { volumes: [{ name: 'x', hostPath: { path: '/' } }] }],
  ['admin', { volumes: [{ name: 'x', csi: {} }] }],
  ['secret', { volumes: [{ name: 'x', secret: { secretName: 'database' } }] }],
  ['secret', { volumes: [{ name: 'x', projected: { sources: [{ secret: {} }] } }] }],
  [
    'admin secret',
    { volumes: [{ name: 'x', projected: { sources: [{ serviceAccountToken: {} }] } }] },
  ],
  ['secret', { containers: [{ env: [{ valueFrom: { secretKeyRef: { name: 'd' } } }] }] }],
  ['secret', { initContainers: [{ envFrom: [{ secretRef: { name: 'd' } }] }] }],
]

const workloads: readonly [string, (spec: unknown) => unknown][] = [
  [`PATCH ${web}`, inPod],
  [`PUT ${inStaging}/statefulsets/db`, inPod],
  [`POST ${inStaging}/daemonsets`, inPod],
  ['POST /api/v1/namespaces/staging/pods', (spec) => ({ spec })],
  ['POST /api/v1/namespaces/staging/podtemplates', (spec) => ({ template: { spec } })],
  ['POST /apis/batch/v1/namespaces/staging/jobs', inPod],
  [
    'POST /apis/batch/v1/namespaces/staging/cronjobs',
    (spec) => ({ spec: { jobTemplate: inPod(spec) } }),
  ],
]

for (const [line, around] of workloads) {
  test(`a pod that gets more than it needs says so: ${line}`, () => {
    for (const [effects, spec] of escalations)
      assert.equal(
        added(line, around(spec))
          .split(' ')
          .filter((e) => e !== 'destructive')
          .join(' '),
        effects,
        JSON.stringify(spec),
      )
  })
}

for (const [line, around] of workloads) {
  test(`what a workload runs is its own, and a plain change of it: ${line}`, () => {
    for (const [member, value] of Object.entries({
      image: 'registry.example/app:3',
      command: ['/bin/sh', '-c'],
      args: ['serve'],
      env: [{ name: 'MODE', value: 'slow' }],
    }))
      assert.equal(
        added(line, around({ containers: [{ name: 'app', [member]: value }] })),
        '',
        member,
      )
  })
}

test('a log is read as anything else of a pod is', () => {
  const read = invocationOf(
    identifyLine(adapter, { line: 'GET /api/v1/namespaces/staging/pods/web/log?tailLines=5' }),
  )
  assert.deepEqual([...read.effects, ...read.added], ['read'])
})

const destructions: readonly [string, unknown][] = [
  [`PATCH ${web}`, { spec: { replicas: 0 } }],
  [`PUT ${web}`, { spec: { replicas: '0' } }],
  [`PATCH ${web}/scale`, { spec: { replicas: 0 } }],
  [`PATCH ${web}/scale`, { spec: { replicas: null } }],
  [`PATCH ${web}/scale`, { spec: null }],
  [`PATCH ${web}/scale`, { spec: { $patch: 'replace' } }],
  [`PUT ${web}/scale`, { metadata: { name: 'web' } }],
  [`PUT ${web}/scale`, { spec: {} }],
  [`PATCH ${inStaging}/statefulsets/db`, { spec: { replicas: 0 } }],
  [`PATCH ${web}`, { metadata: { ownerReferences: [{ uid: 'nobody' }] } }],
  [`PATCH ${web}`, { metadata: { finalizers: null } }],
  [`PATCH ${web}`, { metadata: { '$deleteFromPrimitiveList/finalizers': ['x'] } }],
  [`PATCH ${web}`, { $patch: 'replace' }],
  [`PATCH ${web}`, { metadata: { $retainKeys: [] } }],
  [`PATCH ${web}?force=true`, {}],
  ['PATCH /apis/batch/v1/namespaces/staging/jobs/import', { spec: { suspend: true } }],
  ['PATCH /api/v1/namespaces/staging/pods/web-1', { spec: { activeDeadlineSeconds: 1 } }],
  ['PUT /api/v1/namespaces/staging/persistentvolumeclaims/data', { metadata: { name: 'data' } }],
]

test('what takes something away says so, however it is spelled', () => {
  for (const [line, json] of destructions)
    assert.match(added(line, json), /destructive/, `${line} ${JSON.stringify(json)}`)
})

test('a JSON patch may be any of what its operation’s other forms add', () => {
  const json = [{ op: 'add', path: '/spec/template/spec/hostNetwork', value: true }]
  const headers = { 'content-type': 'application/json-patch+json' }
  assert.equal(added(`PATCH ${web}`, json, headers), 'admin destructive secret')
  assert.equal(
    added('PATCH /api/v1/namespaces/staging/configmaps/settings', json, headers),
    'destructive',
  )
})

test('a Secret that mints a token, and a Service that leads elsewhere, are governed', () => {
  const secrets = 'POST /api/v1/namespaces/staging/secrets'
  assert.equal(added(secrets, { type: 'Opaque' }), '')
  assert.equal(added(secrets, { type: 'kubernetes.io/service-account-token' }), 'admin')
  const services = 'POST /api/v1/namespaces/staging/services'
  assert.equal(added(services, { spec: { type: 'ClusterIP', ports: [] } }), '')
  assert.equal(added(services, { spec: { type: 'LoadBalancer' } }), 'admin')
  assert.equal(added(services, { spec: { externalIPs: ['192.0.2.1'] } }), 'admin')
})

test('parameters are those of the verb', () => {
  const pods = '/api/v1/namespaces/staging/pods'
  assert.equal(verbOf(adapter, { line: `GET ${pods}?watch=true` }), 'core.v1.pods/list')
  assert.equal(
    verbOf(adapter, { line: `DELETE ${pods}/a?gracePeriodSeconds=0`, json: { kind: 'X' } }),
    'core.v1.pods/delete',
  )
  assert.match(verbOf(adapter, { line: `GET ${pods}?namespace=production` }), /^refused/)
  assert.match(
    verbOf(adapter, { line: `GET ${pods}/a/log?insecureSkipTLSVerifyBackend=true` }),
    /^refused/,
  )
  assert.match(verbOf(adapter, { line: `DELETE ${pods}/a`, json: { force: true } }), /^refused/)
})
