import { test } from 'node:test'
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { enrolCode, newCodeSecret } from '../../src/approval/one-time-code.ts'
import { openDatabase } from '../../src/db/open.ts'
import type { OperatorId } from '../../src/ids.ts'
import { rewrapCommand } from '../../src/keeper/rewrap.ts'
import { readKekFile } from '../../src/vault/kek-file.ts'
import { openTestBroker } from '../support/broker.ts'
import { createTestDatabase } from '../support/cluster.ts'
import { configFor, privateDirectory, recordingDesk, writeKekFile } from '../support/keeper.ts'

test('the secret of one-time codes opens under the new key after a rewrap, and is the same', async (t) => {
  const database = await createTestDatabase()
  t.after(database.drop)
  const { connection } = database
  const kept = { connection, drop: () => Promise.resolve() }
  const key = randomBytes(32)
  const before = await openTestBroker(undefined, { key, database: kept })
  const { id } = await before.api<{ id: OperatorId }>('GET', '/v1/me')
  const sealer = before.broker.deps.codeSealer
  const { sealed } = await newCodeSecret(sealer, { id, name: 'ada' }, 'http://localhost:8474')
  await before.broker.db.transaction().execute((tx) => enrolCode(tx, id, sealed, sealer.kekId()))
  const secret = await sealer.open(sealed, id)
  const oldKek = sealer.kekId()
  await before.close()

  const kek = join(await privateDirectory(t), 'kek')
  await writeKekFile(kek, key)
  await rewrapCommand(configFor(connection, { VALETKEY_KEK_FILE: kek }), [], recordingDesk())

  const db = openDatabase(connection, 1)
  const row = await db.selectFrom('one_time_code').selectAll().executeTakeFirstOrThrow()
  await db.destroy()
  assert.notEqual(row.kek_id, oldKek)
  assert.notDeepEqual(row.sealed, sealed)
  const next = await readKekFile(kek)
  assert.ok(next.ok)
  const after = await openTestBroker(undefined, {
    kekSource: 'env',
    database: kept,
    existing: true,
  })
  t.after(() => after.close())
  assert.equal(await after.broker.unsealer.admit(next.kek, 'file'), 'opened')
  const opener = after.broker.deps.codeSealer
  assert.deepEqual(await opener.open(row.sealed, id), secret)
  await assert.rejects(opener.open(row.sealed, `${id.slice(0, -1)}z` as OperatorId))
  await assert.rejects(opener.open(sealed, id))
})
