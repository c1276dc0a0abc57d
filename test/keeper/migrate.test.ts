import { test } from 'node:test'
import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { knownMigrations } from '../../src/db/migrate.ts'
import { openDatabase } from '../../src/db/open.ts'
import { backupCommand } from '../../src/keeper/backup.ts'
import { migrateCommand } from '../../src/keeper/migrate.ts'
import { recoverCommand } from '../../src/keeper/recover.ts'
import { startProgram } from '../support/broker-process.ts'
import { createTestDatabase } from '../support/cluster.ts'
import { configFor, kekText, recordingDesk, urlOf } from '../support/keeper.ts'

test('migrate says what it applied, and is the only command besides serve and restore that changes the schema', async (t) => {
  const database = await createTestDatabase()
  const db = openDatabase(database.connection, 1)
  t.after(async () => {
    await db.destroy()
    await database.drop()
  })
  await sql`drop schema public cascade`.execute(db)
  await sql`create schema public`.execute(db)
  const config = configFor(database.connection, { VALETKEY_KEK: kekText(Buffer.alloc(32, 1)) })

  await assert.rejects(backupCommand(config, ['/nowhere/backup'], recordingDesk()), {
    name: 'StartError',
  })
  await assert.rejects(recoverCommand(config, ['--name', 'admin'], recordingDesk()), {
    name: 'StartError',
    message: /is empty/,
  })
  const { rows } = await sql`select 1 from pg_tables where schemaname = 'public'`.execute(db)
  assert.equal(rows.length, 0)

  const desk = recordingDesk()
  await migrateCommand(config, [], desk)
  assert.deepEqual(
    desk.lines,
    (await knownMigrations()).map((name) => `Applied ${name}`),
  )
  const again = recordingDesk()
  await migrateCommand(config, [], again)
  assert.match(again.lines.join(), /nothing was applied/)

  await sql`insert into kysely_migration (name, timestamp) values ('9999_later', '')`.execute(db)
  for (const command of ['migrate', 'serve', 'recover --name admin', 'rewrap']) {
    await t.test(`a database of a newer version is refused by ${command}`, async () => {
      const program = startProgram(command.split(' '), {
        DATABASE_URL: urlOf(database.connection),
        VALETKEY_KEK: kekText(Buffer.alloc(32, 1)),
      })
      assert.equal((await program.exited).code, 1)
      assert.match(program.output(), /newer version.*9999_later/s)
      assert.doesNotMatch(program.output(), / at .*\.ts:/)
    })
  }
})
