import assert from 'node:assert/strict'
import { test } from 'node:test'
import { visible } from '../../../src/core/visible.ts'
import { digitaloceanAdapter } from '../../../src/provider/digitalocean/adapter.ts'
import { factTime, mostQuestions } from '../../../src/provider/facts/ask.ts'
import { factContext, telling, toldClocks, understood } from '../../support/telling.ts'

const adapter = digitaloceanAdapter(toldClocks)
const volume = '7724db7c-e098-11e5-b522-000f53304e51'
const cluster = '9cc10173-e9ea-4176-9dbc-a4cee4c4ff30'

/** As the description's own examples have them. */
const region = { name: 'New York 3', slug: 'nyc3', available: true }
const theVolume = {
  volume: {
    id: volume,
    name: 'pgdata',
    region,
    droplet_ids: [101],
    size_gigabytes: 100,
    filesystem_type: 'ext4',
    created_at: '2026-03-02T17:00:49Z',
  },
}
const snapshot = (id: string, hour: string, of = volume) => ({
  id,
  name: `pgdata-${id}`,
  regions: ['nyc3'],
  created_at: `2026-06-01T${hour}:00:00Z`,
  resource_id: of,
  resource_type: 'volume',
  min_disk_size: 100,
  size_gigabytes: 12.5,
})
const theSnapshots = {
  snapshots: [snapshot('a', '06'), snapshot('b', '09'), snapshot('c', '11', 'another')],
  links: {},
  meta: { total: 3 },
}
const volumeTarget = `/v2/volumes/${volume}`
const snapshotsTarget = `${volumeTarget}/snapshots?per_page=200`
const volumeWorld = { [volumeTarget]: theVolume, [snapshotsTarget]: theSnapshots }

test('of a volume that is deleted the approver reads its name, its size, and which snapshots survive', async () => {
  const { facts, objects } = await telling(adapter, `DELETE ${volumeTarget}`, volumeWorld)
  assert.deepEqual(Object.fromEntries(facts), {
    'Volume "pgdata"':
      'size 100 GB; region "nyc3"; attached to droplets 101; file system "ext4"; created 2026-03-02 17:00 UTC (90 days old)',
    // That of another volume, newest of all, is not counted.
    'Snapshots that survive it':
      '2; the newest is "pgdata-b" of 2026-06-01 09:00 UTC (3 h old), size 12.5 GB',
  })
  assert.deepEqual(objects, new Map([[`volume:${volume}`, { name: 'pgdata' }]]))
})

test('of a droplet, which backups die with it and which snapshots survive', async () => {
  const image = (id: number, hour: string) => ({
    id,
    name: `web-${String(id)}`,
    type: 'snapshot',
    created_at: `2026-06-01T${hour}:00:00Z`,
    size_gigabytes: 2.34,
  })
  const { facts, asked } = await telling(adapter, 'DELETE /v2/droplets/3164444', {
    '/v2/droplets/3164444': {
      droplet: {
        id: 3164444,
        name: 'web-1',
        memory: 1024,
        disk: 25,
        status: 'active',
        region,
        created_at: '2026-05-01T10:00:00Z',
        volume_ids: [volume],
        tags: ['prod'],
      },
    },
    '/v2/droplets/3164444/backups?per_page=200': { backups: [image(1, '01')], links: {} },
    '/v2/droplets/3164444/snapshots?per_page=200': {
      snapshots: [image(2, '02'), image(3, '03')],
      links: { pages: { next: 'https://api.digitalocean.com/…' } },
    },
  })
  assert.equal(asked.length, 3)
  assert.deepEqual(Object.fromEntries(facts), {
    'Droplet "web-1"': `status "active"; disk 25 GB; memory 1024 MB; region "nyc3"; created 2026-05-01 10:00 UTC (31 days old); attached volumes "${volume}"; tags "prod"`,
    'Backups that die with it':
      '1; the newest is "web-1" of 2026-06-01 01:00 UTC (11 h old), size 2.3 GB',
    'Snapshots that survive it':
      'at least 2; the newest of those that were listed is "web-3" of 2026-06-01 03:00 UTC (9 h old), size 2.3 GB',
  })
})

test('of a database cluster, what is in it and that its backups die; its password is not told', async () => {
  const target = `/v2/databases/${cluster}`
  const { facts } = await telling(adapter, `DELETE ${target}`, {
    [target]: {
      database: {
        id: cluster,
        name: 'backend',
        engine: 'pg',
        version: '16',
        status: 'online',
        num_nodes: 2,
        size: 'db-s-2vcpu-4gb',
        region: 'nyc3',
        db_names: ['doadmin', 'orders'],
        created_at: '2026-01-11T18:37:36Z',
        connection: { uri: 'postgres://doadmin:wv78n3zpz42xezdk@host/x', password: 'wv78n3zpz42' },
      },
    },
    [`${target}/backups`]: {
      backups: [{ created_at: '2026-05-31T12:00:00Z', size_gigabytes: 0.5 }],
    },
  })
  assert.match(
    facts.get('Database cluster "backend"') ?? '',
    /^engine "pg"; .*databases "doadmin", "orders"/,
  )
  assert.equal(
    facts.get('Backups that die with it'),
    '1; the newest is 2026-05-31 12:00 UTC (24 h old), size 0.5 GB',
  )
  assert.doesNotMatch([...facts].join(' '), /wv78/)
})

test('what is not answered, answered about something else, or no list, could not be asked', async () => {
  for (const [world, object, list] of [
    [{}, 'the provider does not have it', 'the provider does not have it'],
    [
      { [volumeTarget]: 500, [snapshotsTarget]: new Error('away') },
      'the provider did not answer it, or not in time',
      'the provider did not answer it, or not in time',
    ],
    [
      {
        [volumeTarget]: { volume: { ...theVolume.volume, id: 'another' } },
        [snapshotsTarget]: { snapshots: {} },
      },
      'the answer is about something else',
      'the answer is no list',
    ],
  ] as const) {
    const { facts, objects } = await telling(adapter, `DELETE ${volumeTarget}`, world)
    assert.deepEqual(Object.fromEntries(facts), {
      Volume: `could not be asked: ${object}`,
      'Snapshots that survive it': `could not be asked: ${list}`,
    })
    assert.equal(objects.size, 0)
  }
})

test('an answer that never comes is told as that when the time for all of them is over', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const invocations = understood(adapter, `DELETE ${volumeTarget}`)
  const told = adapter.facts?.(
    invocations,
    factContext(() => new Promise(() => undefined)),
  )
  t.mock.timers.tick(factTime)
  assert.deepEqual(
    (await told)?.facts.map(({ value }) => value),
    Array.from(
      { length: 2 },
      () => 'could not be asked: the provider did not answer it, or not in time',
    ),
  )
})

test('what somebody wrote very long is cut, and says so, before it can push other facts off the page', async () => {
  const droplet_ids = Array.from({ length: 12 }, (_, i) => `${String(i)}${'y'.repeat(900)}`)
  const { facts } = await telling(adapter, `DELETE ${volumeTarget}`, {
    ...volumeWorld,
    [volumeTarget]: { volume: { ...theVolume.volume, droplet_ids } },
  })
  const value = facts.get('Volume "pgdata"') ?? ''
  assert.equal(visible(value), value)
  assert.match(value, /^size 100 GB; region "nyc3"; .* \[cut: \d+ more characters, SHA-256 /)
})

test('one request for facts asks no more than its budget, and each thing once', async () => {
  const line = `DELETE /v2/droplets/7/destroy_with_associated_resources/dangerous`
  const [one] = understood(adapter, { line, headers: { 'x-dangerous': 'true' } })
  assert.ok(one)
  // Five lists stand in one answer.
  const asked: string[] = []
  const ask = async ({ target }: { readonly target: string }) => {
    asked.push(target)
    return Promise.resolve({ status: 200, json: {} })
  }
  await adapter.facts?.([one], factContext(ask))
  assert.equal(new Set(asked).size, asked.length)
  assert.equal(asked.length, 3)
  const many = Array.from({ length: 30 }, (_, i) =>
    understood(adapter, `DELETE /v2/droplets/${String(i + 1)}`),
  ).flat()
  asked.length = 0
  const told = await adapter.facts?.(many, factContext(ask))
  assert.equal(asked.length, mostQuestions)
  assert.ok(told?.facts.some(({ value }) => value.endsWith('too many questions')))
})

test('of what destroys and has no look-up it is said that nothing is known', async () => {
  const { facts, asked } = await telling(adapter, 'DELETE /v2/vpcs/x', {})
  assert.deepEqual(asked, [])
  assert.deepEqual(
    [...facts],
    [['Not known', 'what is lost by vpcs_delete: there is no look-up for it']],
  )
  assert.equal((await telling(adapter, 'GET /v2/vpcs/x', {})).facts.size, 0)
})
