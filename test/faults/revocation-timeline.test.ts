/**
 * What one broker takes away, another refuses: two processes of the real program on one database, so that nothing but
 * the database carries the word from one to the other. How long that takes is printed; that it happens is what must hold.
 */
import { test, type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { staleAfter } from '../../src/db/feed.ts'
import { adminPassword as password, type TestBroker } from '../support/broker.ts'
import { operatorOf, startBrokerProcess } from '../support/broker-process.ts'
import { createTestDatabase } from '../support/cluster.ts'
import { addHelper, childOf, claimsOf, type Helper } from '../support/delegation.ts'
import { jobClaims } from '../support/federated.ts'
import { openFickleUpstream } from '../support/fickle-upstream.ts'
import { startIssuerServer } from '../support/issuer-server.ts'
import { privateDirectory, urlOf, writeKekFile } from '../support/keeper.ts'
import { listening, openPickingWire, polling } from '../support/picking-wire.ts'
import { railwayIds } from '../support/railway-world.ts'
import { until } from '../support/until.ts'
import { grantOn, railway, type Granted } from '../support/world.ts'

const read = { query: `{ environment(id: "${railwayIds.staging}") { id name } }` }
/** Milliseconds: what a machine that is busy with other things may take. The bound itself is a second. */
const ceiling = 10_000
const publicUrl = 'http://localhost:8474'

type Api = TestBroker['api']

async function openPair(t: TestContext) {
  const database = await createTestDatabase()
  t.after(database.drop)
  const upstream = await openFickleUpstream(t)
  const wire = await openPickingWire(t, database.connection)
  const kek = join(await privateDirectory(t), 'kek')
  await writeKekFile(kek, Buffer.alloc(32, 7))
  const start = async (connection: TestBroker['connection']) => {
    const broker = await startBrokerProcess({
      DATABASE_URL: urlOf(connection),
      PUBLIC_URL: publicUrl,
      VALETKEY_KEK_FILE: kek,
      VALETKEY_UPSTREAMS: `railway=${upstream.origin}`,
    })
    t.after(async () => {
      broker.kill('SIGKILL')
      await broker.exited
    })
    return broker
  }
  const a = await start(database.connection)
  const b = await start(wire.connection)
  const { api } = await operatorOf(a)
  const add = (): Promise<Granted> =>
    grantOn(
      { url: a.url, api },
      {
        provider: 'railway',
        bindings: [{ provider: 'railway', kind: 'environment', id: railwayIds.staging }],
        secret: 'rw_live_9f8Zq+/T0k3n=Canary~7Yh2LmPx',
      },
    )
  return { a, b, api, add, upstream, wire }
}

type Pair = Awaited<ReturnType<typeof openPair>>

async function statusAt(broker: { readonly url: string }, token: string): Promise<number> {
  return (await railway(broker.url, token, read)).status
}

async function serves(broker: { readonly url: string }, token: string): Promise<void> {
  await until('it serves', async () => ((await statusAt(broker, token)) === 200 ? true : undefined))
}

/** Takes something away at A, and waits until B, which served it, refuses it. */
async function takenAway(
  t: TestContext,
  { a, b }: Pair,
  token: string,
  act: () => Promise<unknown>,
): Promise<void> {
  await serves(b, token)
  await act()
  const acted = performance.now()
  assert.ok([401, 403].includes(await statusAt(a, token)), 'at once where it was done')
  await until(
    'the other refuses',
    async () => ([401, 403].includes(await statusAt(b, token)) ? true : undefined),
    ceiling,
  )
  t.diagnostic(`refused by the other after ${String(Math.round(performance.now() - acted))} ms`)
  for (let again = 0; again < 5; again++)
    assert.ok([401, 403].includes(await statusAt(b, token)), 'and goes on refusing')
}

function revoke(api: Api, token: string): Promise<unknown> {
  return api('POST', `/v1/capabilities/${String(claimsOf(token)['jti'])}/revoke`, {})
}

async function workloadOf(t: TestContext, { a, api }: Pair, { agentId }: Granted) {
  const issuer = await startIssuerServer(t)
  const { id } = await api<{ id: string }>('POST', '/v1/trust-issuers', {
    issuer: issuer.issuer,
    internal: true,
    platform: 'github',
    password,
  })
  const rule = await api<{ id: string }>('POST', '/v1/trust-rules', {
    name: 'a job',
    issuer: id,
    agent: agentId,
    conditions: [{ claim: 'repository_id', equals: '123' }],
    password,
  })
  const response = await fetch(`${a.url}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      subject_token: issuer.token({ ...jobClaims, aud: publicUrl }),
    }),
  })
  const body = (await response.json()) as Record<string, unknown>
  assert.equal(response.status, 200, JSON.stringify(body))
  return { ruleId: rule.id, token: String(body['access_token']) }
}

test('the bound on revocation is the one that operators are told', async () => {
  assert.equal(staleAfter, 1_000)
  const told = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8')
  assert.match(told.replaceAll(/\s+/g, ' '), /at most one second, because a replica .{0,120}503/)
})

test('two processes on one database', async (t) => {
  const pair = await openPair(t)
  const { b, api, wire, upstream } = pair

  await t.test('a capability that is revoked at one is refused by the other', async (t) => {
    const granted = await pair.add()
    const token = await granted.token()
    await takenAway(t, pair, token, () => revoke(api, token))
    // Nothing else went with it.
    await serves(b, await granted.token())
  })

  await t.test('so is one whose ancestor is revoked, however far up', async (t) => {
    const granted = await pair.add()
    const helpers: readonly Helper[] = [await addHelper(pair, 'one'), await addHelper(pair, 'two')]
    const [one, two] = helpers as readonly [Helper, Helper]
    const parent = await granted.token({ may_act: [one.id, two.id] })
    const child = await childOf(pair.a.url, one, parent, { details: { may_act: [two.id] } })
    const grandchild = await childOf(pair.a.url, two, child)
    await takenAway(t, pair, grandchild, () => revoke(api, parent))
  })

  const ended: readonly (readonly [string, (granted: Granted) => string])[] = [
    ['grant', ({ grantId }) => `/v1/grants/${grantId}`],
    ['agent', ({ agentId }) => `/v1/agents/${agentId}`],
    ['credential', ({ credentialId }) => `/v1/credentials/${credentialId}`],
    ['environment', ({ environmentId }) => `/v1/environments/${environmentId}`],
  ]
  for (const [what, path] of ended) {
    await t.test(`so is one whose ${what} is disabled`, async (t) => {
      const granted = await pair.add()
      await takenAway(t, pair, await granted.token(), () =>
        api('POST', `${path(granted)}/disable`, {}),
      )
    })
  }

  await t.test('so is a workload’s whose trust rule is disabled', async (t) => {
    const { token, ruleId } = await workloadOf(t, pair, await pair.add())
    await takenAway(t, pair, token, () => api('POST', `/v1/trust-rules/${ruleId}/disable`, {}))
  })

  await t.test('so is everything, while everything is frozen', async (t) => {
    const token = await (await pair.add()).token()
    let freeze = ''
    await takenAway(t, pair, token, async () => {
      const body = { scope: 'everything', reason: 'a test' }
      freeze = (await api<{ id: string }>('POST', '/v1/freezes', body)).id
    })
    await api('POST', `/v1/freezes/${freeze}/lift`, { password })
    await serves(b, token)
  })

  await t.test('one that cannot be notified still hears of it, because it asks', async (t) => {
    const granted = await pair.add()
    const token = await granted.token()
    await serves(b, token)
    const before = wire.lost
    wire.sever(listening)
    assert.ok(wire.lost > before, 'it was listening')
    await takenAway(t, pair, token, () => revoke(api, token))
    await serves(b, await granted.token())
    wire.mend()
  })

  const cutOff: readonly (readonly [string, () => void])[] = [
    ['feed is silent while its other connections work', () => wire.silence(listening, polling)],
    ['feed is severed while its other connections work', () => wire.sever(listening, polling)],
    ['connections all hang', () => wire.silence()],
  ]
  for (const [how, cut] of cutOff) {
    await t.test(`one whose ${how} refuses, and comes back by itself`, async (t) => {
      const granted = await pair.add()
      const [revoked, good] = [await granted.token(), await granted.token()]
      await serves(b, revoked)
      await serves(b, good)
      const before = wire.lost
      cut()
      assert.ok(wire.lost > before, 'it lost something')
      const lost = performance.now()
      await until(
        'it refuses what it served, because it cannot hear',
        async () => {
          const { status, text } = await railway(b.url, good, read)
          return status === 503 && text.includes('cannot hear') ? true : undefined
        },
        ceiling,
      )
      t.diagnostic(`refused after ${String(Math.round(performance.now() - lost))} ms`)
      await revoke(api, revoked)
      upstream.received.length = 0
      for (const token of [good, revoked, good]) {
        const answer = await railway(b.url, token, read)
        assert.equal(answer.status, 503, answer.text)
        assert.equal(answer.json['code'], 'unavailable')
        assert.match(answer.text, /cannot hear/)
      }
      assert.deepEqual(upstream.received, [], 'and forwards nothing')
      wire.mend()
      const mended = performance.now()
      // Never once, not even in the first request after it hears again.
      await until('it knows what was revoked meanwhile', async () => {
        const status = await statusAt(b, revoked)
        assert.notEqual(status, 200)
        return status === 401 ? true : undefined
      })
      await serves(b, good)
      t.diagnostic(`serves again after ${String(Math.round(performance.now() - mended))} ms`)
    })
  }
})
