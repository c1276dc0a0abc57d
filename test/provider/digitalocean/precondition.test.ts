import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PreconditionName } from '../../../src/core/precondition.ts'
import { digitaloceanAdapter } from '../../../src/provider/digitalocean/adapter.ts'
import { checking, toldClocks, type AnswerWorld } from '../../support/telling.ts'

const adapter = digitaloceanAdapter(toldClocks)
const volume = '/v2/volumes/v1'
const snapshots = `${volume}/snapshots?per_page=200`

const made = (created_at: unknown, resource_id: string | null = 'v1') => ({
  id: '1',
  created_at,
  resource_id,
})
const listed = (...all: readonly unknown[]) => ({ [snapshots]: { snapshots: all, links: {} } })

async function check(
  line: string,
  world: AnswerWorld,
  name: PreconditionName = 'newest_independent_backup',
  hours = 24,
) {
  const headers = line.includes('dangerous') ? { 'x-dangerous': 'true' } : {}
  const precondition = { name, maxAgeSeconds: hours * 3600 }
  return checking(adapter, { line, headers }, world, precondition)
}

test('a volume with a young snapshot of its own has an independent backup', async () => {
  const world = listed(made('2025-01-01T00:00:00Z'), made('2026-06-01T09:00:00Z'))
  assert.equal((await check(`DELETE ${volume}`, world)).result, 'met')
  assert.equal((await check(`DELETE ${volume}`, world, 'newest_surviving_backup')).result, 'met')
  const old = await check(`DELETE ${volume}`, world, 'newest_independent_backup', 2)
  assert.equal(old.result, 'unmet')
  assert.match(old.detail, /is 3 h old/)
})

test('no snapshot, one of another volume, and none that could be listed, meet nothing', async () => {
  for (const [world, result] of [
    [listed(), 'unmet'],
    [listed(made('2026-06-01T11:00:00Z', 'v2')), 'unmet'],
    [listed(made('2026-06-01T11:00:00Z', null)), 'unmet'],
    [listed(made('2026-06-02T12:00:00Z')), 'unknown'],
    [listed(made('lately')), 'unknown'],
    [{ [snapshots]: { snapshots: [], links: { pages: { next: 'more' } } } }, 'unknown'],
    [{ [snapshots]: { snapshots: 'none' } }, 'unknown'],
    [{ [snapshots]: 500 }, 'unknown'],
    [{ [snapshots]: new Error('away') }, 'unknown'],
    [{}, 'unknown'],
  ] as const)
    assert.equal((await check(`DELETE ${volume}`, world)).result, result, JSON.stringify(world))
})

test('the backups of a cluster die with it, and outlast what is destroyed inside of it', async () => {
  const world = { '/v2/databases/c1/backups': { backups: [made('2026-06-01T09:00:00Z')] } }
  for (const name of ['newest_independent_backup', 'newest_surviving_backup'] as const) {
    const answer = await check('DELETE /v2/databases/c1', world, name)
    assert.equal(answer.result, 'unmet')
    assert.deepEqual(answer.asked, [])
  }
  const inside = 'DELETE /v2/databases/c1/dbs/orders'
  assert.equal((await check(inside, world)).result, 'unmet')
  assert.equal((await check(inside, world, 'newest_surviving_backup')).result, 'met')
})

test('a droplet’s snapshots count where it is destroyed alone, and not where they may go with it', async () => {
  const world = {
    '/v2/droplets/7/snapshots?per_page=200': { snapshots: [made('2026-06-01T09:00:00Z')] },
    '/v2/droplets/7/backups?per_page=200': { backups: [made('2026-06-01T09:00:00Z')] },
  }
  assert.equal((await check('DELETE /v2/droplets/7', world)).result, 'met')
  for (const path of ['dangerous', 'selective'])
    for (const name of ['newest_independent_backup', 'newest_surviving_backup'] as const) {
      const line = `DELETE /v2/droplets/7/destroy_with_associated_resources/${path}`
      assert.equal((await check(line, world, name)).result, 'unmet', path)
    }
})

test('what destroys and has no list of backups meets nothing; what destroys no data needs none', async () => {
  assert.equal((await check('DELETE /v2/snapshots/5', {})).result, 'unknown')
  assert.equal((await check('DELETE /v2/kubernetes/clusters/k', {})).result, 'unknown')
  for (const line of ['DELETE /v2/domains/example.com', `GET ${volume}`]) {
    const answer = await check(line, {})
    assert.deepEqual([answer.result, answer.asked], ['met', []])
  }
})
