import { test, type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { sql } from 'kysely'
import {
  appliedMigrations,
  knownMigrations,
  migrate,
  MigrationError,
} from '../../src/db/migrate.ts'
import { openUnhurriedDatabase } from '../../src/db/open.ts'
import { createTestDatabase } from '../support/cluster.ts'

async function emptyDatabase(t: TestContext) {
  const database = await createTestDatabase('template0')
  const db = openUnhurriedDatabase(database.connection)
  t.after(async () => {
    await db.destroy()
    await database.drop()
  })
  return { db, connection: database.connection }
}

test('a database that a newer version has migrated is refused, and left as it was', async (t) => {
  const { db } = await emptyDatabase(t)
  const known = await knownMigrations()
  assert.deepEqual(await migrate(db), known)
  assert.deepEqual(await migrate(db), [], 'a second time there is nothing to do')
  await sql`insert into kysely_migration (name, timestamp) values ('9999_future', '2099')`.execute(
    db,
  )
  await assert.rejects(migrate(db), (error: unknown) => {
    assert.ok(error instanceof MigrationError)
    assert.match(error.message, /newer version.*9999_future/)
    return true
  })
  assert.deepEqual(await appliedMigrations(db), [...known, '9999_future'])
})

test('several processes that migrate at once apply each migration once', async (t) => {
  const { db, connection } = await emptyDatabase(t)
  const others = [1, 2, 3].map(() => openUnhurriedDatabase(connection))
  const applied = await Promise.all([db, ...others].map((each) => migrate(each)))
  for (const each of others) await each.destroy()
  const known = await knownMigrations()
  assert.deepEqual(applied.flat().sort(), known.toSorted())
  assert.deepEqual(await appliedMigrations(db), known)
})

test('a migration stops where it is told to, and goes on from there', async (t) => {
  const { db } = await emptyDatabase(t)
  const [first = '', ...rest] = await knownMigrations()
  assert.deepEqual(await migrate(db, first), [first])
  assert.deepEqual(await migrate(db), rest)
})
