import { test } from 'node:test'
import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { openDatabase } from '../../src/db/open.ts'
import { openTestBroker } from '../support/broker.ts'
import { createTestDatabase } from '../support/cluster.ts'
import { openFickleUpstream } from '../support/fickle-upstream.ts'
import { railwayIds } from '../support/railway-world.ts'
import { grantOn, railway } from '../support/world.ts'

test('every audit entry is written with synchronous_commit on, whatever the database’s default is, and with fsync', async (t) => {
  const database = await createTestDatabase()
  const db = openDatabase(database.connection, 1)
  await sql`alter database ${sql.id(database.connection.database)} set synchronous_commit = off`.execute(
    db,
  )
  // Asked inside the very statements that write, on whichever connection they come.
  await sql`create table witness (setting text not null, kind text not null)`.execute(db)
  await sql`
    create function witness() returns trigger language plpgsql as $$
    begin
      insert into witness
      select current_setting('synchronous_commit'), split_part(line, ' ', 2)
      from unnest(string_to_array(new.heads, e'\\n')) as line;
      return new;
    end $$
  `.execute(db)
  await sql`create trigger witness after insert on audit_batch for each row execute function witness()`.execute(
    db,
  )

  const upstream = await openFickleUpstream(t)
  const broker = await openTestBroker(t, {
    database,
    upstreams: { railway: upstream.origin },
  })
  const granted = await grantOn(broker, {
    provider: 'railway',
    bindings: [{ provider: 'railway', kind: 'environment', id: railwayIds.staging }],
    secret: 'rw_live_9f8Zq+/T0k3n=Canary~7Yh2LmPx',
  })
  const token = await granted.token()
  const query = `{ environment(id: "${railwayIds.staging}") { id } }`
  const all = await Promise.all(
    Array.from({ length: 50 }, () => railway(broker.url, token, { query })),
  )
  assert.ok(all.every(({ status }) => status === 200))

  const { rows } = await sql<{ setting: string; kind: string }>`
    select distinct setting, kind from witness order by kind
  `.execute(db)
  const { rows: server } = await sql<{ fsync: string; pages: string }>`
    select current_setting('fsync') as fsync, current_setting('full_page_writes') as pages
  `.execute(db)
  await db.destroy()
  assert.ok(
    rows.some(({ kind }) => kind === 'decision') && rows.some(({ kind }) => kind === 'admin'),
  )
  assert.deepEqual([...new Set(rows.map(({ setting }) => setting))], ['on'])
  assert.deepEqual(server, [{ fsync: 'on', pages: 'on' }])
})
