/** A proof that was overheard, shown again: at once, in another spelling, at another replica, without the database. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { dpopClient, dpopKey } from '../support/dpop.ts'
import { openSocketProxy } from '../support/socket-proxy.ts'
import { openStage, read } from '../support/stage.ts'
import { answerOf } from '../support/world.ts'

const path = '/proxy/railway/graphql/v2'
const body = JSON.stringify(read)
const json = { 'content-type': 'application/json' }

test('of 64 uses of one proof at once, at two brokers on one database, one passes', async (t) => {
  const { broker, upstream, granted } = await openStage(t)
  const replica = await broker.replica()
  const client = dpopClient(await dpopKey('EdDSA'), broker.url)
  const token = await client.token(granted.agentId, granted.agentKey)
  const dpop = await client.proof({ method: 'POST', path, token })
  upstream.received.length = 0
  const statuses = await Promise.all(
    Array.from({ length: 64 }, async (_, i) => {
      const response = await fetch(`${i % 2 === 0 ? broker.url : replica.url}${path}`, {
        method: 'POST',
        headers: { ...json, authorization: `DPoP ${token}`, dpop },
        body,
      })
      await response.arrayBuffer()
      return response.status
    }),
  )
  assert.deepEqual(
    statuses.toSorted((a, b) => a - b),
    [200, ...Array<number>(63).fill(401)],
  )
  assert.equal(upstream.received.length, 1)
})

test('a proof is used up, in whichever spelling of its URI it comes again', async (t) => {
  const { broker, upstream, granted } = await openStage(t)
  const client = dpopClient(await dpopKey(), broker.url)
  const token = await client.token(granted.agentId, granted.agentKey)
  const request = { method: 'POST', path, headers: json, body, token }
  const claims = { jti: 'the same' }
  const first = await client.send({ ...request, claims })
  assert.equal(first.status, 200)
  await first.body?.cancel()
  upstream.received.length = 0
  for (const htu of [
    `http://localhost:8474${path}`,
    `http://localhost:8474${path}?x=1`,
    `HTTP://LOCALHOST:8474${path}#y`,
    `http://localhost:8474${path.replace('v2', '%762')}`,
  ]) {
    const answer = await answerOf(await client.send({ ...request, claims: { ...claims, htu } }))
    assert.equal(answer.status, 401)
    assert.match(String(answer.json['detail']), /used before/)
  }
  assert.equal(upstream.received.length, 0)
  const own = await client.send({ path: '/v1/access-requests/own', token, claims })
  assert.equal(own.status, 401, 'nor at another endpoint')
  await own.body?.cancel()
})

test('where the database does not answer, no proof is good', async (t) => {
  const { broker, upstream, granted } = await openStage(t)
  const { connection } = broker
  if (connection.kind !== 'socket') return t.skip('the database is not reached by a socket')
  const wire = await openSocketProxy(t, connection)
  const replica = await broker.replica(wire.connection)
  const client = dpopClient(await dpopKey(), replica.url)
  const token = await client.token(granted.agentId, granted.agentKey)
  const request = { method: 'POST', path, headers: json, body, token }
  assert.equal((await client.send(request)).status, 200)
  upstream.received.length = 0
  wire.cut()
  const answer = await answerOf(await client.once(request))
  assert.equal(answer.status, 503)
  assert.equal(answer.json['code'], 'unavailable')
  assert.equal(upstream.received.length, 0)
})

test('what a flood of proofs leaves behind is bounded by time, and a request that is refused leaves nothing', async (t) => {
  const { broker, granted } = await openStage(t, { grant: { requests_per_minute: 20 } })
  const { db } = broker.broker
  const client = dpopClient(await dpopKey('EdDSA'), broker.url)
  const token = await client.token(granted.agentId, granted.agentKey)
  const request = { method: 'POST', path, headers: json, body, token }
  const rows = async (): Promise<number> => {
    const { count } = await db
      .selectFrom('replay')
      .select((e) => e.fn.countAll<string>().as('count'))
      .executeTakeFirstOrThrow()
    return Number(count)
  }
  const before = await rows()
  const statuses = await Promise.all(
    Array.from({ length: 60 }, async () => {
      const response = await client.once(request)
      await response.arrayBuffer()
      return response.status
    }),
  )
  const allowed = statuses.filter((status) => status === 200).length
  assert.ok(allowed >= 20 && allowed < 25, String(allowed))
  assert.equal(await rows(), before + allowed)
  const { until } = await db
    .selectFrom('replay')
    .select((e) => e.fn.max('expires_at').as('until'))
    .executeTakeFirstOrThrow()
  assert.ok(until.getTime() <= Date.now() + 65_000)
})

test('a request that waits for a person is looked at anew after it, and its own proof is no second use', async (t) => {
  const { broker, granted } = await openStage(t, { grant: { approval: 'always' } })
  const client = dpopClient(await dpopKey(), broker.url)
  const token = await client.token(granted.agentId, granted.agentKey)
  const headers = { ...json, prefer: 'wait=1' }
  const request = { method: 'POST', path, headers, body, token }
  const answer = await answerOf(await client.send(request))
  assert.equal(answer.status, 403, answer.text)
  assert.equal(answer.json['code'], 'approval_required')
})
