/** A capability that is bound to a key, leaked to whoever would trade it for a native credential, which is bound to nothing. */
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { dpopClient, dpopKey, type DpopClient } from '../support/dpop.ts'
import { askLease, openLeaseWorld, type Leasing, type LeaseWorld } from '../support/lease.ts'
import { answerOf } from '../support/world.ts'

const json = { 'content-type': 'application/json' }
const path = '/v1/leases'
let world: LeaseWorld
let leasing: Leasing
let client: DpopClient
let bound: string

before(async () => {
  world = await openLeaseWorld(undefined)
  leasing = await world.leasing()
  client = dpopClient(await dpopKey(), world.broker.url)
  bound = await client.token(leasing.agentId, leasing.agentKey)
})
after(() => world.close())

const asked = () => ({ method: 'POST', path, headers: json, body: '{}', token: bound })

/** Refused with 401, and nothing minted at the provider. */
async function refused(headers: Readonly<Record<string, string>>): Promise<void> {
  const { broker, fickle } = world
  const minted = new Set(fickle.tokens())
  const answer = await askLease(broker.url, bound, {}, headers)
  assert.equal(answer.status, 401, answer.text)
  assert.equal(answer.json['code'], 'dpop_proof_invalid')
  assert.match(answer.headers.get('www-authenticate') ?? '', /^DPoP /)
  assert.ok(fickle.tokens().every((token) => minted.has(token)))
}

test('nothing is handed out for it without a proof by its key for this very request', async () => {
  await refused({})
  await refused({ dpop: await client.proof(asked()) })
  const authorization = `DPoP ${bound}`
  await refused({ authorization })
  const thief = dpopClient(await dpopKey(), world.broker.url)
  thief.nonce = client.nonce
  await refused({ authorization, dpop: await thief.proof(asked()) })
  await refused({ authorization, dpop: await client.proof({ ...asked(), path: '/v1/leases/own' }) })
  await refused({ authorization, dpop: await client.proof({ ...asked(), method: 'GET' }) })
})

test('with one a credential is handed out, and the same proof hands out no second', async () => {
  const dpop = await client.proof(asked())
  const authorization = `DPoP ${bound}`
  const first = await askLease(world.broker.url, bound, {}, { authorization, dpop })
  assert.equal(first.status, 201, first.text)
  await refused({ authorization, dpop })

  const own = { method: 'DELETE', path: `/v1/leases/own/${String(first.json['id'])}`, token: bound }
  const unproved = await answerOf(
    await fetch(`${world.broker.url}${own.path}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${bound}` },
    }),
  )
  assert.equal(unproved.json['code'], 'dpop_proof_invalid', 'nor is it ended by a thief')
  const ended = await client.send(own)
  assert.equal(ended.status, 200)
  await ended.body?.cancel()
})

test('a grant that requires a key hands out nothing to a bearer', async () => {
  const { broker, fickle } = world
  const bearer = await leasing.token()
  await broker.api('PATCH', `/v1/grants/${leasing.grantId}`, { require_dpop: true })
  const minted = new Set(fickle.tokens())
  const answer = await askLease(broker.url, bearer)
  assert.deepEqual([answer.status, answer.json['code']], [401, 'capability_invalid'], answer.text)
  // Fewer there may be by now: the one of before is being ended.
  assert.ok(fickle.tokens().every((token) => minted.has(token)))
})
