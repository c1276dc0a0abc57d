/** An unmodified OAuth client finds its way from a refusal to a capability, and validates what it gets on the way. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import * as oauth from 'oauth4webapi'
import { jobClaims, openFederated, publicUrl } from '../support/federated.ts'
import { read } from '../support/stage.ts'
import { railway } from '../support/world.ts'

test('oauth4webapi goes from the challenge to the resource, to the server, and exchanges a job’s token', async (t) => {
  const { broker, granted, issuer, rule } = await openFederated(t)
  await rule()
  // The broker of a test listens elsewhere than its public URL says; everything else is as it is.
  const options = {
    [oauth.allowInsecureRequests]: true,
    [oauth.customFetch]: (url: string, init: object) =>
      fetch(url.replace(publicUrl, broker.url), init),
  }

  const refused = await fetch(`${broker.url}/proxy/railway/graphql/v2`, { method: 'POST' })
  assert.equal(refused.status, 401)
  const challenge = refused.headers.get('www-authenticate') ?? ''
  assert.match(challenge, /^Bearer /)
  const where = /^Bearer [^,]*, resource_metadata="([^"]+)"/.exec(challenge)?.[1]
  assert.equal(where, `${publicUrl}/.well-known/oauth-protected-resource`)

  const resource = new URL(publicUrl)
  const described = await oauth.processResourceDiscoveryResponse(
    resource,
    await oauth.resourceDiscoveryRequest(resource, options),
  )
  assert.deepEqual(described.authorization_servers, [publicUrl])
  const identifier = new URL(described.authorization_servers?.[0] ?? '')
  const server = await oauth.processDiscoveryResponse(
    identifier,
    await oauth.discoveryRequest(identifier, { ...options, algorithm: 'oauth2' }),
  )
  assert.ok(
    server.grant_types_supported?.includes('urn:ietf:params:oauth:grant-type:token-exchange'),
  )
  assert.ok(server.token_endpoint_auth_methods_supported?.includes('none'))

  const client: oauth.Client = { client_id: granted.agentId }
  const exchanged = await oauth.processGenericTokenEndpointResponse(
    server,
    client,
    await oauth.genericTokenEndpointRequest(
      server,
      client,
      oauth.None(),
      'urn:ietf:params:oauth:grant-type:token-exchange',
      {
        subject_token: issuer.token(jobClaims),
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        resource: publicUrl,
        authorization_details: JSON.stringify([{ type: 'valetkey', provider: 'railway' }]),
      },
      options,
    ),
  )
  assert.equal(exchanged.token_type, 'bearer')
  const answer = await railway(broker.url, exchanged.access_token, read)
  assert.equal(answer.status, 200, answer.text)
})

test('a refused capability is told where to get another', async (t) => {
  const { broker } = await openFederated(t)
  const answer = await fetch(`${broker.url}/proxy/railway/graphql/v2`, {
    headers: { authorization: 'Bearer a.b.c' },
  })
  const challenge = answer.headers.get('www-authenticate') ?? ''
  assert.match(
    challenge,
    /^Bearer realm="valetkey", resource_metadata="[^"]+", error="invalid_token"$/,
  )
})
