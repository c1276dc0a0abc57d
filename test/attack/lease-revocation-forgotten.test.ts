/**
 * A lease can outlive the capability that it was asked with. Whoever revokes that, and no replica lives to hear of it before
 * the capability would have ended by itself: the one that starts then must still know.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { createRevocationList } from '../../src/capability/revocation.ts'
import { claimsOf } from '../support/delegation.ts'
import { ownForm } from '../support/handle.ts'
import { askLease, openLeaseWorld } from '../support/lease.ts'

test('a capability’s revocation is known for as long as a lease under it may live', async (t) => {
  let clock = -270_000
  const { broker, leasing } = await openLeaseWorld(t, { now: () => Date.now() + clock })
  const { agentId, agentKey, token } = await leasing()
  const own = { client_id: agentId, client_secret: agentKey }
  const capability = await token({ lifetime: 300 })
  clock = 0
  const { status, json, text } = await askLease(broker.url, capability)
  assert.equal(status, 201, text)
  const { exp, jti } = claimsOf(capability)
  const ends = Date.parse(String(json['expires_at']))
  assert.ok(ends > (Number(exp) + 240) * 1000, 'it outlives its capability by minutes')
  const revoked = await ownForm(broker.url, '/oauth/revoke', { ...own, token: capability })
  assert.equal(revoked.status, 200)

  const started = createRevocationList(broker.broker.db)
  t.mock.timers.enable({ apis: ['Date'], now: ends - 1_000 })
  await started.reload()
  t.mock.timers.reset()
  assert.equal(started.isRevoked(String(jti)), true)
})
