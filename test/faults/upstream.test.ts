import { test } from 'node:test'
import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import type { OutcomeEntry } from '../../src/audit/entry.ts'
import { openTestBroker, type TestBroker } from '../support/broker.ts'
import { answers, openFickleUpstream, type Behaviour } from '../support/fickle-upstream.ts'
import { railwayIds } from '../support/railway-world.ts'
import { until } from '../support/until.ts'
import { grantOn, railway, type Answer } from '../support/world.ts'

const read = { query: `{ environment(id: "${railwayIds.staging}") { id name } }` }

/** What an agent gets, or undefined where the answer was broken off. */
async function attempt(url: string, token: string, body = read): Promise<Answer | undefined> {
  return railway(url, token, body).catch(() => undefined)
}

/** The outcome of the newest decision, once it is on record. Every intent has exactly one by then. */
async function lastOutcome(broker: TestBroker): Promise<OutcomeEntry> {
  const { db } = broker.broker
  const intent = await db
    .selectFrom('audit_entry')
    .select('correlation_id')
    .where('kind', '=', 'decision')
    .orderBy('id', 'desc')
    .executeTakeFirstOrThrow()
  const outcomes = () =>
    db
      .selectFrom('audit_entry')
      .select('canonical')
      .where('kind', '=', 'outcome')
      .where('correlation_id', '=', intent.correlation_id)
      .execute()
  const rows = await until('the outcome is on record', async () => {
    const found = await outcomes()
    return found.length === 0 ? undefined : found
  })
  assert.equal(rows.length, 1)
  return JSON.parse(rows[0]?.canonical ?? '') as OutcomeEntry
}

const never: Behaviour = () => undefined
const stated: Behaviour = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
  response.write('{"data":')
}
const streamed: Behaviour = (response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write('data: 1\n\n')
}
const thenDies =
  (begin: Behaviour): Behaviour =>
  (response, request) => {
    begin(response, request)
    setImmediate(() => response.socket?.destroy())
  }

type Case = {
  readonly name: string
  readonly behaviour: Behaviour
  /** Undefined where the answer had begun and is broken off. */
  readonly code: string | undefined
  readonly status: number | undefined
  readonly outcome: OutcomeEntry['result']
}

const cases: readonly Case[] = [
  {
    name: 'it never answers',
    behaviour: never,
    code: 'upstream_timeout',
    status: 504,
    outcome: 'timeout',
  },
  {
    name: 'an answer that is held stalls',
    behaviour: stated,
    code: 'upstream_timeout',
    status: 504,
    outcome: 'timeout',
  },
  {
    name: 'an answer that streams stalls',
    behaviour: streamed,
    code: undefined,
    status: undefined,
    outcome: 'timeout',
  },
  {
    name: 'it breaks off before it answers',
    behaviour: thenDies(never),
    code: 'upstream_failed',
    status: 502,
    outcome: 'failed',
  },
  {
    name: 'it breaks off an answer that is held',
    behaviour: thenDies(stated),
    code: 'upstream_failed',
    status: 502,
    outcome: 'failed',
  },
  {
    name: 'it breaks off an answer that streams',
    behaviour: thenDies(streamed),
    code: undefined,
    status: undefined,
    outcome: 'failed',
  },
]

test('whatever the provider does, the wait is bounded and the log says what it was', async (t) => {
  const upstream = await openFickleUpstream(t)
  const broker = await openTestBroker(t, {
    upstreams: { railway: upstream.origin },
    egress: { connectTimeout: 500, headersTimeout: 500, bodyTimeout: 500 },
  })
  const granted = await grantOn(broker, {
    provider: 'railway',
    bindings: [{ provider: 'railway', kind: 'environment', id: railwayIds.staging }],
    secret: 'rw_live_9f8Zq+/T0k3n=Canary~7Yh2LmPx',
    grant: { verbs: ['read', 'volumeUpdate'], approval: 'never' },
  })
  const token = await granted.token()

  for (const { name, behaviour, code, status, outcome } of cases) {
    await t.test(name, async (t) => {
      upstream.behave(behaviour)
      const started = performance.now()
      const answer = await attempt(broker.url, token)
      const took = performance.now() - started
      t.diagnostic(`${String(Math.round(took))} ms`)
      assert.ok(took < 10_000)
      assert.equal(answer?.status, status, answer?.text)
      if (answer !== undefined) {
        assert.equal(answer.headers.get('content-type'), 'application/problem+json')
        assert.equal(answer.json['code'], code)
      }
      const { result } = await lastOutcome(broker)
      assert.equal(result, outcome)
    })
  }

  await t.test('nobody listens', async () => {
    await upstream.down()
    const answer = await attempt(broker.url, token)
    assert.equal(answer?.status, 502)
    assert.equal(answer.json['code'], 'upstream_unreachable')
    assert.equal((await lastOutcome(broker)).result, 'unreachable')
    await upstream.up()
  })

  await t.test('the agent goes away in the middle of an answer', async () => {
    upstream.behave(streamed)
    await new Promise<void>((resolve, reject) => {
      const request = httpRequest(`${broker.url}/proxy/railway/graphql/v2`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      })
      request.on('error', reject)
      request.on('response', (response) => {
        response.once('data', () => {
          response.destroy()
          resolve()
        })
      })
      request.end(JSON.stringify(read))
    })
    assert.equal((await lastOutcome(broker)).result, 'aborted')
  })

  await t.test(
    'a question of the broker’s own is not answered: refused, and nothing forwarded',
    async () => {
      upstream.behave(never)
      upstream.received.length = 0
      const answer = await attempt(broker.url, token, {
        query: `mutation { volumeUpdate(volumeId: "${railwayIds.volumeStaging}", input: { name: "x" }) { id } }`,
      })
      assert.equal(answer?.status, 403, answer?.text)
      assert.equal(answer.json['code'], 'environment_unresolved')
      assert.ok(upstream.received.length > 0)
      assert.ok(!upstream.received.some((body) => body.includes('volumeUpdate')))
    },
  )

  await t.test('and when it answers again, so does the broker', async () => {
    upstream.behave(answers)
    const answer = await attempt(broker.url, token)
    assert.equal(answer?.status, 200, answer?.text)
    assert.equal((await lastOutcome(broker)).result, 'completed')
  })

  await t.test('every intent and every question has exactly one outcome', async () => {
    const open = () =>
      broker.broker.db
        .selectFrom('audit_entry as intent')
        .select('intent.correlation_id')
        .where((e) =>
          e.or([
            e('intent.kind', '=', 'lookup'),
            e.and([e('intent.kind', '=', 'decision'), e('intent.result', '=', 'allow')]),
          ]),
        )
        .where(
          (e) =>
            e
              .selectFrom('audit_entry as outcome')
              .select((f) => f.fn.countAll().as('n'))
              .where('outcome.kind', '=', 'outcome')
              .whereRef('outcome.correlation_id', '=', 'intent.correlation_id'),
          '!=',
          1,
        )
        .execute()
    await until('none is open', async () => ((await open()).length === 0 ? true : undefined))
  })
})
