/** A lease does not live longer than what was handed on to whoever asked for it; and nothing renews it. */
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { childOf, claimsOf } from '../support/delegation.ts'
import { askLease, openLeaseWorld, type LeaseWorld } from '../support/lease.ts'

let clock = 0
/** Of the clock that the replicas share: it is another machine's, and read after every wait. */
let ahead = 0
let world: LeaseWorld
before(async () => {
  world = await openLeaseWorld(undefined, {
    now: () => Date.now() + clock,
    sharedNow: () => Promise.resolve(Date.now() + clock + ahead),
  })
})
after(() => world.close())

test('a lease under what was handed on ends with that', async () => {
  const { url } = world.broker
  const leasing = await world.leasing({ grant: { max_lifetime_seconds: 110 } })
  const parent = await leasing.token()
  clock += 30_000
  const by = { id: leasing.agentId, key: leasing.agentKey }
  const child = await childOf(url, by, parent)
  const { status, json, text } = await askLease(url, child)
  assert.equal(status, 201, text)
  const ends = Date.parse(String(json['expires_at']))
  assert.ok(ends <= Number(claimsOf(child)['exp']) * 1000, 'it ends with the capability')
  const whole = await askLease(url, await leasing.token())
  assert.ok(Date.parse(String(whole.json['expires_at'])) > ends + 20_000)
})

test('nor where it is minted only after a wait, or by another clock', async () => {
  const { url } = world.broker
  const leasing = await world.leasing({ grant: { max_lifetime_seconds: 110 } })
  const child = await childOf(
    url,
    { id: leasing.agentId, key: leasing.agentKey },
    await leasing.token(),
  )
  ahead = 20_000
  const { status, json, text } = await askLease(url, child)
  ahead = 0
  assert.equal(status, 201, text)
  assert.equal(Date.parse(String(json['expires_at'])), Number(claimsOf(child)['exp']) * 1000)
})

test('a capability that was asked for shorter is worth no longer a lease: its holder need not be who has the key', async () => {
  clock = 0
  const { url } = world.broker
  const leasing = await world.leasing()
  const short = await leasing.token({ lifetime: 90 })
  for (const seconds of [undefined, 900]) {
    const asked = Date.now()
    const { status, json, text } = await askLease(url, short, seconds ? { seconds } : {})
    assert.equal(status, 201, text)
    const { seconds: given } = json['narrowing'] as { seconds: number }
    assert.equal(given, 90)
    assert.ok(Date.parse(String(json['expires_at'])) < asked + 120_000)
  }
  const tooShort = await askLease(url, await leasing.token({ lifetime: 59 }))
  assert.deepEqual([tooShort.status, tooShort.json['code']], [403, 'not_handed_out'])
})

test('nothing is handed out under a grant that is about to end', async () => {
  clock = 0
  const { url } = world.broker
  const leasing = await world.leasing({
    grant: { expires_at: new Date(Date.now() + 59_000).toISOString() },
  })
  const { status, json } = await askLease(url, await leasing.token())
  assert.deepEqual([status, json['code']], [403, 'not_handed_out'])
})

test('no route of an agent’s makes one live longer', async () => {
  clock = 0
  const { url } = world.broker
  const leasing = await world.leasing()
  const token = await leasing.token()
  const { json } = await askLease(url, token, { seconds: 60 })
  const path = `${url}/v1/leases/own/${String(json['id'])}`
  for (const method of ['POST', 'PUT', 'PATCH']) {
    const answer = await fetch(path, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ seconds: 900 }),
    })
    assert.ok([404, 405].includes(answer.status), `${method} ${String(answer.status)}`)
  }
  const again = await askLease(url, token, { id: json['id'], seconds: 900 })
  assert.equal(again.status, 400)
})
