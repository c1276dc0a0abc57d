import { test } from 'node:test'
import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { closeDead } from '../../src/audit/recovery.ts'
import { openUnhurriedDatabase } from '../../src/db/open.ts'
import { createTestDatabase } from '../support/cluster.ts'

test('of a dead replica exactly what is open is closed, also among very many entries without statistics', async (t) => {
  const database = await createTestDatabase()
  const db = openUnhurriedDatabase(database.connection)
  t.after(async () => {
    await db.destroy()
    await database.drop()
  })
  await sql`insert into replica (id, seen_at) values ('dead', now() - interval '1 minute'), ('alive', now())`.execute(
    db,
  )
  const canonical = `{"actor":{"id":"a","kind":"agent"}}`
  const add = (kind: string, result: string, correlation: string, replica: string, count = 1) =>
    sql`
      insert into audit_entry (at, kind, correlation_id, replica_id, actor_id, result, canonical, leaf_hash)
      select now(), ${kind}, ${correlation} || n, ${replica}, 'a', ${result}, ${canonical}, ''
      from generate_series(1, ${sql.lit(count)}) as n
    `.execute(db)
  await add('decision', 'allow', 'done', 'dead', 20_000)
  await add('outcome', 'completed', 'done', 'dead', 20_000)
  await add('decision', 'allow', 'open', 'dead')
  await add('lookup', 'asked', 'asked', 'dead')
  await add('decision', 'deny', 'denied', 'dead')
  await add('issuance', 'issued', 'issued', 'dead')
  await add('decision', 'allow', 'others', 'alive')

  assert.equal(await closeDead(db, 10_000), 2)
  const closed = await db
    .selectFrom('audit_entry')
    .select(['correlation_id', 'actor_id'])
    .where('result', '=', 'unknown')
    .orderBy('correlation_id')
    .execute()
  assert.deepEqual(closed, [
    { correlation_id: 'asked1', actor_id: 'a' },
    { correlation_id: 'open1', actor_id: 'a' },
  ])
  const left = await db.selectFrom('replica').select('id').execute()
  assert.deepEqual(left, [{ id: 'alive' }])
  assert.equal(await closeDead(db, 10_000), 0, 'once')
})
