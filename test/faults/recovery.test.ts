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
  const add = (kind: string, result: string, correlation: string, replica: string, count = 1) =>
    sql`
      insert into audit_batch (replica_id, first_at, last_at, heads, entries)
      select ${replica}, now(), now(),
        string_agg(concat_ws(' ', to_char(now(), 'YYYY-MM-DD"T"HH24:MI:SSZ'), ${kind}::text, ${result}::text, ${correlation} || n, 'a'), e'\\n'),
        string_agg('{"actor":{"id":"a","kind":"agent"}}', e'\\n')
      from generate_series(1, ${sql.lit(count)}) as n group by n / 16
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
