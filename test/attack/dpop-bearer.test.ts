/** A capability that is bound to a key, and leaked: whoever has it without the key can do nothing with it. */
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { answers } from '../support/fickle-upstream.ts'
import { dpopClient, dpopKey, type DpopClient } from '../support/dpop.ts'
import { entries, openStage, read, type Stage } from '../support/stage.ts'
import { answerOf, tokenRequest } from '../support/world.ts'

const path = '/proxy/railway/graphql/v2'
const body = JSON.stringify(read)
const json = { 'content-type': 'application/json' }
let stage: Stage
let client: DpopClient
let bound: string
let bearer: string
const closing: (() => Promise<void>)[] = []

before(async () => {
  // A stage closes what it opened when its test ends; here that is this file.
  const context = { after: (close: () => Promise<void>) => void closing.unshift(close) }
  stage = await openStage(context as never)
  const { broker, granted } = stage
  client = dpopClient(await dpopKey(), broker.url)
  bound = await client.token(granted.agentId, granted.agentKey)
  bearer = await granted.token()
})
after(async () => {
  for (const close of closing) await close()
})

/** The header fields of what reaches the provider from here on. */
function recordHeaders(): string[] {
  const sent: string[] = []
  stage.upstream.behave((response, { rawHeaders }) => {
    sent.push(rawHeaders.join())
    answers(response, undefined as never)
  })
  return sent
}

/** Refused with 401, the challenge that says why, an entry in the log, and nothing sent. */
async function refused(
  headers: Readonly<Record<string, string>>,
  challenge: RegExp,
  code = 'dpop_proof_invalid',
): Promise<void> {
  const { broker, upstream } = stage
  const before = upstream.received.length
  const response = await fetch(`${broker.url}${path}`, {
    method: 'POST',
    headers: { ...json, ...headers },
    body,
  })
  const answer = await answerOf(response)
  assert.equal(answer.status, 401)
  assert.equal(answer.json['code'], code)
  assert.match(answer.headers.get('www-authenticate') ?? '', challenge)
  assert.equal(upstream.received.length, before)
  const entry = (await entries(broker)).findLast(({ kind }) => kind === 'decision')
  assert.equal(entry?.['reason'], code)
}

const request = () => ({ method: 'POST', path, headers: json, body, token: bound })

test('it is good with a proof, and the provider sees neither it nor the proof', async () => {
  const sent = recordHeaders()
  const response = await client.send(request())
  assert.equal(response.status, 200)
  await response.body?.cancel()
  assert.equal(sent.length, 1)
  assert.doesNotMatch(sent.join(), /dpop/i)
  assert.ok(!sent.join().includes(bound.slice(0, 60)))
})

test('it is refused as a bearer’s, with a proof and without', async () => {
  const dpop = await client.proof(request())
  const challenge = /^DPoP .*error="invalid_dpop_proof"/
  await refused({ authorization: `Bearer ${bound}` }, challenge)
  await refused({ authorization: `Bearer ${bound}`, dpop }, challenge)
  await refused({ authorization: `bearer ${bound}` }, challenge)
})

test('it is refused without a proof, with one by another key, and with what is none', async () => {
  const challenge =
    /^DPoP realm="valetkey", algs="ES256 EdDSA Ed25519", error="invalid_dpop_proof"$/
  const authorization = `DPoP ${bound}`
  await refused({ authorization }, challenge)
  const thief = dpopClient(await dpopKey(), stage.broker.url)
  thief.nonce = client.nonce
  await refused({ authorization, dpop: await thief.proof(request()) }, challenge)
  await refused({ authorization, dpop: 'x' }, challenge)
  await refused({ authorization, dpop: bound }, challenge)
})

test('it is refused in another carrier of its provider’s without a proof, and taken there with one', async () => {
  await refused({ 'project-access-token': bound }, /^DPoP /)
  const response = await client.send({ ...request(), carry: { 'project-access-token': bound } })
  assert.equal(response.status, 200)
  await response.body?.cancel()
})

test('one that is bound to nothing is no bound one, with whichever proof', async () => {
  const authorization = `DPoP ${bearer}`
  const challenge = /^DPoP .*error="invalid_token"/
  await refused({ authorization }, challenge, 'capability_invalid')
  const dpop = await client.proof({ ...request(), token: bearer })
  await refused({ authorization, dpop }, challenge, 'capability_invalid')
})

test('a stray proof beside a bearer’s capability is not read, and does not leave', async () => {
  const { broker } = stage
  const sent = recordHeaders()
  for (const dpop of ['x', await client.proof({ ...request(), token: bearer })]) {
    const response = await fetch(`${broker.url}${path}`, {
      method: 'POST',
      headers: { ...json, authorization: `Bearer ${bearer}`, dpop },
      body,
    })
    assert.equal(response.status, 200)
    await response.body?.cancel()
  }
  assert.equal(sent.length, 2)
  assert.doesNotMatch(sent.join(), /dpop/i)
})

test('the agents’ own endpoints ask for the proof as the proxy does', async () => {
  const { broker } = stage
  const own = { path: '/v1/access-requests/own', token: bound }
  for (const headers of [
    { authorization: `Bearer ${bound}` },
    { authorization: `Bearer ${bound}`, dpop: await client.proof(own) },
    { authorization: `DPoP ${bound}` },
    { authorization: `DPoP ${bound}`, dpop: await client.proof({ ...own, method: 'POST' }) },
  ]) {
    const answer = await answerOf(await fetch(`${broker.url}${own.path}`, { headers }))
    assert.equal(answer.status, 401)
    assert.equal(answer.json['code'], 'dpop_proof_invalid')
    assert.match(answer.headers.get('www-authenticate') ?? '', /^DPoP /)
  }
  const good = { authorization: `DPoP ${bound}`, dpop: await client.proof(own) }
  for (const status of [200, 401]) {
    const response = await fetch(`${broker.url}${own.path}`, { headers: good })
    assert.equal(response.status, status)
    await response.body?.cancel()
  }
  const plain = { authorization: `DPoP ${bearer}`, dpop: await client.proof(own) }
  const answer = await answerOf(await fetch(`${broker.url}${own.path}`, { headers: plain }))
  assert.equal(answer.json['code'], 'capability_invalid')
})

test('a provider’s own DPoP-Nonce does not reach the client, which would put it into proofs for us', async () => {
  stage.upstream.behave((response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'dpop-nonce': 'theirs' })
    response.end('{"data":{}}')
  })
  const response = await client.send(request())
  assert.equal(response.status, 200)
  // One of ours may be there, where a minute has begun since the last.
  assert.notEqual(response.headers.get('dpop-nonce'), 'theirs')
  await response.body?.cancel()
})

test('introspection says that it is bound, and to which key', async () => {
  const { broker, granted } = stage
  for (const [token, type, cnf] of [
    [bound, 'DPoP', { jkt: client.key.jkt }],
    [bearer, 'Bearer', undefined],
  ] as const) {
    const response = await fetch(`${broker.url}/oauth/introspect`, {
      method: 'POST',
      body: new URLSearchParams({
        client_id: granted.agentId,
        client_secret: granted.agentKey,
        token,
      }),
    })
    const answer = (await response.json()) as Record<string, unknown>
    assert.equal(answer['active'], true)
    assert.equal(answer['token_type'], type)
    assert.deepEqual(answer['cnf'], cnf)
  }
})

test('a proof that is not good is never an answer with a bearer’s capability', async () => {
  const { broker, granted } = stage
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: granted.agentId,
    client_secret: granted.agentKey,
  })
  const post = (dpop: string) =>
    fetch(`${broker.url}/oauth/token`, { method: 'POST', headers: { dpop }, body: form })
  const elsewhere = await client.proof({ method: 'POST', path: '/oauth/introspect' })
  const asProxy = await client.proof(request())
  for (const dpop of ['', 'x', elsewhere, asProxy]) {
    const response = await post(dpop)
    assert.equal(response.status, 400)
    assert.equal(
      ((await response.json()) as Record<string, unknown>)['error'],
      'invalid_dpop_proof',
    )
  }
  const good = await client.proof({ method: 'POST', path: '/oauth/token' })
  const first = await post(good)
  assert.equal(((await first.json()) as Record<string, unknown>)['token_type'], 'DPoP')
  const again = await post(good)
  assert.equal(again.status, 400)
  assert.equal(((await again.json()) as Record<string, unknown>)['error'], 'invalid_dpop_proof')
  const plain = await tokenRequest(broker.url, granted.agentId, granted.agentKey)
  assert.equal(plain.body['token_type'], 'Bearer')
})
