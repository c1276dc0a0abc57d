/** What was taken away works on: in the cache of verified tokens, at issuance, or on another replica. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { adminPassword } from '../support/broker.ts'
import { railwayIds } from '../support/railway-world.ts'
import { openStage, read } from '../support/stage.ts'
import { railway, tokenRequest } from '../support/world.ts'
import { until } from '../support/until.ts'

test('a capability that was used before', async (t) => {
  const { broker, granted, upstream } = await openStage(t)
  const replica = await broker.replica()
  const password = adminPassword

  async function used(url: string, token: string): Promise<string> {
    const answer = await railway(url, token, read)
    return answer.status === 200 ? 'allowed' : String(answer.json['code'])
  }
  async function issued(): Promise<number> {
    return (await tokenRequest(broker.url, granted.agentId, granted.agentKey)).status
  }
  /** On this replica at once, on the other within the feed's bound; and nothing gets through meanwhile unnoticed. */
  async function refusedEverywhere(token: string, code: string): Promise<void> {
    const before = upstream.received.length
    assert.equal(await used(broker.url, token), code)
    assert.equal(upstream.received.length, before)
    await until('the other replica refuses it', async () =>
      (await used(replica.url, token)) === code ? true : undefined,
    )
  }
  async function warm(): Promise<string> {
    const token = await granted.token()
    for (const url of [broker.url, broker.url, replica.url])
      await until('it is allowed', async () =>
        (await used(url, token)) === 'allowed' ? true : undefined,
      )
    return token
  }
  const jtiOf = (token: string): string =>
    (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { jti: string })
      .jti

  await t.test('is refused after an operator revokes it', async () => {
    const token = await warm()
    const other = await granted.token()
    await broker.api('POST', `/v1/capabilities/${jtiOf(token)}/revoke`, {})
    await refusedEverywhere(token, 'capability_revoked')
    assert.equal(await used(broker.url, other), 'allowed', 'and no other with it')
  })

  await t.test('is refused after its agent gives it back', async () => {
    const token = await warm()
    const form = new URLSearchParams({
      client_id: granted.agentId,
      client_secret: granted.agentKey,
      token,
    })
    const response = await fetch(`${broker.url}/oauth/revoke`, { method: 'POST', body: form })
    assert.equal(response.status, 200)
    await refusedEverywhere(token, 'capability_revoked')
  })

  for (const [what, path] of [
    ['grant', `/v1/grants/${granted.grantId}`],
    ['agent', `/v1/agents/${granted.agentId}`],
    ['environment', `/v1/environments/${granted.environmentId}`],
    ['credential', `/v1/credentials/${granted.credentialId}`],
  ] as const) {
    await t.test(`is refused while its ${what} is disabled, and so is a new one`, async () => {
      const token = await warm()
      await broker.api('POST', `${path}/disable`, {})
      await refusedEverywhere(token, 'grant_inactive')
      assert.notEqual(await issued(), 200)
      await broker.api('POST', `${path}/enable`, { password })
      assert.equal(await used(broker.url, token), 'allowed')
      assert.equal(await issued(), 200)
    })
  }

  for (const [scope, subject] of [
    ['everything', undefined],
    ['provider', 'railway'],
    ['environment', granted.environmentId],
    ['agent', granted.agentId],
  ] as const) {
    await t.test(`is refused while a freeze of ${scope} holds, and so is a new one`, async () => {
      const token = await warm()
      const body = { scope, ...(subject === undefined ? {} : { subject }), reason: 'a test' }
      const { id } = await broker.api<{ id: string }>('POST', '/v1/freezes', body)
      await refusedEverywhere(token, 'frozen')
      assert.notEqual(await issued(), 200)
      await broker.api('POST', `/v1/freezes/${id}/lift`, { password })
      assert.equal(await used(broker.url, token), 'allowed')
    })
  }

  await t.test('is void once its environment is bound anew, even to the same ids', async () => {
    const token = await warm()
    const bindings = [{ provider: 'railway', kind: 'environment', id: railwayIds.staging }]
    await broker.api('PUT', `/v1/environments/${granted.environmentId}/bindings`, {
      bindings,
      password,
    })
    await refusedEverywhere(token, 'capability_revoked')
    assert.equal(await used(broker.url, await granted.token()), 'allowed')
  })

  await t.test('is refused a verb that its grant has lost since', async () => {
    const token = await warm()
    const path = `/v1/grants/${granted.grantId}`
    await broker.api('PATCH', path, { verbs: ['volumeCreate'], password })
    await refusedEverywhere(token, 'verb_missing')
    await broker.api('PATCH', path, { verbs: ['read'], password })
  })

  await t.test('is still good after the signing key was rotated, until it expires', async () => {
    const token = await warm()
    await broker.api('POST', '/v1/signing-keys/rotate', { password })
    assert.equal(await used(broker.url, token), 'allowed')
    const { keys } = await broker.api<{ keys: { kid: string; d?: string }[] }>(
      'GET',
      '/.well-known/jwks.json',
    )
    assert.equal(keys.length, 2)
    assert.ok(
      keys.every((key) => key.d === undefined),
      'no private key is published',
    )
  })

  await t.test('is of no use with a key that was rotated away, and the new key works', async () => {
    const { key } = await broker.api<{ key: string }>(
      'POST',
      `/v1/agents/${granted.agentId}/keys`,
      {
        overlap_seconds: 0,
      },
    )
    assert.equal(await issued(), 401)
    assert.equal((await tokenRequest(broker.url, granted.agentId, key)).status, 200)
  })

  await t.test(
    'is refused for ever once its grant is revoked, and nothing brings it back',
    async () => {
      const token = await until('a key that works', async () => {
        const { key } = await broker.api<{ key: string }>(
          'POST',
          `/v1/agents/${granted.agentId}/keys`,
          {},
        )
        const answer = await tokenRequest(broker.url, granted.agentId, key)
        return answer.status === 200 ? String(answer.body['access_token']) : undefined
      })
      await broker.api('POST', `/v1/grants/${granted.grantId}/revoke`, {})
      await refusedEverywhere(token, 'grant_inactive')
      await broker.api('POST', `/v1/grants/${granted.grantId}/enable`, { password }, 409)
      await broker.api('PATCH', `/v1/grants/${granted.grantId}`, { verbs: ['read'], password }, 409)
      assert.equal(await used(broker.url, token), 'grant_inactive')
    },
  )
})
