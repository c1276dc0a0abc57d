/**
 * kill -9 while a native credential is handed out: what was minted is ended at the provider where it is known, and shown
 * as not revoked where it is not; it never lies about it.
 */
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { poolConfig } from '../../src/db/open.ts'
import { operatorOf, startBrokerProcess, type BrokerProcess } from '../support/broker-process.ts'
import type { TestBroker } from '../support/broker.ts'
import { createTestDatabase } from '../support/cluster.ts'
import { urlOf, writeKekFile } from '../support/keeper.ts'
import {
  askLease,
  leasingOn,
  openFickleGithub,
  type FickleGithub,
  type Leasing,
  type LeaseShown,
} from '../support/lease.ts'
import { until } from '../support/until.ts'

let fickle: FickleGithub
let broker: BrokerProcess
let api: TestBroker['api']
let leasing: Leasing
let client: pg.Client
let variables: Readonly<Record<string, string>>
const closers: (() => Promise<unknown>)[] = []

before(async () => {
  fickle = await openFickleGithub()
  closers.unshift(() => fickle.close())
  const database = await createTestDatabase()
  closers.unshift(() => database.drop())
  const directory = await mkdtemp(join(tmpdir(), 'vk-lease-'))
  closers.unshift(() => rm(directory, { recursive: true, force: true }))
  const kek = join(directory, 'kek')
  await writeKekFile(kek, Buffer.alloc(32, 9))
  variables = {
    DATABASE_URL: urlOf(database.connection),
    PUBLIC_URL: 'http://localhost:8474',
    VALETKEY_KEK_FILE: kek,
    VALETKEY_UPSTREAMS: `github=${fickle.origin}`,
  }
  broker = await startBrokerProcess(variables)
  closers.unshift(() => kill())
  const operator = await operatorOf(broker)
  api = operator.api
  leasing = await leasingOn(operator)
  const {
    max: _,
    query_timeout: _q,
    statement_timeout: _s,
    ...config
  } = poolConfig(database.connection, 1)
  client = new pg.Client(config)
  client.on('error', () => undefined)
  await client.connect()
  closers.unshift(() => client.end())
})
after(async () => {
  for (const close of closers) await close()
})

async function kill(): Promise<void> {
  broker.kill('SIGKILL')
  await broker.exited
}

async function start(): Promise<void> {
  broker = await startBrokerProcess(variables)
  api = (await operatorOf({ url: broker.url, setupSecret: undefined })).api
}

/** As if the minute were over for which whoever mints, or tells the provider, may be silent. */
async function holdRunsOut(): Promise<void> {
  await client.query(`update lease set held_until = now() - interval '1 second'
    where held_until is not null`)
}

async function newest(): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    'select id from lease order by id desc limit 1',
  )
  return rows[0]?.id ?? 'none'
}

const become = (id: string, wanted: string) =>
  until(`it is ${wanted}`, async () => {
    const shown = await api<LeaseShown>('GET', `/v1/leases/${id}`)
    return shown.state === wanted ? shown : undefined
  })

test('killed when it was minted, before that was written down: it is shown as not revoked until it has stopped', async () => {
  const capability = await leasing.token({}, broker.url)
  const known = new Set(fickle.tokens())
  const minted = Promise.withResolvers<undefined>()
  fickle.meddle(async ({ target }) => {
    if (!target.endsWith('/access_tokens')) return undefined
    minted.resolve(undefined)
    // GitHub mints it, and the broker is dead before it hears of it.
    await gone.promise
    return undefined
  })
  const gone = Promise.withResolvers<undefined>()
  const asked = askLease(broker.url, capability).catch(() => undefined)
  await minted.promise
  const id = await newest()
  await kill()
  gone.resolve(undefined)
  assert.equal(await asked, undefined)
  await until('GitHub minted it', () =>
    fickle.tokens().some((each) => !known.has(each)) ? true : undefined,
  )
  fickle.meddle(undefined)
  await start()
  await holdRunsOut()
  const shown = await become(id, 'could_not_revoke')
  assert.match(shown.detail, /not known/)
  assert.equal(shown.next_try_at, null)
  const left = Date.parse(String(shown.works_until)) - Date.now()
  assert.ok(left > 3_000_000 && left <= 3_600_000, 'an hour is the longest that GitHub makes one')
  await client.query(`update lease set works_until = now() - interval '2 minutes' where id = $1`, [
    id,
  ])
  await become(id, 'expired')
})

test('killed when it was handed out: another broker ends it at its end', async () => {
  const { json } = await askLease(broker.url, await leasing.token({}, broker.url))
  const token = String(json['token'])
  const id = String(json['id'])
  await kill()
  await client.query(`update lease set ends_at = now() where id = $1`, [id])
  assert.ok(fickle.tokens().includes(token))
  await start()
  await become(id, 'revoked')
  assert.ok(!fickle.tokens().includes(token))
})

test('killed while the provider was told to end it: it is told again', async () => {
  const { json } = await askLease(broker.url, await leasing.token({}, broker.url))
  const id = String(json['id'])
  const told = Promise.withResolvers<undefined>()
  const gone = Promise.withResolvers<undefined>()
  fickle.meddle(async ({ method }) => {
    if (method !== 'DELETE') return undefined
    told.resolve(undefined)
    await gone.promise
    return { status: 503 }
  })
  await api('POST', `/v1/leases/${id}/revoke`, {})
  await told.promise
  await kill()
  gone.resolve(undefined)
  fickle.meddle(undefined)
  await start()
  await holdRunsOut()
  const shown = await become(id, 'revoked')
  assert.equal(shown.attempts, 2)
  assert.ok(!fickle.tokens().includes(String(json['token'])))
})
