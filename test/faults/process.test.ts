import { test, type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { sql } from 'kysely'
import { openDatabase } from '../../src/db/open.ts'
import { openTestBroker } from '../support/broker.ts'
import { operatorOf, startBrokerProcess, type BrokerProcess } from '../support/broker-process.ts'
import { createTestDatabase } from '../support/cluster.ts'
import { answers, openFickleUpstream, type FickleUpstream } from '../support/fickle-upstream.ts'
import { privateDirectory, urlOf, writeKekFile } from '../support/keeper.ts'
import { railwayIds } from '../support/railway-world.ts'
import { until } from '../support/until.ts'
import { grantOn, railway } from '../support/world.ts'

const read = { query: `{ environment(id: "${railwayIds.staging}") { id name } }` }
const key = Buffer.alloc(32, 7)

type Stage = {
  readonly database: Awaited<ReturnType<typeof createTestDatabase>>
  readonly upstream: FickleUpstream
  readonly process: BrokerProcess
  readonly token: string
}

/** The real program on a test's database, with a capability to use it. */
async function stageFor(t: TestContext): Promise<Stage> {
  const database = await createTestDatabase()
  t.after(database.drop)
  const upstream = await openFickleUpstream(t)
  const kek = join(await privateDirectory(t), 'kek')
  await writeKekFile(kek, key)
  const process = await startBrokerProcess({
    DATABASE_URL: urlOf(database.connection),
    VALETKEY_KEK_FILE: kek,
    VALETKEY_UPSTREAMS: `railway=${upstream.origin}`,
  })
  t.after(async () => {
    process.kill('SIGKILL')
    await process.exited
  })
  const granted = await grantOn(await operatorOf(process), {
    provider: 'railway',
    bindings: [{ provider: 'railway', kind: 'environment', id: railwayIds.staging }],
    secret: 'rw_live_9f8Zq+/T0k3n=Canary~7Yh2LmPx',
  })
  return { database, upstream, process, token: await granted.token() }
}

/** A request that the provider holds until it is told to answer. */
async function requestInFlight({ upstream, process, token }: Stage) {
  let held: ServerResponse | undefined
  upstream.behave((response) => void (held = response))
  const answer = railway(process.url, token, read)
  answer.catch(() => undefined)
  const response = await until('the request reaches the provider', () => held)
  return { answer, release: () => answers(response, undefined as never) }
}

async function refusesConnections(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname)
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', () => resolve(true))
  })
}

test('SIGTERM lets what is in flight end, refuses what comes, records the outcome and ends with 0', async (t) => {
  const stage = await stageFor(t)
  const { process, database } = stage
  const { answer, release } = await requestInFlight(stage)
  process.kill('SIGTERM')
  await until('no connection is taken any more', async () =>
    (await refusesConnections(process.url)) ? true : undefined,
  )
  const early = await Promise.race([process.exited, Promise.resolve('still there')])
  assert.equal(early, 'still there')
  release()
  const { status, text } = await answer
  assert.equal(status, 200, text)
  assert.deepEqual(await process.exited, { code: 0, signal: null }, process.output())

  const db = openDatabase(database.connection, 1)
  t.after(() => db.destroy())
  const outcomes = await db
    .selectFrom('audit_entry')
    .select('result')
    .where('kind', '=', 'outcome')
    .execute()
  assert.deepEqual(
    outcomes.map(({ result }) => result),
    ['completed'],
  )
  const replicas = await db.selectFrom('replica').select('id').execute()
  assert.deepEqual(replicas, [], 'it has taken itself off the list')
})

test('what a killed replica left open is closed as unknown by another', async (t) => {
  const stage = await stageFor(t)
  const { process, database } = stage
  const { answer } = await requestInFlight(stage)
  process.kill('SIGKILL')
  await assert.rejects(answer)
  await process.exited

  const other = await openTestBroker(undefined, {
    key,
    existing: true,
    database: { connection: database.connection, drop: () => Promise.resolve() },
  })
  t.after(() => other.close())
  const { db } = other.broker
  const outcomes = () =>
    db
      .selectFrom('audit_entry')
      .select(['result', 'correlation_id', 'canonical'])
      .where('kind', '=', 'outcome')
      .execute()
  assert.deepEqual(await outcomes(), [], 'not before it counts as dead')
  // Ten seconds of silence, without waiting for them. The other's own sign of life is newer than this.
  await sql`
    update replica set seen_at = seen_at - interval '11 seconds'
    where seen_at = (select min(seen_at) from replica)
  `.execute(db)
  const closed = await until('it is closed', async () => {
    const found = await outcomes()
    return found.length === 0 ? undefined : found
  })
  assert.equal(closed.length, 1)
  assert.equal(closed[0]?.result, 'unknown')
  const intent = await db
    .selectFrom('audit_entry')
    .select('correlation_id')
    .where('kind', '=', 'decision')
    .executeTakeFirstOrThrow()
  assert.equal(closed[0].correlation_id, intent.correlation_id)
  const replicas = await db.selectFrom('replica').select('id').execute()
  assert.equal(replicas.length, 1)
})
