/**
 * Against whoever writes the database and has not the key: with the secret of a whole workspace no token is deleted but
 * the one that was minted. A whole broker before a Railway, whose tokens are ended by their name alone.
 */
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { openTestBroker, type TestBroker } from '../support/broker.ts'
import { askLease, endOwn, shownLease } from '../support/lease.ts'
import { railwayHandedOut } from '../support/minting-grant.ts'
import { startRailwayStandIn, type RailwayStandIn } from '../support/railway-stand-in.ts'
import { railwayWorld } from '../support/railway-world.ts'
import { until } from '../support/until.ts'

const workspace = 'rw_workspace_token_9f8Zq0T0k3n'

let standIn: RailwayStandIn
let broker: TestBroker
before(async () => {
  standIn = await startRailwayStandIn(railwayWorld(), {
    token: { kind: 'workspace', value: workspace },
  })
  broker = await openTestBroker(undefined, { upstreams: { railway: standIn.origin } })
})
after(async () => {
  await broker.close()
  await standIn.close()
})

test('a handle that was written into its row ends no other token', async () => {
  const { db } = broker.broker
  const granted = await railwayHandedOut(broker, workspace, { max_lifetime_seconds: 900 })
  const capability = await granted.token()
  const [one, other] = [
    await askLease(broker.url, capability),
    await askLease(broker.url, capability),
  ]
  assert.deepEqual([one.status, other.status], [201, 201], one.text)
  const works = (answer: typeof one) =>
    [...standIn.world.projectTokens.values()].some(({ value }) => value === answer.json['token'])
  assert.ok(works(one) && works(other))
  const [id, otherId] = [String(one.json['id']), String(other.json['id'])]
  const { handle } = await db
    .selectFrom('lease')
    .select('handle')
    .where('id', '=', otherId as never)
    .executeTakeFirstOrThrow()
  await db
    .updateTable('lease')
    .set({ handle })
    .where('id', '=', id as never)
    .execute()
  await endOwn(broker.url, capability, id)
  const shown = await until('it is not ended', async () => {
    const found = await shownLease(broker, id)
    return ['live', 'revoking'].includes(found.state) ? undefined : found
  })
  assert.equal(shown.state, 'could_not_revoke')
  assert.match(String(shown.last_error), /does not open/)
  assert.ok(works(other), 'the other one still works')

  await endOwn(broker.url, capability, otherId)
  await until('the other one is ended with its own', async () =>
    (await shownLease(broker, otherId)).state === 'revoked' ? true : undefined,
  )
  assert.ok(!works(other))
})
