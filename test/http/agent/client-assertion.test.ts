/** Who an assertion says its sender is, at each OAuth endpoint, and in one way only. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import {
  assertionOf,
  assertionType,
  newTestKey,
  withAssertion,
} from '../../support/client-assertion.ts'
import { entries, openStage } from '../../support/stage.ts'

test('an agent that signs', async (t) => {
  const { broker, granted } = await openStage(t)
  const { url } = broker
  const { agentId } = granted
  const key = newTestKey()
  const { id: keyId } = await broker.api<{ id: string }>(
    'POST',
    `/v1/agents/${agentId}/public-keys`,
    { jwk: key.publicJwk },
    201,
  )
  const fresh = (): string => assertionOf(key, agentId)
  const grantType = { grant_type: 'client_credentials' }

  await t.test('takes a capability, and the log says with which key', async () => {
    const { status, body } = await withAssertion(url, fresh(), { ...grantType, client_id: agentId })
    assert.equal(status, 200)
    assert.equal(body['token_type'], 'Bearer')
    const issued = (await entries(broker)).findLast(
      (entry) => entry.kind === 'issuance' && entry['result'] === 'issued',
    )
    assert.equal((issued?.['actor'] as Record<string, unknown> | undefined)?.['key'], keyId)
  })

  await t.test('authenticates in one way only (RFC 6749 §2.3)', async () => {
    const basic = `Basic ${Buffer.from(`${agentId}:${granted.agentKey}`).toString('base64')}`
    for (const [fields, headers] of [
      [{ ...grantType, client_id: agentId, client_secret: granted.agentKey }, {}],
      [{ ...grantType, client_secret: 'x' }, {}],
      [grantType, { authorization: basic }],
      [grantType, { authorization: `Bearer ${await granted.token()}` }],
      [grantType, { authorization: 'Basic' }],
    ] as const) {
      const { status, body } = await withAssertion(url, fresh(), fields, headers)
      assert.deepEqual([status, body['error']], [400, 'invalid_request'])
      assert.match(String(body['error_description']), /one way/)
    }
  })

  await t.test('says what kind of assertion it is, and is who the form says', async () => {
    for (const [fields, error] of [
      [{ ...grantType, client_assertion_type: `${assertionType}s` }, 'invalid_client'],
      [
        {
          ...grantType,
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer',
        },
        'invalid_client',
      ],
      [{ ...grantType, client_assertion_type: '' }, 'invalid_client'],
      [{ ...grantType, client_assertion: '' }, 'invalid_request'],
      [{ ...grantType, client_id: 'ag_00000000000000000000000000' }, 'invalid_request'],
    ] as const) {
      const { body } = await withAssertion(url, fresh(), fields)
      assert.equal(body['error'], error, JSON.stringify(fields))
    }
    const twice = await fetch(`${url}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams([
        ...Object.entries(grantType),
        ['client_assertion_type', assertionType],
        ['client_assertion', fresh()],
        ['client_assertion', fresh()],
      ]),
    })
    assert.equal(twice.status, 400)
  })

  await t.test('reads and revokes what is its own, and nothing of others', async () => {
    const { body } = await withAssertion(url, fresh())
    const token = String(body['access_token'])
    const ask = async (path: string, by = fresh()) =>
      (await withAssertion(url, by, { token }, {}, path)).body
    assert.equal((await ask('/oauth/introspect'))['active'], true)
    const other = newTestKey()
    const created = await broker.api<Record<string, { id: string }>>('POST', '/v1/agents', {
      name: 'keyless',
      public_key: other.publicJwk,
    })
    const otherId = String(created['agent']?.id)
    assert.deepEqual(await ask('/oauth/introspect', assertionOf(other, otherId)), { active: false })
    assert.deepEqual(await ask('/oauth/revoke', assertionOf(other, otherId)), {})
    assert.equal((await ask('/oauth/introspect'))['active'], true)
    assert.deepEqual(await ask('/oauth/revoke'), {})
    assert.deepEqual(await ask('/oauth/introspect'), { active: false })
  })
})
