/**
 * Asked for with a capability that anyone could have copied, before its grant began to take bound ones alone: a person's yes
 * does not carry it over, and the broker does not send it in the copier's place.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { dpopClient, dpopKey } from '../support/dpop.ts'
import { addVolume, approvalOf, openGated, removal } from '../support/gated.ts'
import { answerOf } from '../support/world.ts'

test('what was asked for without a key is not sent once the grant asks for one', async (t) => {
  const gated = await openGated(t, { terms: { execute: 'broker', hold_seconds: 3_600 } })
  const { broker, granted, standIn, approver, clock } = gated
  const client = dpopClient(await dpopKey(), broker.url)

  const unbound = addVolume(standIn.world)
  const waiting = addVolume(standIn.world)
  const held = await gated.approved(unbound)
  await gated.become(held, 'held')
  const pending = String(approvalOf(await gated.remove(waiting))['id'])

  const bound = addVolume(standIn.world)
  const asked = await answerOf(
    await client.send({
      method: 'POST',
      path: '/proxy/railway/graphql/v2',
      token: await client.token(granted.agentId, granted.agentKey),
      headers: { 'content-type': 'application/json' },
      body: removal(bound),
    }),
  )
  const other = String(approvalOf(asked)['id'])
  await approver.approve(other)
  await gated.become(other, 'held')

  await broker.api('PATCH', `/v1/grants/${granted.grantId}`, { require_dpop: true })
  for (const id of [held, pending]) {
    await gated.become(id, 'cancelled')
    assert.match(String((await gated.read(id))['cancel_reason']), /not bound to a key/)
  }
  clock.ahead = 3_700
  await gated.become(other, 'done')
  assert.equal(gated.reached(bound), 1, 'what was bound is as it was')
  assert.equal(gated.reached(unbound), 0)
  assert.equal(gated.reached(waiting), 0)
})
