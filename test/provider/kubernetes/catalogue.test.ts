import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { kubernetesAdapter } from '../../../src/provider/kubernetes/adapter.ts'
import { compile } from '../../../src/provider/kubernetes/compile.ts'
import { serialise } from '../../../src/provider/compile/compile.ts'
import { parseVerb } from '../../../src/core/grant.ts'

const shared = new URL('../../../../shared/specs/operations/kubernetes.json', import.meta.url)
const committed = readFileSync(
  new URL('../../../src/provider/kubernetes/catalogue.json', import.meta.url),
  'utf8',
)
const adapter = kubernetesAdapter()

const effectsOf: Readonly<Record<string, string>> = {
  'core.v1.pods/get': 'read',
  'core.v1.pods/list': 'read',
  'core.v1.pods/list-all': 'read',
  'core.v1.pods.log/get': 'read',
  'core.v1.configmaps/list': 'read',
  'core.v1.pods/create': 'write',
  'core.v1.pods/patch': 'write',
  'core.v1.pods/delete': 'write destructive',
  'core.v1.pods/deletecollection': 'write destructive',
  'core.v1.pods.eviction/create': 'write destructive',
  'core.v1.pods.exec/get': 'write destructive secret admin',
  'core.v1.pods.exec/create': 'write destructive secret admin',
  'core.v1.pods.attach/get': 'write destructive secret admin',
  'core.v1.pods.portforward/get': 'write destructive secret admin',
  'core.v1.pods.proxy/get': 'write destructive secret admin',
  'core.v1.services.proxy.path/get': 'write destructive secret admin',
  'core.v1.nodes.proxy/get': 'write destructive secret admin',
  'core.v1.pods.ephemeralcontainers/patch': 'write secret admin',
  'core.v1.pods.binding/create': 'write admin',
  'core.v1.secrets/get': 'read secret',
  'core.v1.secrets/list': 'read secret',
  'core.v1.secrets/patch': 'write secret',
  'core.v1.secrets/deletecollection': 'write destructive secret',
  'core.v1.serviceaccounts/create': 'write admin',
  'core.v1.serviceaccounts.token/create': 'write secret admin',
  'core.v1.namespaces/get': 'read',
  'core.v1.namespaces/delete': 'write destructive admin',
  'core.v1.namespaces.finalize/update': 'write destructive admin',
  'core.v1.services.status/patch': 'write admin',
  'apps.v1.deployments/patch': 'write',
  'apps.v1.deployments.scale/patch': 'write',
  'rbac.authorization.k8s.io.v1.rolebindings/create': 'write admin',
  'rbac.authorization.k8s.io.v1.clusterroles/patch': 'write admin',
  'certificates.k8s.io.v1.certificatesigningrequests.approval/update': 'write admin',
  'admissionregistration.k8s.io.v1.mutatingwebhookconfigurations/create': 'write admin',
  'apiextensions.k8s.io.v1.customresourcedefinitions/delete': 'write destructive admin',
  'authentication.k8s.io.v1.tokenreviews/create': 'read secret',
  'custom.namespaced/get': 'read secret',
  'custom.namespaced/patch': 'write secret admin',
  'apis/discover': 'read',
}

test('well-known operations have the effects that they have', () => {
  for (const [name, expected] of Object.entries(effectsOf)) {
    const entry = adapter.find(name)
    assert.ok(entry !== undefined && entry !== 'ambiguous', name)
    assert.equal(entry.effects.join(' '), expected, name)
  }
})

test('what is of the cluster, or of all namespaces, is of no environment', () => {
  for (const name of [
    'core.v1.pods/list-all',
    'core.v1.nodes/list',
    'core.v1.nodes.proxy/get',
    'core.v1.namespaces/list',
    'core.v1.namespaces/create',
    'core.v1.persistentvolumes/delete',
    'rbac.authorization.k8s.io.v1.clusterrolebindings/create',
    'custom.cluster/get',
  ]) {
    const entry = adapter.find(name)
    assert.equal(typeof entry === 'object' ? entry.scope : undefined, 'account', name)
  }
})

test('what is public tells what the API has, and nothing of what is in it', () => {
  const open = [...adapter.operations()].filter(({ scope }) => scope === 'public')
  assert.equal(open.length, 70)
  for (const { name, effects } of open) {
    assert.match(name, /^(?:apis?(?:\.[a-z0-9.]+)?|version)\/discover$/)
    assert.deepEqual(effects, ['read'])
  }
})

test('a read is a GET, or a question that stores nothing', () => {
  const { operations } = JSON.parse(committed) as {
    operations: { name: string; method: string; effects: string }[]
  }
  const questions = operations.filter(
    ({ method, effects }) => method !== 'GET' && effects.startsWith('read'),
  )
  for (const { name } of questions) assert.match(name, /reviews\/create$/)
  for (const { name, method, effects } of operations) {
    if (method === 'DELETE') assert.match(effects, /^write destructive/, name)
  }
})

test('only what streams, and OPTIONS, is refused to everyone', () => {
  const denied = [...adapter.operations()].filter((entry) => entry.denied)
  assert.deepEqual(
    denied.map(({ name }) => name).filter((name) => !name.endsWith('/options')),
    ['attach', 'exec', 'portforward'].flatMap((what) =>
      ['create', 'get'].map((verb) => `core.v1.pods.${what}/${verb}`),
    ),
  )
})

test('every name is one that a verb can spell', () => {
  for (const { name } of adapter.operations()) assert.ok(!('error' in parseVerb(name)), name)
})

test(
  'the catalogue has exactly the operations of the list',
  {
    skip: existsSync(shared) ? false : 'the list is not here',
  },
  () => {
    const rows = JSON.parse(readFileSync(shared, 'utf8')) as readonly unknown[]
    assert.equal([...adapter.operations()].length, rows.length)
    assert.equal(committed, serialise(compile(rows)), 'compile it anew')
  },
)

test('the committed catalogue has 1,068 operations', () => {
  assert.equal([...adapter.operations()].length, 1_068)
})
