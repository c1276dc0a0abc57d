/** A token that is not what it should be: for another audience, of another issuer, expired, forged, or shown with a key. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { adminPassword } from '../support/broker.ts'
import { makeKey, signToken } from '../support/foreign-issuer.ts'
import { startIssuerServer } from '../support/issuer-server.ts'
import { jobClaims, openFederated, publicUrl } from '../support/federated.ts'

test('a token with the right claims', async (t) => {
  const { broker, granted, issuer, issuerId, rule, exchange } = await openFederated(t)
  await rule()
  const stranger = await startIssuerServer(t)
  const now = Math.floor(Date.now() / 1000)
  const generic = (await exchange({ repository_id: '9' })).body

  async function refused(token: string | Record<string, unknown>): Promise<void> {
    const { status, body } = await exchange(token)
    assert.equal(status, 400)
    assert.deepEqual(body, generic)
  }

  await t.test('for somebody else, or for others too, is refused', async () => {
    for (const aud of [
      'https://github.com/acme',
      `${publicUrl}/`,
      publicUrl.toUpperCase(),
      [publicUrl, 'https://other.example'],
      [publicUrl, publicUrl],
      [],
      undefined,
      '',
    ])
      await refused({ aud })
  })

  await t.test('for the audience of another rule is refused by this one', async () => {
    const { agent } = await broker.api<{ agent: { id: string } }>('POST', '/v1/agents', {
      name: 'b',
    })
    await rule({
      agent: agent.id,
      audience: 'elsewhere',
      conditions: [{ claim: 'repository_id', equals: '55' }],
    })
    await refused({ aud: 'elsewhere' })
    await refused({ repository_id: '55' })
    await refused({ aud: ['elsewhere', publicUrl] })
  })

  await t.test('that has expired, or is not good yet, is refused', async () => {
    await refused({ iat: now - 900, exp: now - 1 })
    await refused({ nbf: now + 3_600, exp: now + 7_200 })
    await refused({ exp: undefined })
  })

  await t.test(
    'of an issuer that nobody trusts is refused, and that issuer is never asked',
    async () => {
      await refused(stranger.token(jobClaims))
      assert.deepEqual(stranger.asked, [])
    },
  )

  await t.test(
    'of one trusted issuer does not meet the rule of another, whatever its sub',
    async () => {
      const { id } = await broker.api<{ id: string }>('POST', '/v1/trust-issuers', {
        issuer: stranger.issuer,
        internal: true,
        password: adminPassword,
      })
      await refused(stranger.token(jobClaims))
      // Now that both are trusted: the keys of one sign nothing for the other.
      await refused(
        signToken(
          stranger.key.privateKey,
          'RS256',
          { alg: 'RS256', typ: 'JWT', kid: issuer.key.jwk['kid'] },
          { ...jobClaims, iss: issuer.issuer, iat: now, exp: now + 300, jti: 'x' },
        ),
      )
      await broker.api('POST', `/v1/trust-issuers/${id}/revoke`, {})
    },
  )

  await t.test('whose issuer is spelled differently is refused', async () => {
    for (const iss of [
      `${issuer.issuer}/`,
      issuer.issuer.replace('http:', 'HTTP:'),
      issuer.issuer.replace('127.0.0.1', 'localhost'),
      ` ${issuer.issuer}`,
      [issuer.issuer],
    ])
      await refused({ iss })
  })

  await t.test('that is unsigned, or signed by a key of its own, is refused', async () => {
    const key = makeKey('RS256')
    const claims = { ...jobClaims, iss: issuer.issuer, iat: now, exp: now + 300, jti: 'y' }
    const header = { alg: 'RS256', typ: 'JWT', kid: issuer.key.jwk['kid'] }
    await refused(signToken(key.privateKey, 'RS256', header, claims))
    await refused(signToken(key.privateKey, 'RS256', { ...header, jwk: key.jwk }, claims))
    const [head, body] = issuer.token(jobClaims).split('.')
    await refused(`${String(head)}.${String(body)}.`)
    await refused('a.b.c')
    await refused('x'.repeat(50_000))
  })

  await t.test(
    'is not taken beside an agent’s key: which of the two asks could not be told',
    async () => {
      const token = issuer.token(jobClaims)
      for (const form of [
        { client_id: granted.agentId, client_secret: granted.agentKey },
        { client_assertion: 'x', client_assertion_type: 'y' },
      ]) {
        const { status, body } = await exchange(token, form)
        assert.equal(status, 400)
        assert.match(String(body['error_description']), /send no key/)
      }
      assert.equal((await exchange(token)).status, 200, 'and has not been used up by it')
    },
  )

  await t.test('is no capability, and a capability is no token of an issuer', async () => {
    const token = issuer.token(jobClaims)
    const answer = await fetch(`${broker.url}/proxy/railway/graphql/v2`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: '{"query":"{ me { id } }"}',
    })
    assert.equal(answer.status, 401)
    const own = await broker.api<{ code: string }>(
      'POST',
      '/v1/trust-issuers',
      { issuer: publicUrl, internal: true, password: adminPassword },
      400,
    )
    assert.equal(own.code, 'invalid_request')
    await refused(await granted.token())
  })

  await t.test(
    'of an issuer whose keys cannot be had is refused as a matter of the moment',
    async () => {
      const gone = await startIssuerServer(t)
      const { id } = await broker.api<{ id: string }>('POST', '/v1/trust-issuers', {
        issuer: gone.issuer,
        jwks_uri: `${gone.issuer}/nowhere`,
        internal: true,
        password: adminPassword,
      })
      await rule({ issuer: id })
      const { status, body } = await exchange(gone.token(jobClaims))
      assert.equal(status, 503)
      assert.equal(body['error'], 'temporarily_unavailable')
      assert.ok(!JSON.stringify(body).includes('127.0.0.1'))
    },
  )

  await t.test('works, so that the others were refused for what they are', async () => {
    assert.equal((await exchange({})).status, 200)
    assert.ok(issuerId.startsWith('iss_'))
  })
})
