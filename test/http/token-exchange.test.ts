import { test } from 'node:test'
import assert from 'node:assert/strict'
import { adminPassword } from '../support/broker.ts'
import { jobClaims, openFederated, publicUrl } from '../support/federated.ts'
import { entries, read } from '../support/stage.ts'
import { railway } from '../support/world.ts'

const claimsOf = (token: unknown): Record<string, unknown> =>
  JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString()) as Record<
    string,
    unknown
  >

test('a job exchanges its platform’s token for a capability, which works, and both are on record', async (t) => {
  const { broker, granted, issuer, rule, exchange } = await openFederated(t)
  const made = await rule({
    conditions: [
      { claim: 'repository_id', equals: '123' },
      { claim: 'environment', oneOf: ['staging', 'test'] },
    ],
  })
  const { status, body } = await exchange({})
  assert.equal(status, 200, JSON.stringify(body))
  assert.equal(body['issued_token_type'], 'urn:ietf:params:oauth:token-type:access_token')
  assert.equal(body['token_type'], 'Bearer')
  const claims = claimsOf(body['access_token'])
  assert.equal(claims['sub'], granted.agentId)
  assert.equal(claims['rule'], made['id'])
  const answer = await railway(broker.url, String(body['access_token']), read)
  assert.equal(answer.status, 200, answer.text)
  const log = await entries(broker)
  const issued = log.find(({ kind }) => kind === 'issuance')
  assert.partialDeepStrictEqual(issued, {
    actor: { kind: 'workload', id: granted.agentId },
    workload: {
      issuer: issuer.issuer,
      subject: jobClaims.sub,
      rule: made['id'],
      claims: { repository_id: '123', environment: 'staging' },
    },
  })
  const decision = log.find(({ kind }) => kind === 'decision')
  assert.partialDeepStrictEqual(decision, { actor: { kind: 'workload' } })
  assert.deepEqual(issuer.asked, ['/.well-known/openid-configuration', '/keys'])
})

test('an ID token is exchanged as a JWT is, and only for an access token', async (t) => {
  const { rule, exchange } = await openFederated(t)
  await rule()
  const type = 'urn:ietf:params:oauth:token-type'
  assert.equal((await exchange({}, { subject_token_type: `${type}:id_token` })).status, 200)
  assert.equal((await exchange({}, { requested_token_type: `${type}:access_token` })).status, 200)
  for (const form of [
    { requested_token_type: `${type}:refresh_token` },
    { subject_token_type: `${type}:access_token` },
    { subject_token_type: `${type}:saml2` },
    { subject_token_type: undefined },
    { subject_token: undefined },
    { actor_token: 'x', actor_token_type: `${type}:jwt` },
  ]) {
    const { status, body } = await exchange({}, form)
    assert.equal(status, 400)
    assert.equal(body['error'], 'invalid_request')
  }
  assert.equal((await exchange({}, { scope: 'read' })).body['error'], 'invalid_scope')
})

test('the target is this broker, or none is named', async (t) => {
  const { rule, exchange } = await openFederated(t)
  await rule()
  assert.equal((await exchange({}, { resource: publicUrl })).status, 200)
  assert.equal((await exchange({}, { audience: `${publicUrl}/` })).status, 200)
  for (const form of [
    { resource: 'https://other.example' },
    { audience: 'other' },
    { resource: `${publicUrl}.evil.example` },
  ])
    assert.deepEqual(
      [(await exchange({}, form)).body['error'], (await exchange({}, form)).status],
      ['invalid_target', 400],
    )
})

test('a capability ends no later than the token, its rule, its grant, and what was asked for', async (t) => {
  const { rule, exchange, broker } = await openFederated(t, {
    grant: { max_lifetime_seconds: 600 },
  })
  const { id } = await rule()
  const exp = Math.floor(Date.now() / 1000) + 40
  const short = await exchange({ exp })
  assert.ok(Number(claimsOf(short.body['access_token'])['exp']) <= exp)
  assert.ok(Number(short.body['expires_in']) > 30)
  const long = await exchange({})
  assert.ok(Number(long.body['expires_in']) <= 300 && Number(long.body['expires_in']) > 280)
  await broker.api('POST', `/v1/trust-rules/${String(id)}/revoke`, {})
  await rule({ max_lifetime_seconds: 60 })
  assert.equal((await exchange({})).body['expires_in'], 60)
  const asked = JSON.stringify([{ type: 'valetkey', lifetime: 20, verbs: ['read'] }])
  assert.equal((await exchange({}, { authorization_details: asked })).body['expires_in'], 20)
})

test('a token is good for as many exchanges as its rule says, on all replicas together, and one that failed is none', async (t) => {
  const { broker, issuer, rule, exchange } = await openFederated(t)
  const replica = await broker.replica()
  const once = await rule()
  const token = issuer.token(jobClaims)
  const wrong = JSON.stringify([{ type: 'valetkey', verbs: ['volumeDelete'] }])
  assert.equal(
    (await exchange(token, { authorization_details: wrong })).body['error'],
    'invalid_authorization_details',
  )
  assert.equal((await exchange(token)).status, 200)
  for (const url of [broker.url, replica.url, broker.url]) {
    const { status, body } = await exchange(token, {}, url)
    assert.equal(status, 400)
    assert.equal(body['error'], 'invalid_request')
    assert.match(String(body['error_description']), /as often as it may be/)
  }
  await broker.api('POST', `/v1/trust-rules/${String(once['id'])}/revoke`, {})
  await rule({ exchanges_per_token: 3 })
  for (const jti of ['an id', undefined]) {
    const several = issuer.token({ ...jobClaims, jti })
    const statuses = await Promise.all(
      [broker.url, replica.url, broker.url, replica.url, broker.url, replica.url].map(
        async (url) => (await exchange(several, {}, url)).status,
      ),
    )
    assert.deepEqual(statuses.filter((status) => status === 200).length, 3, String(jti))
    assert.deepEqual(statuses.filter((status) => status === 400).length, 3)
  }
})

test('a token that may act as several agents acts as the one that it names', async (t) => {
  const { broker, granted, rule, exchange } = await openFederated(t)
  const { agent } = await broker.api<{ agent: { id: string } }>('POST', '/v1/agents', {
    name: 'other',
  })
  await rule()
  await rule({ agent: agent.id })
  const both = await exchange({})
  assert.equal(both.body['error'], 'invalid_request')
  assert.match(
    String(both.body['error_description']),
    new RegExp(`${granted.agentId}.*${agent.id}|${agent.id}.*${granted.agentId}`),
  )
  assert.equal((await exchange({}, { client_id: granted.agentId })).status, 200)
  assert.equal(
    (await exchange({}, { client_id: agent.id })).body['error'],
    'unauthorized_client',
    'it has no grant',
  )
})

test('what a workload is refused for, once it is known, is on record', async (t) => {
  const { broker, rule, exchange } = await openFederated(t)
  await rule()
  const asked = JSON.stringify([{ type: 'valetkey', provider: 'github' }])
  assert.equal((await exchange({}, { authorization_details: asked })).status, 400)
  const entry = (await entries(broker)).find(({ kind }) => kind === 'issuance')
  assert.partialDeepStrictEqual(entry, {
    result: 'refused',
    actor: { kind: 'workload' },
    workload: { subject: jobClaims.sub },
  })
})

test('rules and issuers are listed page by page, read, and told apart from what is not there', async (t) => {
  const { broker, granted, issuerId, rule } = await openFederated(t)
  const first = await rule()
  const second = await rule({ audience: publicUrl, exchanges_per_token: 5 })
  assert.equal(second['audience'], publicUrl)
  type Page = { items: { id: string }[]; next_cursor?: string }
  const page = await broker.api<Page>('GET', `/v1/trust-rules?limit=1&agent=${granted.agentId}`)
  assert.deepEqual(
    page.items.map(({ id }) => id),
    [first['id']],
  )
  const cursor = page.next_cursor ?? ''
  const next = await broker.api<Page>(
    'GET',
    `/v1/trust-rules?limit=1&agent=${granted.agentId}&cursor=${cursor}`,
  )
  assert.deepEqual(
    next.items.map(({ id }) => id),
    [second['id']],
  )
  assert.equal(next.next_cursor, undefined)
  await broker.api('GET', `/v1/trust-rules?limit=1&cursor=${cursor}`, undefined, 400)
  const issuers = await broker.api<Page>('GET', '/v1/trust-issuers')
  assert.deepEqual(
    issuers.items.map(({ id }) => id),
    [issuerId],
  )
  assert.deepEqual(await broker.api('GET', `/v1/trust-rules/${String(first['id'])}`), first)
  await broker.api('GET', `/v1/trust-rules/tr_${'0'.repeat(26)}`, undefined, 404)
  await broker.api('GET', `/v1/trust-issuers/iss_${'0'.repeat(26)}`, undefined, 404)
})

test('what cannot be kept is refused by the name of the member, and needs the password besides', async (t) => {
  const { broker, granted, issuerId, issuer } = await openFederated(t)
  const password = adminPassword
  const good = {
    name: 'r',
    issuer: issuerId,
    agent: granted.agentId,
    conditions: [{ claim: 'repository_id', equals: '123' }],
    password,
  }
  type Refused = { code: string; errors?: { pointer: string }[] }
  const pointerOf = async (path: string, body: object, status = 400) =>
    (await broker.api<Refused>('POST', path, body, status)).errors?.[0]?.pointer
  for (const [change, pointer] of [
    [{ conditions: [] }, '/conditions'],
    [{ conditions: [{ claim: 'repository', equals: 'acme/app' }] }, '/conditions'],
    [{ conditions: [...good.conditions, { claim: 'sub', prefix: 'repo:acme' }] }, '/conditions/1'],
    [{ conditions: [{ claim: 'repository_id' }] }, '/conditions/0'],
    [{ conditions: [{ claim: 'repository_id', regex: '.*' }] }, '/conditions/0/regex'],
    [{ audience: 'sts.amazonaws.com' }, '/audience'],
    [{ issuer: `iss_${'0'.repeat(26)}` }, '/issuer'],
    [{ agent: `ag_${'0'.repeat(26)}` }, '/agent'],
    [{ exchanges_per_token: 21 }, '/exchanges_per_token'],
    [{ max_lifetime_seconds: 901 }, '/max_lifetime_seconds'],
    [{ state: 'active' }, '/state'],
  ] as const)
    assert.equal(await pointerOf('/v1/trust-rules', { ...good, ...change }), pointer)
  assert.equal(await pointerOf('/v1/trust-rules', { ...good, password: 'wrong' }, 403), '/password')
  for (const [change, pointer] of [
    [{ issuer: 'http://issuer.example' }, '/issuer'],
    [{ issuer: 'https://Issuer.example' }, '/issuer'],
    [{ issuer: 'https://10.0.0.1' }, '/issuer'],
    [{ issuer: 'https://169.254.169.254', internal: true }, '/issuer'],
    [{ issuer: 'https://issuer.example', jwks_uri: 'https://localhost/keys' }, '/jwks_uri'],
    [{ issuer: 'https://gitlab.com', platform: 'other' }, '/platform'],
    [{ issuer: publicUrl, internal: true }, '/issuer'],
  ] as const)
    assert.equal(
      await pointerOf('/v1/trust-issuers', { password, ...change }),
      pointer,
      JSON.stringify(change),
    )
  const again = { issuer: issuer.issuer, internal: true, password }
  assert.equal(
    (await broker.api<Refused>('POST', '/v1/trust-issuers', again, 409)).code,
    'conflict',
  )
  await broker.api('POST', `/v1/trust-issuers/${issuerId}/revoke`, {})
  await broker.api('POST', '/v1/trust-issuers', again, 201)
})
