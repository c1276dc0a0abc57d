import { test } from 'node:test'
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { rewrapCommand } from '../../src/keeper/rewrap.ts'
import { readKekFile } from '../../src/vault/kek-file.ts'
import { openTestBroker } from '../support/broker.ts'
import { createTestDatabase } from '../support/cluster.ts'
import { configFor, privateDirectory, recordingDesk, writeKekFile } from '../support/keeper.ts'
import { askLease, leasingOn, openFickleGithub } from '../support/lease.ts'
import { until } from '../support/until.ts'

test('a native credential that was handed out before a rewrap is ended after it', async (t) => {
  const fickle = await openFickleGithub()
  t.after(() => fickle.close())
  const database = await createTestDatabase()
  t.after(database.drop)
  const { connection } = database
  const kept = { connection, drop: () => Promise.resolve() }
  const key = randomBytes(32)
  const upstreams = { github: fickle.origin }
  const before = await openTestBroker(undefined, { key, database: kept, upstreams })
  const leasing = await leasingOn(before)
  const { json, status } = await askLease(before.url, await leasing.token())
  assert.equal(status, 201)
  await before.close()

  const kek = join(await privateDirectory(t), 'kek')
  await writeKekFile(kek, key)
  await rewrapCommand(configFor(connection, { VALETKEY_KEK_FILE: kek }), [], recordingDesk())
  const next = await readKekFile(kek)
  assert.ok(next.ok)
  assert.ok(fickle.tokens().includes(String(json['token'])))
  const after = await openTestBroker(undefined, {
    kekSource: 'env',
    database: kept,
    existing: true,
    upstreams,
  })
  t.after(() => after.close())
  assert.equal(await after.broker.unsealer.admit(next.kek, 'file'), 'opened')
  await after.broker.db
    .updateTable('lease')
    .set({ ends_at: new Date() })
    .where('id', '=', json['id'] as never)
    .execute()
  await until('it is ended', () =>
    fickle.tokens().includes(String(json['token'])) ? undefined : true,
  )
})
