/** One kind of token where another is expected, more than was granted, or two identities in one request. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { SignJWT, decodeJwt } from 'jose'
import { openStage, read } from '../support/stage.ts'
import { grantOn, railway, tokenRequest } from '../support/world.ts'
import { railwayIds } from '../support/railway-world.ts'

test('who a token is for', async (t) => {
  const { broker, granted, upstream } = await openStage(t, {
    grant: { verbs: ['read', 'volumeCreate'], max_lifetime_seconds: 120 },
  })
  const token = await granted.token()
  const { url } = broker

  const ask = (details: Record<string, unknown>) =>
    tokenRequest(url, granted.agentId, granted.agentKey, details)
  const form = async (path: string, fields: Record<string, string>, headers = {}) => {
    const body = new URLSearchParams(fields)
    const response = await fetch(`${url}${path}`, { method: 'POST', body, headers })
    return { status: response.status, json: (await response.json()) as Record<string, unknown> }
  }
  const client = { client_id: granted.agentId, client_secret: granted.agentKey }

  await t.test('an operator’s sign-in is no capability, and no client’s key', async () => {
    const answer = await railway(url, broker.admin.bearer, read)
    assert.equal(answer.status, 401)
    assert.equal(answer.json['code'], 'capability_invalid')
    const asKey = {
      ...client,
      client_secret: broker.admin.bearer,
      grant_type: 'client_credentials',
    }
    assert.equal((await form('/oauth/token', asKey)).status, 401)
  })

  await t.test('a capability is no operator’s sign-in, as a bearer or as a cookie', async () => {
    const headers = [{ authorization: `Bearer ${token}` }, { cookie: `__Host-valetkey=${token}` }]
    for (const each of headers) {
      const response = await fetch(`${url}/v1/me`, { headers: each })
      assert.equal(response.status, 401)
    }
  })

  await t.test(
    'an operator’s claims signed with the key of capabilities, or the other way round, are nothing',
    async () => {
      const keyring = broker.broker.deps.keyring()
      assert.ok(keyring)
      const { kid, key } = keyring.signing(Date.now())
      const signIn = decodeJwt(broker.admin.bearer)
      const crossed = await new SignJWT(signIn)
        .setProtectedHeader({ alg: 'EdDSA', typ: 'JWT', kid })
        .sign(key)
      const response = await fetch(`${url}/v1/me`, {
        headers: { authorization: `Bearer ${crossed}` },
      })
      assert.equal(response.status, 401)
      const back = await new SignJWT(decodeJwt(token))
        .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid })
        .sign(keyring.operatorSecret)
      assert.equal((await railway(url, back, read)).json['code'], 'capability_invalid')
    },
  )

  await t.test(
    'the claims of a capability signed as a sign-in lack what a sign-in has',
    async () => {
      const keyring = broker.broker.deps.keyring()
      assert.ok(keyring)
      const now = Math.floor(Date.now() / 1000)
      const forged = (claims: Record<string, unknown>) =>
        new SignJWT({ ...decodeJwt(broker.admin.bearer), ...claims })
          .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
          .sign(keyring.operatorSecret)
      const status = async (bearer: string) =>
        (await fetch(`${url}/v1/me`, { headers: { authorization: `Bearer ${bearer}` } })).status
      assert.equal(
        await status(await forged({})),
        200,
        'what follows is refused for its own reason',
      )
      for (const claims of [
        { iss: 'http://localhost:8474', aud: 'http://localhost:8474' },
        { aud: 'http://localhost:8474' },
        { epoch: 99 },
        { sub: granted.agentId },
        { sub: 'op_00000000000000000000000000' },
        { via: 'cookie' },
        { exp: now - 1 },
      ])
        assert.equal(await status(await forged(claims)), 401, JSON.stringify(claims))
    },
  )

  await t.test(
    'what is asked for wider is refused, and what is asked for narrower is narrowed',
    async () => {
      for (const verbs of [
        ['volumeDelete'],
        ['read', 'write'],
        ['read+secret'],
        ['*'],
        ['volume*'],
      ]) {
        const { status, body } = await ask({ verbs })
        assert.equal(status, 400, verbs.join())
        assert.equal(body['error'], 'invalid_authorization_details')
      }
      const { body } = await ask({ verbs: ['volumeCreate'], lifetime: 60 })
      assert.equal(body['expires_in'], 60)
      const narrowed = await railway(url, String(body['access_token']), read)
      assert.equal(narrowed.json['code'], 'verb_missing')
      assert.equal(narrowed.json['ask'], '/oauth/token')
      assert.equal((await ask({ lifetime: 900 })).body['expires_in'], 120, 'never beyond the grant')
      assert.equal((await ask({ lifetime: 901 })).status, 400)
    },
  )

  await t.test(
    'details that name another environment, grant, provider or member give nothing',
    async () => {
      const other = await grantOn(broker, {
        provider: 'railway',
        environment: 'pocketos/production',
        bindings: [{ provider: 'railway', kind: 'environment', id: railwayIds.production }],
        secret: 'another-secret-of-another',
      })
      for (const details of [
        { environment: other.environmentId },
        { environment: 'pocketos/production' },
        { grant: other.grantId },
        { provider: 'github' },
        { environment_id: granted.environmentId },
        { approval: 'never' },
        { type: 'other' },
      ]) {
        const { status, body } = await ask(details)
        assert.equal(status, 400, JSON.stringify(details))
        assert.ok(!JSON.stringify(body).includes(other.grantId) || 'grant' in details)
        assert.ok(!String(body['error_description']).includes('production'))
      }
      const stolen = await tokenRequest(url, granted.agentId, other.agentKey)
      assert.equal(stolen.status, 401, 'a key belongs to its agent')
    },
  )

  await t.test('introspection and revocation speak of one’s own capabilities only', async () => {
    const stranger = await grantOn(broker, {
      provider: 'railway',
      bindings: [{ provider: 'railway', kind: 'environment', id: railwayIds.staging }],
      secret: 'a-third-secret-of-its-own',
    })
    const theirs = await stranger.token()
    assert.deepEqual((await form('/oauth/introspect', { ...client, token: theirs })).json, {
      active: false,
    })
    assert.deepEqual((await form('/oauth/introspect', { ...client, token: 'x.y.z' })).json, {
      active: false,
    })
    assert.deepEqual(
      (await form('/oauth/introspect', { ...client, token: broker.admin.bearer })).json,
      { active: false },
    )
    const mine = await form('/oauth/introspect', { ...client, token })
    assert.equal(mine.json['active'], true)
    assert.equal((await form('/oauth/revoke', { ...client, token: theirs })).status, 200)
    assert.equal((await railway(url, theirs, read)).status, 200, 'it was not mine to revoke')
    const bearer = { authorization: `Bearer ${token}` }
    assert.equal((await form('/oauth/introspect', { token }, bearer)).status, 401)
    // What introspection answers is no token.
    assert.equal((await railway(url, JSON.stringify(mine.json), read)).status, 401)
  })

  await t.test('two carriers in one request are refused, whichever of them is good', async () => {
    const before = upstream.received.length
    for (const headers of [
      { 'project-access-token': token },
      { 'project-access-token': 'anything' },
      { authorization: 'Basic eDp5', 'project-access-token': token },
    ]) {
      const answer = await railway(url, token, read, headers)
      assert.equal(answer.status, 401)
      assert.equal(answer.json['code'], 'capability_invalid')
    }
    assert.equal(upstream.received.length, before)
  })

  await t.test(
    'a client that authenticates in two ways, or says a parameter twice, is refused',
    async () => {
      const basic = Buffer.from(`${granted.agentId}:${granted.agentKey}`).toString('base64')
      const fields = { ...client, grant_type: 'client_credentials' }
      assert.equal(
        (await form('/oauth/token', fields, { authorization: `Basic ${basic}` })).status,
        400,
      )
      const twice = `grant_type=client_credentials&${new URLSearchParams(client).toString()}&client_id=x`
      const response = await fetch(`${url}/oauth/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: twice,
      })
      assert.equal(response.status, 400)
    },
  )

  await t.test(
    'a client that speaks JSON, where arrays and duplicates hide, is refused',
    async () => {
      for (const body of [
        { ...client, grant_type: 'client_credentials' },
        { ...client, client_secret: [granted.agentKey], grant_type: 'client_credentials' },
      ]) {
        const response = await fetch(`${url}/oauth/token`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        })
        assert.equal(response.status, 415)
        assert.equal(((await response.json()) as { error: string }).error, 'invalid_request')
      }
    },
  )

  await t.test('a capability of one provider opens no other', async () => {
    const response = await fetch(`${url}/proxy/github/repos/a/b`, {
      headers: { authorization: `Bearer ${token}` },
    })
    assert.equal(response.status, 401)
    assert.equal(((await response.json()) as { code: string }).code, 'capability_invalid')
  })
})
