/** A handle after its end: it has expired, or it, its grant or its agent was taken away, here or on another replica. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { asHandle, outcomeOf, ownForm } from '../support/handle.ts'
import { openStage } from '../support/stage.ts'
import { until } from '../support/until.ts'

test('a handle whose time is over is refused, whether it was used before or not', async (t) => {
  let ahead = 0
  const { broker, granted, upstream } = await openStage(t, { now: () => Date.now() + ahead })
  const [used, unused] = [await granted.token(asHandle), await granted.token(asHandle)]
  assert.equal(await outcomeOf(broker.url, used), 'allowed')
  const sent = upstream.received.length
  ahead = 301_000
  for (const token of [used, unused])
    assert.equal(await outcomeOf(broker.url, token), 'capability_expired')
  // The row says when it may be swept, and nothing about how long the handle is good.
  await broker.broker.db
    .updateTable('handle')
    .set({ expires_at: new Date(Date.now() + 86_400_000) })
    .execute()
  for (const token of [used, unused])
    assert.equal(await outcomeOf(broker.url, token), 'capability_expired')
  assert.equal(upstream.received.length, sent)
  const own = { client_id: granted.agentId, client_secret: granted.agentKey }
  for (const token of [used, unused]) {
    const { body } = await ownForm(broker.url, '/oauth/introspect', { ...own, token })
    assert.deepEqual(body, { active: false })
  }
})

test('a handle that was revoked, or whose grant was, is refused on every replica', async (t) => {
  const { broker, granted, upstream } = await openStage(t)
  const replica = await broker.replica()
  const own = { client_id: granted.agentId, client_secret: granted.agentKey }

  async function warm(): Promise<{ token: string; jti: string }> {
    const token = await granted.token(asHandle)
    for (const url of [broker.url, replica.url])
      assert.equal(await outcomeOf(url, token), 'allowed')
    const { body } = await ownForm(broker.url, '/oauth/introspect', { ...own, token })
    return { token, jti: String(body['jti']) }
  }
  async function refusedEverywhere(token: string, code: string): Promise<void> {
    const sent = upstream.received.length
    assert.equal(await outcomeOf(broker.url, token), code)
    assert.equal(upstream.received.length, sent)
    await until('the other replica refuses it', async () =>
      (await outcomeOf(replica.url, token)) === code ? true : undefined,
    )
  }

  const first = await warm()
  await broker.api('POST', `/v1/capabilities/${first.jti}/revoke`, {})
  await refusedEverywhere(first.token, 'capability_revoked')
  const second = await warm()
  await ownForm(replica.url, '/oauth/revoke', { ...own, token: second.token })
  await until('this replica refuses it', async () =>
    (await outcomeOf(broker.url, second.token)) === 'capability_revoked' ? true : undefined,
  )
  const third = await warm()
  await broker.api('POST', `/v1/grants/${granted.grantId}/revoke`, {})
  await refusedEverywhere(third.token, 'grant_inactive')
})
