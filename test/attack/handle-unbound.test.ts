/** A grant that issues only what is bound to a key: a handle is no way around it. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { dpopClient, dpopKey } from '../support/dpop.ts'
import { asHandle, outcomeOf } from '../support/handle.ts'
import { openStage, read } from '../support/stage.ts'
import { tokenRequest } from '../support/world.ts'

test('a handle of a grant that requires DPoP', async (t) => {
  const { broker, granted, upstream } = await openStage(t)
  const { agentId, agentKey, grantId } = granted
  const before = await granted.token(asHandle)
  assert.equal(await outcomeOf(broker.url, before), 'allowed')
  await broker.api('PATCH', `/v1/grants/${grantId}`, { require_dpop: true })
  const sent = upstream.received.length

  await t.test('is not issued without a proof', async () => {
    const { status, body } = await tokenRequest(broker.url, agentId, agentKey, asHandle)
    assert.equal(status, 400)
    assert.equal(body['error'], 'invalid_dpop_proof')
  })

  await t.test('is refused where it was issued before', async () => {
    assert.equal(await outcomeOf(broker.url, before), 'capability_invalid')
  })

  await t.test('is bound where it came with a proof, and no bearer’s', async () => {
    const client = dpopClient(await dpopKey(), broker.url)
    const token = await client.token(agentId, agentKey, asHandle)
    assert.equal(await outcomeOf(broker.url, token), 'dpop_proof_invalid')
    assert.equal(upstream.received.length, sent)
    const response = await client.send({
      method: 'POST',
      path: '/proxy/railway/graphql/v2',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(read),
      token,
    })
    assert.equal(response.status, 200)
  })
})
