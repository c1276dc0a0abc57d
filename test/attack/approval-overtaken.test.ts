/**
 * A right that is taken away between two looks at it: while a person touches their passkey, and while the broker takes
 * what it is to send. The database itself sees to it that the change comes at that very moment.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { newClient } from '../../src/db/open.ts'
import { addVolume, idOf, openGated, ownedBy, type Gated } from '../support/gated.ts'
import { until } from '../support/until.ts'

/** Runs `body`, in plpgsql, in the transaction of every such change, before it is made. */
async function onEvery(
  { broker }: Gated,
  table: string,
  when: string,
  body: string,
): Promise<void> {
  const { db } = broker.broker
  await sql
    .raw(
      `create function meanwhile() returns trigger language plpgsql as $$ begin ${body}; return new; end $$`,
    )
    .execute(db)
  await sql
    .raw(
      `create trigger meanwhile before update on ${table} for each row when (${when}) execute function meanwhile()`,
    )
    .execute(db)
}

test('what is revoked while the broker takes it is not sent', async (t) => {
  const gated = await openGated(t, { terms: { execute: 'broker' } })
  const { broker, granted, approver, standIn } = gated
  await onEvery(gated, 'approval', "new.state = 'sending'", 'perform pg_advisory_xact_lock(4711)')
  const lock = newClient(broker.connection)
  await lock.connect()
  await lock.query('select pg_advisory_lock(4711)')
  const token = await granted.token()
  const volume = addVolume(standIn.world)
  const id = idOf(await gated.remove(volume, { token }))
  await approver.approve(id)
  await until('somebody takes it', async () => {
    const { rowCount } = await lock.query(
      "select 1 from pg_stat_activity where datname = current_database() and wait_event = 'advisory'",
    )
    return rowCount === 0 ? undefined : true
  })
  const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
  const { jti } = JSON.parse(claims) as { jti: string }
  await broker.api('POST', `/v1/capabilities/${jti}/revoke`, {})
  for (const { url } of [broker, gated.other])
    await until('it has heard of it', async () => {
      const { status } = await gated.remove(volume, { token, url })
      return status === 401 ? true : undefined
    })
  await lock.end()
  await gated.become(id, 'cancelled')
  assert.match(String((await gated.read(id))['cancel_reason']), /capability .* was revoked/)
  assert.deepEqual([gated.reached(volume), gated.there(volume)], [0, true])
})

test('what was given to another agent while it was held is not sent in its name', async (t) => {
  const gated = await openGated(t, { terms: { hold_seconds: 60 } })
  const { broker, granted, approver, standIn, clock } = gated
  const volume = addVolume(standIn.world)
  const id = idOf(await gated.remove(volume))
  await approver.approve(id)
  const { agent } = await broker.api<{ agent: { id: string } }>('POST', '/v1/agents', {
    name: 'another',
  })
  await broker.broker.db
    .updateTable('grant')
    .set({ agent_id: agent.id as never })
    .where('id', '=', granted.grantId as never)
    .execute()
  // Word of any change: what is known of the grant is read anew.
  await ownedBy(broker, granted, approver)
  clock.ahead += 61
  await gated.become(id, 'cancelled')
  assert.match(String((await gated.read(id))['cancel_reason']), /another request/)
  assert.equal(gated.reached(volume), 0)
})

test('whoever is demoted while their touch is counted has not approved', async (t) => {
  const gated = await openGated(t)
  const { approver, standIn } = gated
  const volume = addVolume(standIn.world)
  const id = idOf(await gated.remove(volume))
  await onEvery(
    gated,
    'passkey',
    'true',
    "update operator set roles = '{auditor}' where id = new.operator_id",
  )
  const { status, body } = await approver.tryTo('approve', id)
  assert.deepEqual([status, body['code']], [403, 'forbidden'])
  assert.equal(await gated.state(id), 'pending')
  assert.equal((await gated.remove(volume)).json['code'], 'approval_required')
})
