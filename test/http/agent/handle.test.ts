import { test } from 'node:test'
import assert from 'node:assert/strict'
import { exchangeFor, holderOf } from '../../support/delegation.ts'
import { dpopClient, dpopKey } from '../../support/dpop.ts'
import { openFederated } from '../../support/federated.ts'
import { asHandle, outcomeOf, ownForm } from '../../support/handle.ts'
import { entries, openStage, read } from '../../support/stage.ts'
import { tokenRequest } from '../../support/world.ts'

test('a capability as a handle', async (t) => {
  const { broker, granted, upstream } = await openStage(t)
  const { agentId, agentKey } = granted
  const own = { client_id: agentId, client_secret: agentKey }

  await t.test('is asked for as one, and otherwise answered like a JWT', async () => {
    const plain = await tokenRequest(broker.url, agentId, agentKey)
    const jwt = await tokenRequest(broker.url, agentId, agentKey, { token: 'jwt' })
    const handle = await tokenRequest(broker.url, agentId, agentKey, asHandle)
    for (const { body } of [plain, jwt]) assert.match(String(body['access_token']), /^ey.*\..*\./)
    assert.equal(handle.status, 200)
    const { access_token: token, ...rest } = handle.body
    const { access_token: other, ...same } = plain.body
    assert.match(String(token), /^vkh_[A-Za-z0-9]{40}$/)
    assert.notEqual(token, other)
    assert.deepEqual(rest, same)
  })

  await t.test('is no form that is not known', async () => {
    const { status, body } = await tokenRequest(broker.url, agentId, agentKey, { token: 'opaque' })
    assert.equal(status, 400)
    assert.equal(body['error'], 'invalid_authorization_details')
    assert.match(String(body['error_description']), /jwt or handle/)
  })

  await t.test(
    'opens what a JWT opens, on every replica, and does not leave the broker',
    async () => {
      const replica = await broker.replica()
      const token = await granted.token(asHandle)
      let sent = ''
      upstream.behave((response, request) => {
        sent += JSON.stringify(request.rawHeaders)
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":{}}')
      })
      for (const url of [broker.url, broker.url, replica.url])
        assert.equal(await outcomeOf(url, token), 'allowed')
      assert.ok(sent.length > 0 && !sent.includes(token))
      const response = await fetch(`${replica.url}/v1/access-requests/own`, {
        headers: { authorization: `Bearer ${token}` },
      })
      assert.equal(response.status, 200)
    },
  )

  await t.test('is on record by its id alone', async () => {
    const token = await granted.token(asHandle)
    await outcomeOf(broker.url, token)
    const log = await entries(broker)
    const issued = log.findLast(({ kind }) => kind === 'issuance')
    const { body } = await ownForm(broker.url, '/oauth/introspect', { ...own, token })
    assert.equal(issued?.['capability_id'] ?? issued?.['capabilityId'], body['jti'])
    assert.ok(!JSON.stringify(log).includes(token))
  })

  await t.test('is introspected by its agent, and by no other', async () => {
    const token = await granted.token(asHandle)
    const { body } = await ownForm(broker.url, '/oauth/introspect', { ...own, token })
    assert.equal(body['active'], true)
    assert.equal(body['token_type'], 'Bearer')
    assert.equal(body['sub'], agentId)
    const { agent, key } = await broker.api<{ agent: { id: string }; key: string }>(
      'POST',
      '/v1/agents',
      { name: 'somebody else' },
    )
    const foreign = { client_id: agent.id, client_secret: key, token }
    assert.deepEqual((await ownForm(broker.url, '/oauth/introspect', foreign)).body, {
      active: false,
    })
    await ownForm(broker.url, '/oauth/revoke', foreign)
    assert.equal(await outcomeOf(broker.url, token), 'allowed')
  })

  await t.test('is given back', async () => {
    const token = await granted.token(asHandle)
    assert.equal(await outcomeOf(broker.url, token), 'allowed')
    const { status } = await ownForm(broker.url, '/oauth/revoke', { ...own, token })
    assert.equal(status, 200)
    assert.equal(await outcomeOf(broker.url, token), 'capability_revoked')
    assert.deepEqual((await ownForm(broker.url, '/oauth/introspect', { ...own, token })).body, {
      active: false,
    })
  })

  await t.test('is named in the metadata', async () => {
    const response = await fetch(`${broker.url}/.well-known/oauth-authorization-server`)
    const metadata = (await response.json()) as Record<string, unknown>
    assert.deepEqual(metadata['valetkey_token_forms_supported'], ['jwt', 'handle'])
  })

  await t.test(
    'is exchanged for a narrower one, as a handle or a JWT, which ends with it',
    async () => {
      const token = await granted.token({ ...asHandle, verbs: ['environment'] })
      const holder = holderOf(granted)
      const [handle, jwt] = [
        await exchangeFor(broker.url, holder, token, { details: { ...asHandle, lifetime: 60 } }),
        await exchangeFor(broker.url, holder, token),
      ].map(({ status, body }) => {
        assert.equal(status, 200, JSON.stringify(body))
        return String(body['access_token'])
      })
      assert.match(handle ?? '', /^vkh_/)
      assert.match(jwt ?? '', /^eyJ/)
      const wider = await exchangeFor(broker.url, holder, token, { details: { verbs: ['read'] } })
      assert.equal(wider.body['error'], 'invalid_authorization_details')
      for (const child of [handle, jwt])
        assert.equal(await outcomeOf(broker.url, child ?? ''), 'allowed')
      await ownForm(broker.url, '/oauth/revoke', { ...own, token })
      for (const child of [handle, jwt])
        assert.equal(await outcomeOf(broker.url, child ?? ''), 'capability_revoked')
    },
  )

  await t.test('can be bound to a key, and is proved like a JWT', async () => {
    const client = dpopClient(await dpopKey(), broker.url)
    const token = await client.token(agentId, agentKey, asHandle)
    assert.match(token, /^vkh_/)
    const request = {
      method: 'POST',
      path: '/proxy/railway/graphql/v2',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(read),
    }
    assert.equal((await client.send({ ...request, token })).status, 200)
    assert.equal(await outcomeOf(broker.url, token), 'dpop_proof_invalid')
    const thief = dpopClient(await dpopKey(), broker.url)
    assert.equal((await thief.send({ ...request, token })).status, 401)
    const { body } = await ownForm(broker.url, '/oauth/introspect', { ...own, token })
    assert.equal(body['token_type'], 'DPoP')
    assert.deepEqual(body['cnf'], { jkt: client.key.jkt })
  })
})

test('a job exchanges its token for a handle', async (t) => {
  const { broker, exchange, rule } = await openFederated(t)
  await rule()
  const { status, body } = await exchange(
    {},
    { authorization_details: JSON.stringify([{ type: 'valetkey', ...asHandle }]) },
  )
  assert.equal(status, 200)
  assert.match(String(body['access_token']), /^vkh_/)
  assert.equal(body['issued_token_type'], 'urn:ietf:params:oauth:token-type:access_token')
  assert.equal(await outcomeOf(broker.url, String(body['access_token'])), 'allowed')
})
