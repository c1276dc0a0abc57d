/** A grant that allows only what is bound to a key: there is no way around it, nor with what was issued before. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { adminPassword } from '../support/broker.ts'
import { dpopClient, dpopKey } from '../support/dpop.ts'
import { openStage, read } from '../support/stage.ts'
import { until } from '../support/until.ts'
import { answerOf, railway, tokenRequest } from '../support/world.ts'

const path = '/proxy/railway/graphql/v2'
const request = {
  method: 'POST',
  path,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(read),
}

test('a grant that requires a bound capability', async (t) => {
  const { broker, granted, upstream } = await openStage(t)
  const replica = await broker.replica()
  const { agentId, agentKey, grantId } = granted
  const before = await granted.token()
  const client = dpopClient(await dpopKey(), broker.url)
  const bound = await client.token(agentId, agentKey)
  for (const url of [broker.url, replica.url])
    assert.equal((await railway(url, before, read)).status, 200)

  await t.test('is made so without the password, and is shown so', async () => {
    const answer = await broker.api('PATCH', `/v1/grants/${grantId}`, { require_dpop: true })
    assert.equal(answer['require_dpop'], true)
  })

  await t.test('takes nothing that was issued before to a bearer, on any replica', async () => {
    upstream.received.length = 0
    for (const url of [broker.url, replica.url]) {
      const answer = await until('it is refused', async () => {
        const each = await railway(url, before, read)
        return each.status === 200 ? undefined : each
      })
      assert.equal(answer.status, 401)
      assert.equal(answer.json['code'], 'capability_invalid')
    }
    const sent = upstream.received.length
    assert.equal((await railway(broker.url, before, read)).status, 401)
    assert.equal(upstream.received.length, sent)
    const own = await answerOf(
      await fetch(`${broker.url}/v1/access-requests/own`, {
        headers: { authorization: `Bearer ${before}` },
      }),
    )
    assert.equal(own.status, 401)
    const introspected = await fetch(`${broker.url}/oauth/introspect`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: agentId, client_secret: agentKey, token: before }),
    })
    assert.deepEqual(await introspected.json(), { active: false })
  })

  await t.test('issues nothing without a proof', async () => {
    const refused = await tokenRequest(broker.url, agentId, agentKey)
    assert.equal(refused.status, 400)
    assert.equal(refused.body['error'], 'invalid_dpop_proof')
  })

  await t.test('takes what was bound before, and what is bound now', async () => {
    for (const token of [bound, await client.token(agentId, agentKey)]) {
      const response = await client.send({ ...request, token })
      assert.equal(response.status, 200)
      await response.body?.cancel()
    }
  })

  await t.test('is made looser only with the password', async () => {
    await broker.api('PATCH', `/v1/grants/${grantId}`, { require_dpop: false }, 403)
    await broker.api('PATCH', `/v1/grants/${grantId}`, {
      require_dpop: false,
      password: adminPassword,
    })
    assert.equal((await tokenRequest(broker.url, agentId, agentKey)).status, 200)
  })
})
