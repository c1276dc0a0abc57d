/** A replica whose clock is wrong: what the replicas compare, they compare by the database's. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { databaseClock } from '../../src/db/clock.ts'
import { newId, type ApprovalId } from '../../src/ids.ts'
import { openTestBroker } from '../support/broker.ts'
import { createTestDatabase } from '../support/cluster.ts'
import { addVolume, idOf, openGated, removalsIn } from '../support/gated.ts'
import { until } from '../support/until.ts'

const minute = 60_000

test('a replica that is ahead neither sends early nor gives up what another is sending', async (t) => {
  const key = randomBytes(32)
  const database = await createTestDatabase()
  t.after(() => database.drop())
  const lent = { connection: database.connection, drop: () => Promise.resolve() }
  const right = await openGated(undefined, {
    key,
    database: lent,
    sharedNow: databaseClock,
    terms: { hold_seconds: 600 },
  })
  const { approver, standIn, remove } = right
  t.after(() => standIn.close())
  const volumes = Array.from({ length: 4 }, () => addVolume(standIn.world))
  const [held, sending, first, second] = (
    await Promise.all(volumes.map((each) => remove(each)))
  ).map((answer) => idOf(answer) as ApprovalId)
  assert.ok(held && sending && first && second)
  await approver.approve(held)
  await approver.approve(sending)
  await right.broker.close()

  const wrong = await openTestBroker(t, {
    key,
    database: lent,
    existing: true,
    upstreams: { railway: standIn.origin },
    sharedNow: databaseClock,
    // Past the end of the undo window, and within the time in which the broker may send after it.
    now: () => Date.now() + 12 * minute,
  })
  const { db } = wrong.broker
  const rowOf = (id: ApprovalId) =>
    db.selectFrom('approval').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  const change = (id: ApprovalId, to: Record<string, unknown>) =>
    db.updateTable('approval').set(to).where('id', '=', id).execute()
  const now = await databaseClock(db)
  await change(sending, {
    state: 'sending',
    sent_by: newId('replica'),
    lease_until: new Date(now + 60_000),
  })
  // It looks at all of them each time: once it has let two run out, one after the other, it has looked at the rest between.
  for (const id of [first, second]) {
    await change(id, { expires_at: new Date(now - 1), requested_at: new Date(now - 2) })
    await until('it has run out', async () =>
      (await rowOf(id)).state === 'expired' ? true : undefined,
    )
  }
  assert.deepEqual([(await rowOf(held)).state, (await rowOf(sending)).state], ['held', 'sending'])
  for (const volume of volumes) assert.equal(removalsIn(standIn, volume), 0)
})

test('an undo window is as long as was said, also where the replica that was told of the yes is an hour behind', async (t) => {
  const { approver, standIn, remove, read } = await openGated(t, {
    now: () => Date.now() - 60 * minute,
    sharedNow: databaseClock,
    terms: { hold_seconds: 600 },
  })
  const before = Date.now()
  const id = idOf(await remove(addVolume(standIn.world)))
  await approver.approve(id)
  const { state, held_until, expires_at } = await read(id)
  assert.equal(state, 'held')
  assert.ok(Date.parse(String(held_until)) >= before + 600_000 - 1)
  assert.ok(Date.parse(String(expires_at)) >= before + 300_000 - 1)
})
