import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { supabaseAdapter } from '../../../src/provider/supabase/adapter.ts'
import { checking, telling, toldClocks } from '../../support/telling.ts'

const adapter = supabaseAdapter(toldClocks)
const ref = 'stagingstagingstagin'
const path = `/v1/projects/${ref}`

before(() => adapter.prepare?.())

const backup = (inserted_at: string, status = 'COMPLETED') => ({
  id: 1,
  is_physical_backup: false,
  status,
  inserted_at,
})
const backups = (...all: readonly unknown[]) => ({
  [`${path}/database/backups`]: {
    region: 'eu-central-1',
    walg_enabled: true,
    pitr_enabled: false,
    backups: all,
    physical_backup_data: {},
  },
})

test('of a project, its backups die with it, and so do its branches and buckets', async () => {
  const { facts, objects, asked } = await telling(adapter, `DELETE ${path}`, {
    [path]: {
      id: ref,
      ref,
      name: 'shop',
      status: 'ACTIVE_HEALTHY',
      region: 'eu-central-1',
      organization_slug: 'acme',
      created_at: '2026-05-01T12:00:00Z',
      database: { host: 'db', version: '15.1.0.55' },
    },
    ...backups(backup('2026-06-01T09:00:00.000Z'), backup('2026-06-01T11:00:00.000Z', 'FAILED')),
    [`${path}/branches`]: [{ id: 'b', name: 'preview', project_ref: 'x' }],
    [`${path}/storage/buckets`]: [],
  })
  assert.deepEqual(Object.fromEntries(facts), {
    'Project "shop"':
      'status "ACTIVE_HEALTHY"; region "eu-central-1"; organization "acme"; PostgreSQL "15.1.0.55"; created 2026-05-01 12:00 UTC (31 days old)',
    'Backups that die with it': '1; the newest is 2026-06-01 09:00 UTC (3 h old), physical false',
    'Point-in-time recovery': 'switched on false; back to not told; up to not told',
    'Branches that are deleted with it': '1: "preview"',
    'Storage buckets that are deleted with it': 'none',
  })
  assert.equal(new Set(asked).size, asked.length)
  assert.deepEqual(objects, new Map([[`project:${ref}`, { name: 'shop' }]]))
})

test('no backup of a project is independent; what SQL destroys they survive', async () => {
  const world = backups(backup('2026-06-01T09:00:00.000Z'))
  const day = 86_400
  const sql = { line: `POST ${path}/database/query`, json: { query: 'drop table orders' } }
  for (const [line, name, result] of [
    [`DELETE ${path}`, 'newest_independent_backup', 'unmet'],
    [`DELETE ${path}`, 'newest_surviving_backup', 'unmet'],
    [sql, 'newest_independent_backup', 'unmet'],
    [sql, 'newest_surviving_backup', 'met'],
    [{ ...sql, json: { query: 'select 1' } }, 'newest_independent_backup', 'met'],
  ] as const)
    assert.equal(
      (await checking(adapter, line, world, { name, maxAgeSeconds: day })).result,
      result,
      `${JSON.stringify(line)} ${name}`,
    )
  const failed = backups(backup('2026-06-01T09:00:00.000Z', 'FAILED'))
  const surviving = { name: 'newest_surviving_backup', maxAgeSeconds: day } as const
  assert.equal((await checking(adapter, sql, failed, surviving)).result, 'unmet')
})
