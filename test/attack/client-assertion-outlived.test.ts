/** A key that was removed, an agent that was stopped, a key of two: a signature is worth what its key is worth now. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { adminPassword } from '../support/broker.ts'
import {
  assertionOf,
  newTestKey,
  withAssertion,
  type TestKey,
} from '../support/client-assertion.ts'
import { openStage } from '../support/stage.ts'
import { until } from '../support/until.ts'

test('a registered key', async (t) => {
  const { broker, granted } = await openStage(t)
  const other = await broker.replica()
  const { agentId } = granted
  const add = async (key: TestKey): Promise<string> => {
    const path = `/v1/agents/${agentId}/public-keys`
    return (await broker.api<{ id: string }>('POST', path, { jwk: key.publicJwk }, 201)).id
  }
  const status = async (key: TestKey, url = broker.url, signed = assertionOf(key, agentId)) =>
    (await withAssertion(url, signed)).status
  const act = (path: string, body: unknown = {}) => broker.api('POST', path, body)

  await t.test('is nothing once it is removed, at the other replica too', async () => {
    const [kept, removed] = [newTestKey('EdDSA', 'kept'), newTestKey('EdDSA', 'removed')]
    await add(kept)
    const id = await add(removed)
    const as = (key: TestKey): string =>
      assertionOf(key, agentId, { header: { kid: key.publicJwk['kid'] } })
    await until('the other replica knows it', async () =>
      (await status(removed, other.url, as(removed))) === 200 ? true : undefined,
    )
    assert.equal(await status(removed, broker.url, as(removed)), 200)
    // Signed before it was removed, and shown after.
    const kept2 = as(removed)
    await act(`/v1/agents/${agentId}/public-keys/${id}/remove`)
    assert.equal(await status(removed, broker.url, as(removed)), 401)
    assert.equal(await status(removed, broker.url, kept2), 401)
    await until('the other replica hears of it', async () =>
      (await status(removed, other.url, as(removed))) === 401 ? true : undefined,
    )
    assert.equal(await status(kept, broker.url, as(kept)), 200)
    await broker.api('POST', `/v1/agents/${agentId}/public-keys/${id}/remove`, {}, 404)
  })

  await t.test('is removed by naming its own agent only', async () => {
    const key = newTestKey('ES256')
    const id = await add(key)
    const { agent } = await broker.api<{ agent: { id: string } }>('POST', '/v1/agents', {
      name: 'another',
    })
    await broker.api('POST', `/v1/agents/${agent.id}/public-keys/${id}/remove`, {}, 404)
    assert.equal(await status(key), 200)
    // Nor does it come to be another's.
    const path = `/v1/agents/${agent.id}/public-keys`
    await broker.api('POST', path, { jwk: { ...key.publicJwk, kid: 'new name' } }, 400)
    await broker.api('POST', path, { jwk: { ...key.publicJwk, kid: 'new-name' } }, 409)
    assert.equal((await withAssertion(broker.url, assertionOf(key, agent.id))).status, 401)
  })

  await t.test(
    'is nothing while its agent is disabled, and nothing for ever once revoked',
    async () => {
      const key = newTestKey('PS256')
      await add(key)
      assert.equal(await status(key), 200)
      await act(`/v1/agents/${agentId}/disable`)
      const meanwhile = assertionOf(key, agentId)
      assert.equal(await status(key, broker.url, meanwhile), 401)
      await act(`/v1/agents/${agentId}/enable`, { password: adminPassword })
      assert.equal(await status(key), 200)
      await act(`/v1/agents/${agentId}/revoke`)
      assert.equal(await status(key), 401)
      const jwk = newTestKey().publicJwk
      await broker.api('POST', `/v1/agents/${agentId}/public-keys`, { jwk }, 409)
    },
  )
})
