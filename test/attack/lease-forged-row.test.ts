/** Against whoever writes the database and has not the key: a token that was moved to another row ends nothing there. */
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { askLease, openLeaseWorld, shownLease, type LeaseWorld } from '../support/lease.ts'
import { until } from '../support/until.ts'

let world: LeaseWorld
before(async () => {
  world = await openLeaseWorld(undefined)
})
after(() => world.close())

test('a sealed token opens in its own row alone', async () => {
  const { broker, fickle } = world
  const { db } = broker.broker
  const leasing = await world.leasing()
  const token = await leasing.token()
  const one = await askLease(broker.url, token)
  const other = await askLease(broker.url, token)
  const [id, otherId] = [String(one.json['id']), String(other.json['id'])]
  const { sealed_token } = await db
    .selectFrom('lease')
    .select('sealed_token')
    .where('id', '=', otherId as never)
    .executeTakeFirstOrThrow()
  assert.ok(sealed_token !== null && !sealed_token.includes(String(other.json['token'])))
  await db
    .updateTable('lease')
    .set({ sealed_token })
    .where('id', '=', id as never)
    .execute()
  await broker.api('POST', `/v1/leases/${id}/revoke`, {})
  const shown = await until('it cannot be revoked', async () => {
    const found = await shownLease(broker, id)
    return found.state === 'could_not_revoke' ? found : undefined
  })
  assert.match(String(shown.last_error), /does not open/)
  assert.ok(fickle.tokens().includes(String(other.json['token'])), 'the other one still works')
})
