/** A capability that is bound to a key, exchanged for one that is bound to none, or to another key than who asks proves. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { addHelper, claimsOf, exchangeForm, holderOf, type Helper } from '../support/delegation.ts'
import { dpopClient, dpopKey, type DpopClient } from '../support/dpop.ts'
import { jobClaims, openFederated } from '../support/federated.ts'
import { read } from '../support/stage.ts'

const path = '/proxy/railway/graphql/v2'

test('what comes of a bound capability', async (t) => {
  const { broker, granted, rule, issuer, exchange } = await openFederated(t)
  const { url } = broker
  const holder = holderOf(granted)
  const b = await addHelper(broker, 'b')
  const ours = dpopClient(await dpopKey(), url)
  const other = dpopClient(await dpopKey(), url)
  const named = { may_act: [b.id] }
  const parent = await ours.token(granted.agentId, granted.agentKey, named)
  const bearer = await granted.token(named)

  async function exchanged(
    by: Helper | undefined,
    token: string,
    proving: DpopClient | undefined,
  ): Promise<Record<string, unknown>> {
    const request = { method: 'POST', path: '/oauth/token', body: exchangeForm(by, token) }
    const response =
      proving === undefined
        ? await fetch(`${url}/oauth/token`, request)
        : await proving.send(request)
    return (await response.json()) as Record<string, unknown>
  }
  const jktOf = (answer: Record<string, unknown>): unknown =>
    (claimsOf(String(answer['access_token']))['cnf'] as { jkt?: string } | undefined)?.jkt
  const used = (token: string, by: DpopClient): Promise<Response> =>
    by.send({
      method: 'POST',
      path,
      token,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(read),
    })

  await t.test('is bound, to the same key where it is the holder’s own', async () => {
    assert.equal((await exchanged(holder, parent, undefined))['error'], 'invalid_dpop_proof')
    assert.equal((await exchanged(holder, parent, other))['error'], 'invalid_dpop_proof')
    const own = await exchanged(holder, parent, ours)
    assert.equal(own['token_type'], 'DPoP')
    assert.equal(jktOf(own), ours.key.jkt)
    const token = String(own['access_token'])
    assert.equal((await used(token, ours)).status, 200)
    assert.equal((await used(token, other)).status, 401)
    // Nor is one that came of it ever let go of.
    assert.equal((await exchanged(holder, token, undefined))['error'], 'invalid_dpop_proof')
    assert.equal((await exchanged(holder, token, other))['error'], 'invalid_dpop_proof')
  })

  await t.test('is bound to the key of who acts, who needs not the holder’s', async () => {
    assert.equal((await exchanged(b, parent, undefined))['error'], 'invalid_dpop_proof')
    const delegated = await exchanged(b, parent, other)
    assert.equal(jktOf(delegated), other.key.jkt)
    const token = String(delegated['access_token'])
    assert.equal((await used(token, other)).status, 200)
    assert.equal((await used(token, ours)).status, 401)
    assert.equal((await exchanged(b, token, ours))['error'], 'invalid_dpop_proof')
    assert.equal((await exchanged(b, token, undefined))['error'], 'invalid_dpop_proof')
  })

  await t.test('may be bound where the parent was not', async () => {
    assert.equal(jktOf(await exchanged(b, bearer, other)), other.key.jkt)
    assert.equal(jktOf(await exchanged(holder, bearer, undefined)), undefined)
  })

  await t.test('is the workload’s alone that has the key', async () => {
    await rule({ exchanges_per_token: 20 })
    const form = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      subject_token: issuer.token({ ...jobClaims, jti: 'bound' }),
    })
    const first = await ours.send({ method: 'POST', path: '/oauth/token', body: form })
    const token = String(((await first.json()) as Record<string, unknown>)['access_token'])
    assert.equal((await exchanged(undefined, token, undefined))['error'], 'invalid_dpop_proof')
    assert.equal((await exchanged(undefined, token, other))['error'], 'invalid_dpop_proof')
    assert.equal(jktOf(await exchanged(undefined, token, ours)), ours.key.jkt)
    assert.equal((await exchange({})).status, 200)
  })

  await t.test('uses its proof up', async () => {
    await other.once({ method: 'POST', path: '/oauth/token', body: exchangeForm(b, parent) })
    const body = exchangeForm(b, parent)
    const proof = await other.proof({ method: 'POST', path: '/oauth/token' })
    const send = async (): Promise<unknown> => {
      const response = await fetch(`${url}/oauth/token`, {
        method: 'POST',
        headers: { dpop: proof },
        body,
      })
      return ((await response.json()) as Record<string, unknown>)['error']
    }
    assert.equal(await send(), undefined)
    assert.equal(await send(), 'invalid_dpop_proof')
  })

  await t.test('is not unbound by a grant that came to ask for a key after it', async () => {
    await broker.api('PATCH', `/v1/grants/${granted.grantId}`, { require_dpop: true })
    assert.equal((await exchanged(holder, bearer, ours))['error'], 'invalid_request')
    assert.equal(jktOf(await exchanged(holder, parent, ours)), ours.key.jkt)
  })
})
