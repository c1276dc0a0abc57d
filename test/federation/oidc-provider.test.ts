/** oidc-provider, unmodified, as somebody else’s issuer on loopback. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import Provider from 'oidc-provider'
import { createIssuerFetch } from '../../src/federation/fetch.ts'
import {
  createForeignTokenVerifier,
  type VerifiedForeignToken,
} from '../../src/federation/foreign-token.ts'
import { isPublicAddress, publicLookup } from '../../src/proxy/address.ts'
import { adminPassword as password } from '../support/broker.ts'
import { makeKey } from '../support/foreign-issuer.ts'
import { entries, openStage, read } from '../support/stage.ts'
import { railway } from '../support/world.ts'

const us = 'https://broker.example'

async function openProvider(t: TestContext, path = '') {
  // It says on the console that it keeps all in memory.
  for (const method of ['info', 'warn'] as const) t.mock.method(console, method, () => undefined)
  const asked: string[] = []
  let callback = (_request: object, response: { end(): void }): void => response.end()
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    // As routers do that have something mounted at a path.
    Object.assign(request, { originalUrl: request.url, url: request.url?.slice(path.length) })
    callback(request, response)
  }).listen(0, '127.0.0.1')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`

  /** Starts it, or starts it anew, with one key of this kind. */
  function signWith(alg: string, kid: string): void {
    const { privateKey, jwk } = makeKey(alg, kid)
    const provider = new Provider(issuer, {
      clients: [
        {
          client_id: 'ci',
          client_secret: 'a-secret-of-the-test-that-is-long-enough',
          grant_types: ['client_credentials'],
          redirect_uris: [],
          response_types: [],
          token_endpoint_auth_method: 'client_secret_post',
          id_token_signed_response_alg: alg,
        },
      ],
      jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), ...jwk }] },
      features: {
        clientCredentials: { enabled: true },
        devInteractions: { enabled: false },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: () => ({
            scope: '',
            accessTokenFormat: 'jwt',
            accessTokenTTL: 300,
            jwt: { sign: { alg } },
          }),
        },
      },
    })
    const listener = provider.callback() as unknown as typeof callback
    callback = (request, response) => listener(request, response)
  }

  async function tokenFor(resource: string): Promise<string> {
    const answer = await fetch(`${issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: 'ci',
        client_secret: 'a-secret-of-the-test-that-is-long-enough',
        resource,
      }),
    })
    const body = (await answer.json()) as { access_token: string }
    assert.equal(answer.status, 200, JSON.stringify(body))
    return body.access_token
  }
  return { issuer, asked, signWith, tokenFor }
}

function openVerifier(issuer: string) {
  const clock = { ahead: 0 }
  const verifier = createForeignTokenVerifier({
    fetchJson: createIssuerFetch({ lookup: publicLookup, isPublicAddress }),
    now: () => Date.now() + clock.ahead,
  })
  const verify = (token: string, internal = true): Promise<VerifiedForeignToken> =>
    verifier.verify(token, {
      issuers: (iss) => (iss === issuer ? { issuer, internal } : undefined),
      audiences: [us],
    })
  return { verify, clock }
}

for (const [alg, path] of [
  ['RS256', ''],
  ['PS256', '/realms/acme'],
  ['ES256', ''],
  ['EdDSA', ''],
] as const)
  test(`its tokens verify, signed with ${alg}${path === '' ? '' : ', as an issuer with a path'}`, async (t) => {
    const provider = await openProvider(t, path)
    provider.signWith(alg, 'first')
    const { verify } = openVerifier(provider.issuer)
    const result = await verify(await provider.tokenFor(us))
    assert.ok(result.ok, JSON.stringify(result))
    assert.equal(result.claims['sub'], 'ci')
    const other = await verify(await provider.tokenFor('https://other.example'))
    assert.ok(!other.ok && other.reason === 'invalid')
  })

test('it is on loopback, and so not spoken to unless it was declared internal', async (t) => {
  const provider = await openProvider(t)
  provider.signWith('ES256', 'first')
  const token = await provider.tokenFor(us)
  provider.asked.length = 0
  const result = await openVerifier(provider.issuer).verify(token, false)
  assert.ok(!result.ok && result.reason === 'unavailable')
  assert.deepEqual(provider.asked, [])
})

test('it rotates its key, and is asked again when the first token names the new one', async (t) => {
  const provider = await openProvider(t)
  provider.signWith('ES256', 'first')
  const { verify, clock } = openVerifier(provider.issuer)
  const before = await provider.tokenFor(us)
  assert.equal((await verify(before)).ok, true)
  provider.signWith('ES256', 'second')
  const after = await provider.tokenFor(us)
  // It was asked a moment ago.
  assert.equal((await verify(after)).ok, false)
  clock.ahead += 30_000
  assert.equal((await verify(after)).ok, true)
  const withdrawn = await verify(before)
  assert.ok(!withdrawn.ok)
  assert.match(withdrawn.detail, /names no key/)
  assert.deepEqual(
    provider.asked.filter((url) => url !== '/token'),
    ['/.well-known/openid-configuration', '/jwks', '/.well-known/openid-configuration', '/jwks'],
  )
})

test('a broker that trusts it exchanges its tokens, and fetches nothing from one that is not trusted', async (t) => {
  const provider = await openProvider(t)
  provider.signWith('ES256', 'first')
  const { broker, granted } = await openStage(t)
  const publicUrl = 'http://localhost:8474'
  async function exchange(token: string): Promise<Record<string, unknown>> {
    const response = await fetch(`${broker.url}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        subject_token: token,
      }),
    })
    return (await response.json()) as Record<string, unknown>
  }
  const early = await provider.tokenFor(publicUrl)
  provider.asked.length = 0
  assert.equal((await exchange(early))['error'], 'invalid_request')
  assert.deepEqual(provider.asked, [])
  const { id: issuer } = await broker.api<{ id: string }>('POST', '/v1/trust-issuers', {
    issuer: provider.issuer,
    internal: true,
    password,
  })
  await broker.api('POST', '/v1/trust-rules', {
    name: 'its client',
    issuer,
    agent: granted.agentId,
    conditions: [{ claim: 'sub', equals: 'ci' }],
    password,
  })
  const foreign = await provider.tokenFor(publicUrl)
  const issued = await exchange(foreign)
  assert.equal(issued['token_type'], 'Bearer', JSON.stringify(issued))
  assert.equal((await railway(broker.url, String(issued['access_token']), read)).status, 200)
  const entry = (await entries(broker)).findLast(
    ({ kind, result }) => kind === 'issuance' && result === 'issued',
  )
  const workload = entry?.['workload'] as Record<string, unknown>
  assert.deepEqual([workload['issuer'], workload['subject']], [provider.issuer, 'ci'])
  assert.equal((await exchange(foreign))['error'], 'invalid_request', 'once')
  const elsewhere = await provider.tokenFor('https://other.example')
  assert.equal((await exchange(elsewhere))['error'], 'invalid_request')
})
