import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kubernetesAdapter } from '../../../src/provider/kubernetes/adapter.ts'

const bound = new Set(['namespace:staging'])

async function reachWith(status: number, json: unknown): Promise<string> {
  const { kind } = await kubernetesAdapter().reach(() => Promise.resolve({ status, json }), bound)
  return kind
}

test('a token that sees other namespaces is wider than its environment', async () => {
  const items = [{ metadata: { name: 'staging' } }, { metadata: { name: 'production' } }]
  assert.equal(await reachWith(200, { items }), 'wider')
})

test('what a token reaches that may not list namespaces is unknown', async () => {
  assert.equal(await reachWith(403, { kind: 'Status' }), 'unknown')
  assert.equal(await reachWith(200, 'not a list'), 'unknown')
  assert.equal(await reachWith(200, { items: 'staging' }), 'unknown')
})

test('a token that the cluster does not know is rejected', async () => {
  assert.equal(await reachWith(401, undefined), 'rejected')
})
