/** oauth4webapi, unmodified: a capability is exchanged for a narrower one, and delegated, by clients that know RFC 8693 only. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import * as oauth from 'oauth4webapi'
import { newTestKey, publicUrl } from '../../support/client-assertion.ts'
import { addHelper, childOf, claimsOf, exchangeFor, holderOf } from '../../support/delegation.ts'
import { openFederated } from '../../support/federated.ts'
import { entries, openStage, read } from '../../support/stage.ts'
import { railway } from '../../support/world.ts'

const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessToken = 'urn:ietf:params:oauth:token-type:access_token'

test('oauth4webapi exchanges a capability, delegates it, reads it and revokes it', async (t) => {
  const { broker, granted } = await openStage(t)
  const key = newTestKey('EdDSA', 'laptop')
  const created = await broker.api<{ agent: { id: string } }>(
    'POST',
    '/v1/agents',
    { name: 'sub-agent', public_key: key.publicJwk },
    201,
  )
  const subAgent: oauth.Client = { client_id: created.agent.id }
  const der = key.privateKey.export({ format: 'der', type: 'pkcs8' })
  const signing = await crypto.subtle.importKey('pkcs8', der, { name: 'Ed25519' }, false, ['sign'])
  const bySubAgent = oauth.PrivateKeyJwt({ key: signing, kid: 'laptop' })
  const agent = { client_id: granted.agentId }
  const byAgent = oauth.ClientSecretPost(granted.agentKey)
  // The only thing that differs from production: where the broker's name leads.
  const here = (url: string, init?: object): Promise<Response> => {
    assert.ok(url.startsWith(publicUrl))
    return fetch(url.replace(publicUrl, broker.url), init)
  }
  const options = { [oauth.customFetch]: here, [oauth.allowInsecureRequests]: true }
  const issuer = new URL(publicUrl)
  const server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { ...options, algorithm: 'oauth2' }),
  )
  assert.ok(server.grant_types_supported?.includes(tokenExchange))

  async function exchanged(
    client: oauth.Client,
    by: oauth.ClientAuth,
    token: string,
    details: object = {},
    more: Partial<oauth.TokenEndpointRequestOptions> = {},
  ): Promise<oauth.TokenEndpointResponse> {
    const parameters = {
      subject_token: token,
      subject_token_type: accessToken,
      requested_token_type: accessToken,
      resource: publicUrl,
      authorization_details: JSON.stringify([{ type: 'valetkey', ...details }]),
    }
    const send = () =>
      oauth.genericTokenEndpointRequest(server, client, by, tokenExchange, parameters, {
        ...options,
        ...more,
      })
    const process = async () =>
      oauth.processGenericTokenEndpointResponse(server, client, await send())
    try {
      return await process()
    } catch (error) {
      if (more.DPoP === undefined || !oauth.isDPoPNonceError(error)) throw error
      return process()
    }
  }

  const parent = await granted.token({ may_act: [subAgent.client_id] })
  const narrowed = await exchanged(agent, byAgent, parent, {
    verbs: ['read'],
    may_act: [subAgent.client_id],
  })
  assert.equal(narrowed['issued_token_type'], accessToken)
  const delegated = await exchanged(subAgent, bySubAgent, narrowed.access_token, { lifetime: 60 })
  assert.ok((delegated.expires_in ?? 0) <= 60)
  const { access_token: token } = delegated
  const request = new Request(publicUrl, { headers: { authorization: `Bearer ${token}` } })
  const claims = await oauth.validateJwtAccessToken(server, request, publicUrl, options)
  assert.equal(claims.sub, granted.agentId)
  assert.equal(claims.client_id, subAgent.client_id)
  assert.deepEqual(claims['act'], { sub: subAgent.client_id })
  assert.equal((await railway(broker.url, token, read)).status, 200)

  const introspect = async (): Promise<oauth.IntrospectionResponse> =>
    oauth.processIntrospectionResponse(
      server,
      subAgent,
      await oauth.introspectionRequest(server, subAgent, bySubAgent, token, options),
    )
  assert.deepEqual((await introspect())['act'], { sub: subAgent.client_id })
  await oauth.processRevocationResponse(
    await oauth.revocationRequest(server, agent, byAgent, token, options),
  )
  assert.deepEqual(await introspect(), { active: false })
  assert.equal((await railway(broker.url, narrowed.access_token, read)).status, 200)

  // Bound to the sub-agent's own key, with the nonce that it is asked for.
  const pair = await oauth.generateKeyPair('ES256')
  const proving = oauth.DPoP({}, pair)
  const bound = await exchanged(subAgent, bySubAgent, narrowed.access_token, {}, { DPoP: proving })
  assert.equal(bound.token_type, 'dpop')
  assert.equal(
    (claimsOf(bound.access_token)['cnf'] as { jkt: string }).jkt,
    await proving.calculateThumbprint(),
  )
})

test('a workload narrows what it has, with nothing but that', async (t) => {
  const { broker, granted, rule, capability } = await openFederated(t)
  await rule()
  const parent = await capability()
  const wish = { details: { verbs: ['read'], lifetime: 30 }, form: { client_id: granted.agentId } }
  const child = await childOf(broker.url, undefined, parent, wish)
  const claims = claimsOf(child)
  assert.equal(claims['rule'], claimsOf(parent)['rule'])
  assert.equal(claims['act'], undefined)
  assert.deepEqual(claims['ancestors'], [claimsOf(parent)['jti']])
  assert.equal((await railway(broker.url, child, read)).status, 200)
  const entry = (await entries(broker)).findLast(({ kind }) => kind === 'issuance')
  assert.equal((entry?.['actor'] as { kind: string } | undefined)?.kind, 'workload')
  assert.deepEqual(entry?.['ancestors'], claims['ancestors'])
  const another = { form: { client_id: 'ag_00000000000000000000000000' } }
  assert.equal((await exchangeFor(broker.url, undefined, parent, another)).status, 400)
})

test('what is exchanged without a key is bounded in number, and goes on by key', async (t) => {
  // A clock that stands still: nothing is allowed again meanwhile.
  const at = Date.now() + 3_000
  const { broker, granted, rule, capability } = await openFederated(t, { now: () => at })
  await rule()
  const parent = await capability()
  const statuses: number[] = []
  for (let i = 0; i < 61; i++)
    statuses.push((await exchangeFor(broker.url, undefined, parent)).status)
  assert.deepEqual(statuses, [...Array<number>(60).fill(200), 400])
  assert.equal((await exchangeFor(broker.url, holderOf(granted), parent)).status, 200)
  const helper = await addHelper(broker, 'helper')
  assert.equal((await exchangeFor(broker.url, helper, parent)).status, 400)
})
