import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kubernetesAdapter } from '../../../src/provider/kubernetes/adapter.ts'
import { telling, toldClocks } from '../../support/telling.ts'

const adapter = kubernetesAdapter(toldClocks)
const metadata = (name: string) => ({ name, creationTimestamp: '2026-06-01T09:00:00Z' })
const claim = (name: string) => ({
  metadata: metadata(name),
  spec: {
    resources: { requests: { storage: '20Gi' } },
    storageClassName: 'ssd',
    volumeName: 'pvc-1',
  },
  status: { phase: 'Bound', capacity: { storage: '20Gi' } },
})

test('of a namespace, how much of everything is deleted with it', async () => {
  const list = (...items: readonly unknown[]) => ({ metadata: { continue: '' }, items })
  const core = '/api/v1/namespaces/staging'
  const apps = '/apis/apps/v1/namespaces/staging'
  const { facts, asked } = await telling(adapter, `DELETE ${core}`, {
    [core]: { metadata: metadata('staging'), status: { phase: 'Active' } },
    [`${core}/persistentvolumeclaims?limit=500`]: list(claim('pgdata')),
    [`${core}/pods?limit=500`]: {
      metadata: { continue: 'more' },
      items: [{ metadata: metadata('web-1') }],
    },
    [`${core}/services?limit=500`]: list(),
    [`${apps}/deployments?limit=500`]: list({ metadata: metadata('web') }),
    [`${apps}/statefulsets?limit=500`]: 403,
    ['/apis/batch/v1/namespaces/staging/cronjobs?limit=500']: list(),
  })
  assert.equal(asked.length, 7)
  assert.deepEqual(Object.fromEntries(facts), {
    'Namespace "staging"': 'status "Active"; created 2026-06-01 09:00 UTC (3 h old)',
    'Volume claims deleted with it': '1: "pgdata" asked for "20Gi"',
    'Deployments deleted with it': '1: "web"',
    'Stateful sets deleted with it':
      'could not be asked: the provider did not answer it, or not in time',
    'Cron jobs deleted with it': 'none',
    'Services deleted with it': 'none',
    'Pods deleted with it': 'at least 1: "web-1", …',
  })
})

test('of a claim, its storage; of a collection, what its selector selects', async () => {
  const claims = '/api/v1/namespaces/staging/persistentvolumeclaims'
  const one = await telling(adapter, `DELETE ${claims}/pgdata`, {
    [`${claims}/pgdata`]: claim('pgdata'),
  })
  assert.deepEqual(
    [...one.facts],
    [
      [
        'Volume claim "pgdata"',
        'asked for "20Gi"; capacity "20Gi"; status "Bound"; class "ssd"; volume "pvc-1"; created 2026-06-01 09:00 UTC (3 h old)',
      ],
    ],
  )
  const { asked, facts } = await telling(adapter, `DELETE ${claims}?labelSelector=app%3Dweb`, {
    [`${claims}?labelSelector=app%3Dweb&limit=500`]: { items: [claim('a'), claim('b')] },
  })
  assert.deepEqual(asked, [`${claims}?labelSelector=app%3Dweb&limit=500`])
  assert.match(facts.get('Volume claims that are deleted') ?? '', /^2: "a" .*, "b" /)
})
