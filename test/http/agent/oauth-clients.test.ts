/** Two widely used clients, unmodified, from nothing but the issuer: discovery, private_key_jwt, introspection, revocation. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { newTestKey, publicUrl, type TestAlgorithm } from '../../support/client-assertion.ts'
import { openStage, read } from '../../support/stage.ts'
import { railway } from '../../support/world.ts'

/** As WebCrypto has it, which both clients want. */
async function webCryptoKey(algorithm: TestAlgorithm, key: ReturnType<typeof newTestKey>) {
  const parameters = {
    EdDSA: { name: 'Ed25519' },
    ES256: { name: 'ECDSA', namedCurve: 'P-256' },
    PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
    RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  }[algorithm]
  const der = key.privateKey.export({ format: 'der', type: 'pkcs8' })
  return crypto.subtle.importKey('pkcs8', der, parameters, false, ['sign'])
}

test('an agent that holds a key', async (t) => {
  const { broker, granted } = await openStage(t)
  const key = newTestKey('EdDSA', 'laptop')
  const created = await broker.api<{ agent: { id: string }; key?: string }>(
    'POST',
    '/v1/agents',
    { name: 'without a secret', public_key: key.publicJwk },
    201,
  )
  assert.equal(created.key, undefined)
  const { id: agentId } = created.agent
  await broker.api('POST', '/v1/grants', {
    agent: agentId,
    credential: granted.credentialId,
    password: broker.admin.password,
  })
  const privateKey = { key: await webCryptoKey('EdDSA', key), kid: 'laptop' }
  // The only thing that differs from production: where the broker's name leads.
  const here = (url: string, init?: object): Promise<Response> => {
    assert.ok(url.startsWith(publicUrl))
    return fetch(url.replace(publicUrl, broker.url), init)
  }

  await t.test('does everything with oauth4webapi', async () => {
    const options = { [oauth.customFetch]: here, [oauth.allowInsecureRequests]: true }
    const issuer = new URL(publicUrl)
    const found = await oauth.discoveryRequest(issuer, { ...options, algorithm: 'oauth2' })
    const server = await oauth.processDiscoveryResponse(issuer, found)
    for (const endpoint of ['token', 'revocation', 'introspection'] as const) {
      const methods = server[`${endpoint}_endpoint_auth_methods_supported`]
      assert.ok(methods?.includes('private_key_jwt'), endpoint)
      const algorithms = server[`${endpoint}_endpoint_auth_signing_alg_values_supported`]
      assert.deepEqual(algorithms, ['EdDSA', 'Ed25519', 'ES256', 'PS256', 'RS256'], endpoint)
    }
    const client = { client_id: agentId }
    const by = oauth.PrivateKeyJwt(privateKey)
    const { access_token: token } = await oauth.processClientCredentialsResponse(
      server,
      client,
      await oauth.clientCredentialsGrantRequest(server, client, by, {}, options),
    )
    const request = new Request(publicUrl, { headers: { authorization: `Bearer ${token}` } })
    const claims = await oauth.validateJwtAccessToken(server, request, publicUrl, options)
    assert.equal(claims.client_id, agentId)
    assert.equal((await railway(broker.url, token, read)).status, 200)

    const introspect = async () =>
      oauth.processIntrospectionResponse(
        server,
        client,
        await oauth.introspectionRequest(server, client, by, token, options),
      )
    const active = await introspect()
    assert.equal(active.active, true)
    assert.equal(active.client_id, agentId)
    await oauth.processRevocationResponse(
      await oauth.revocationRequest(server, client, by, token, options),
    )
    assert.deepEqual(await introspect(), { active: false })
    assert.equal((await railway(broker.url, token, read)).status, 401)
  })

  await t.test('with a key of each kind', async () => {
    const options = { [oauth.customFetch]: here, [oauth.allowInsecureRequests]: true }
    const server = { issuer: publicUrl, token_endpoint: `${publicUrl}/oauth/token` }
    const client = { client_id: agentId }
    for (const algorithm of ['ES256', 'PS256', 'RS256'] as const) {
      const other = newTestKey(algorithm)
      const path = `/v1/agents/${agentId}/public-keys`
      await broker.api('POST', path, { jwk: other.publicJwk }, 201)
      const by = oauth.PrivateKeyJwt(await webCryptoKey(algorithm, other))
      const answer = await oauth.clientCredentialsGrantRequest(server, client, by, {}, options)
      const issued = await oauth.processClientCredentialsResponse(server, client, answer)
      assert.equal(issued.token_type, 'bearer', algorithm)
    }
  })

  await t.test('and with openid-client', async () => {
    const configuration = await openid.discovery(
      new URL(publicUrl),
      agentId,
      undefined,
      openid.PrivateKeyJwt(privateKey),
      {
        algorithm: 'oauth2',
        [openid.customFetch]: here,
        // oxlint-disable-next-line typescript/no-deprecated -- deprecated to stand out: loopback has no TLS
        execute: [openid.allowInsecureRequests],
      },
    )
    const { access_token: token } = await openid.clientCredentialsGrant(configuration)
    assert.equal((await openid.tokenIntrospection(configuration, token)).active, true)
    await openid.tokenRevocation(configuration, token)
    assert.equal((await openid.tokenIntrospection(configuration, token)).active, false)
  })

  await t.test('is nobody with another’s key', async () => {
    const other = await webCryptoKey('EdDSA', newTestKey())
    const configuration = await openid.discovery(
      new URL(publicUrl),
      agentId,
      undefined,
      openid.PrivateKeyJwt(other),
      {
        algorithm: 'oauth2',
        [openid.customFetch]: here,
        // oxlint-disable-next-line typescript/no-deprecated -- deprecated to stand out: loopback has no TLS
        execute: [openid.allowInsecureRequests],
      },
    )
    await assert.rejects(
      openid.clientCredentialsGrant(configuration),
      (error) => error instanceof openid.WWWAuthenticateChallengeError && error.status === 401,
    )
  })
})
