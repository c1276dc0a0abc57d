/** An unmodified OAuth client does DPoP with this broker: it learns the nonce, is issued a capability, and uses it. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import * as oauth from 'oauth4webapi'
import { openStage, read } from '../support/stage.ts'

const publicUrl = 'http://localhost:8474'

test('oauth4webapi retries for the nonce at the token endpoint, and makes a protected-resource request', async (t) => {
  const { broker, granted, upstream } = await openStage(t)
  const calls: string[] = []
  // The broker of a test listens elsewhere than its public URL says; everything else is as it is.
  const options = {
    [oauth.allowInsecureRequests]: true,
    [oauth.customFetch]: async (url: string, init: object) => {
      const response = await fetch(url.replace(publicUrl, broker.url), init)
      calls.push(`${new URL(url).pathname} ${String(response.status)}`)
      return response
    },
  }
  const issuer = new URL(publicUrl)
  const server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { ...options, algorithm: 'oauth2' }),
  )
  assert.deepEqual(server.dpop_signing_alg_values_supported, ['ES256', 'EdDSA', 'Ed25519'])

  for (const alg of ['ES256', 'Ed25519'] as const) {
    calls.length = 0
    const client: oauth.Client = { client_id: granted.agentId }
    const keyPair = await oauth.generateKeyPair(alg)
    const DPoP = oauth.DPoP(client, keyPair)
    const issue = async () =>
      oauth.processClientCredentialsResponse(
        server,
        client,
        await oauth.clientCredentialsGrantRequest(
          server,
          client,
          oauth.ClientSecretPost(granted.agentKey),
          new URLSearchParams(),
          { ...options, DPoP },
        ),
      )
    const issued = await issue().catch((error: unknown) => {
      assert.ok(oauth.isDPoPNonceError(error), String(error))
      return issue()
    })
    assert.equal(issued.token_type, 'dpop')
    assert.deepEqual(calls, ['/oauth/token 400', '/oauth/token 200'])

    const use = () =>
      oauth.protectedResourceRequest(
        issued.access_token,
        'POST',
        new URL(`${publicUrl}/proxy/railway/graphql/v2`),
        new Headers({ 'content-type': 'application/json' }),
        JSON.stringify(read),
        { ...options, DPoP },
      )
    upstream.received.length = 0
    const response = await use()
    assert.equal(response.status, 200)
    await response.body?.cancel()
    assert.equal(upstream.received.length, 1)

    // It validates our capability as a resource server would (RFC 9068 §4, RFC 9449 §7.1).
    const claims = await oauth.validateJwtAccessToken(
      server,
      new Request(`${publicUrl}/somewhere`, {
        headers: {
          authorization: `DPoP ${issued.access_token}`,
          dpop: await proofFor(keyPair, issued.access_token),
        },
      }),
      publicUrl,
      { ...options, requireDPoP: true },
    )
    assert.equal(claims.cnf?.jkt, await DPoP.calculateThumbprint())
  }
})

/** A proof for `GET …/somewhere`, by the client's own machinery. */
async function proofFor(keyPair: CryptoKeyPair, token: string): Promise<string> {
  let proof = ''
  await oauth.protectedResourceRequest(
    token,
    'GET',
    new URL(`${publicUrl}/somewhere`),
    undefined,
    undefined,
    {
      DPoP: oauth.DPoP({}, keyPair),
      [oauth.allowInsecureRequests]: true,
      [oauth.customFetch]: (_url: string, init: { headers: Record<string, string> }) => {
        proof = new Headers(init.headers).get('dpop') ?? ''
        return Promise.resolve(new Response())
      },
    },
  )
  return proof
}

test('a client that had no nonce yet is told it in a challenge at the proxy', async (t) => {
  const { broker, granted } = await openStage(t)
  const client: oauth.Client = { client_id: granted.agentId }
  const keyPair = await oauth.generateKeyPair('ES256')
  const options = {
    [oauth.allowInsecureRequests]: true,
    [oauth.customFetch]: (url: string, init: object) =>
      fetch(url.replace(publicUrl, broker.url), init),
  }
  const server = {
    issuer: publicUrl,
    token_endpoint: `${publicUrl}/oauth/token`,
  }
  const first = oauth.DPoP(client, keyPair)
  const issue = async () =>
    oauth.processClientCredentialsResponse(
      server,
      client,
      await oauth.clientCredentialsGrantRequest(
        server,
        client,
        oauth.ClientSecretPost(granted.agentKey),
        new URLSearchParams(),
        { ...options, DPoP: first },
      ),
    )
  const issued = await issue().catch(() => issue())
  // The same key without the memory of it, as after a restart.
  const DPoP = oauth.DPoP(client, keyPair)
  const use = () =>
    oauth.protectedResourceRequest(
      issued.access_token,
      'POST',
      new URL(`${publicUrl}/proxy/railway/graphql/v2`),
      new Headers({ 'content-type': 'application/json' }),
      JSON.stringify(read),
      { ...options, DPoP },
    )
  let error: unknown
  const response = await use().catch((caught: unknown) => {
    error = caught
    return use()
  })
  assert.ok(error instanceof oauth.WWWAuthenticateChallengeError, String(error))
  assert.ok(oauth.isDPoPNonceError(error))
  assert.equal(error.cause[0]?.scheme, 'dpop')
  assert.equal(error.cause[0]?.parameters.algs, 'ES256 EdDSA Ed25519')
  assert.equal(response.status, 200)
  await response.body?.cancel()
})
