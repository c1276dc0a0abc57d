import { test, type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { serverProcesses } from '../../src/db/cluster-leftover.ts'
import { migrate } from '../../src/db/migrate.ts'
import { openUnhurriedDatabase } from '../../src/db/open.ts'
import { onlyProc, openTestDataDir, startTestCluster } from '../db/cluster-fixture.ts'
import { openTestBroker, type TestBroker } from '../support/broker.ts'
import { openFickleUpstream, type FickleUpstream } from '../support/fickle-upstream.ts'
import { railwayIds } from '../support/railway-world.ts'
import { until } from '../support/until.ts'
import { grantOn, railway, tokenRequest, type Granted } from '../support/world.ts'

const read = { query: `{ environment(id: "${railwayIds.staging}") { id name } }` }

type Stage = {
  readonly broker: TestBroker
  readonly granted: Granted
  readonly upstream: FickleUpstream
  readonly token: string
}

/** While the database does not answer: everything is refused soon, and nothing leaves. */
async function assertRefuses(t: TestContext, { broker, granted, upstream, token }: Stage) {
  // What was confirmed within the last second still counts; an allowed request then fails at its intent.
  upstream.received.length = 0
  const slowest = { proxy: 0, other: 0 }
  for (let i = 0; i < 4; i++) {
    const started = performance.now()
    const refused = await Promise.all(
      Array.from({ length: 8 }, () => railway(broker.url, token, read)),
    )
    slowest.proxy = Math.max(slowest.proxy, performance.now() - started)
    for (const answer of refused) {
      assert.equal(answer.status, 503, answer.text)
      assert.equal(answer.json['code'], 'unavailable')
      assert.equal(answer.headers.get('content-type'), 'application/problem+json')
    }
  }
  const started = performance.now()
  const issued = await tokenRequest(broker.url, granted.agentId, granted.agentKey)
  assert.equal(issued.status, 503)
  assert.equal(issued.body['access_token'], undefined)
  await broker.api('GET', '/v1/environments', undefined, 503)
  assert.equal((await fetch(`${broker.url}/healthz`)).status, 200)
  slowest.other = performance.now() - started
  t.diagnostic(
    `refused within ${String(Math.round(slowest.proxy))} ms; token and list together ${String(Math.round(slowest.other))} ms`,
  )
  assert.ok(slowest.proxy < 5_000, `the proxy refused after ${String(slowest.proxy)} ms`)
  await until('the broker says that it is not ready', async () => {
    const { status } = await fetch(`${broker.url}/readyz`)
    return status === 503 ? true : undefined
  })
  assert.deepEqual(upstream.received, [], 'nothing was forwarded')
}

/** Once the database is back, without a restart of the broker. */
async function assertRecovers(t: TestContext, { broker, granted, token }: Stage) {
  const started = performance.now()
  await until('a request is allowed again', async () => {
    const { status } = await railway(broker.url, token, read)
    return status === 200 ? true : undefined
  })
  t.diagnostic(`allowed again after ${String(Math.round(performance.now() - started))} ms`)
  await until('capabilities are issued again', async () => {
    const { status } = await tokenRequest(broker.url, granted.agentId, granted.agentKey)
    return status === 200 ? true : undefined
  })
  await until('operators are answered again', async () => {
    const response = await fetch(`${broker.url}/readyz`)
    return response.status === 200 ? true : undefined
  })
  await broker.api('GET', '/v1/environments')
  const open = () =>
    broker.broker.db
      .selectFrom('audit_entry as intent')
      .select('intent.correlation_id')
      .where('intent.kind', '=', 'decision')
      .where('intent.result', '=', 'allow')
      .where((e) =>
        e.not(
          e.exists(
            e
              .selectFrom('audit_entry as outcome')
              .select('outcome.id')
              .where('outcome.kind', '=', 'outcome')
              .whereRef('outcome.correlation_id', '=', 'intent.correlation_id'),
          ),
        ),
      )
      .execute()
  await until('every intent has its outcome', async () =>
    (await open()).length === 0 ? true : undefined,
  )
}

test(
  'a database that is gone, or hangs, stops everything within a second, and nothing but itself',
  { skip: onlyProc },
  async (t) => {
    const dataDir = await openTestDataDir(t)
    let cluster = await startTestCluster(t, dataDir)
    const db = openUnhurriedDatabase(cluster.connection)
    await migrate(db)
    await db.destroy()
    const upstream = await openFickleUpstream(t)
    const broker = await openTestBroker(undefined, {
      upstreams: { railway: upstream.origin },
      database: { connection: cluster.connection, drop: () => Promise.resolve() },
    })
    // Before the cluster: what is registered last ends first only if it says so.
    t.after(() => broker.close())
    const granted = await grantOn(broker, {
      provider: 'railway',
      bindings: [{ provider: 'railway', kind: 'environment', id: railwayIds.staging }],
      secret: 'rw_live_9f8Zq+/T0k3n=Canary~7Yh2LmPx',
    })
    const token = await granted.token()
    const stage = { broker, granted, upstream, token }
    assert.equal((await railway(broker.url, token, read)).status, 200)

    await t.test('hung: it takes requests and does not answer', async (t) => {
      const { uid } = await stat(dataDir.pg)
      const stopped = await serverProcesses(dataDir.pg, uid)
      assert.ok(stopped.length > 1)
      for (const pid of stopped) process.kill(pid, 'SIGSTOP')
      try {
        await assertRefuses(t, stage)
      } finally {
        for (const pid of stopped) process.kill(pid, 'SIGCONT')
      }
      await assertRecovers(t, stage)
    })

    await t.test('gone: nobody listens', async (t) => {
      await cluster.stop()
      await assertRefuses(t, stage)
      cluster = await startTestCluster(t, dataDir)
      await assertRecovers(t, stage)
    })

    await broker.close()
  },
)
