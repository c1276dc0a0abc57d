/**
 * kill -9 at each step of a request that the broker itself is to send: never sent twice, and never lost without a word.
 * Where it was killed is held by the database: an advisory lock in the way of the intent, a lock on the credentials.
 */
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import pg from 'pg'
import { poolConfig } from '../../src/db/open.ts'
import { answers, openFickleUpstream, type FickleUpstream } from '../support/fickle-upstream.ts'
import { gatedGrant, idOf } from '../support/gated.ts'
import { openGatedProcesses, type GatedProcesses } from '../support/gated-processes.ts'
import type { BrokerProcess } from '../support/broker-process.ts'
import { railwayIds } from '../support/railway-world.ts'
import { until } from '../support/until.ts'
import { railway, type Answer } from '../support/world.ts'

const held = 7_001

let upstream: FickleUpstream
let processes: GatedProcesses
let broker: BrokerProcess
let client: pg.Client
const closers: (() => Promise<unknown>)[] = []

before(async () => {
  upstream = await openFickleUpstream({
    after: (close: () => Promise<void>) => closers.unshift(close),
  } as never)
  processes = await openGatedProcesses(
    upstream.origin,
    gatedGrant({ approval: 'always', approval_terms: { hold_seconds: 2, expiry_seconds: 600 } }),
  )
  closers.unshift(() => processes.close())
  const [first] = processes.running
  if (first === undefined) throw new Error('there is no broker')
  broker = first
  const {
    max: _,
    query_timeout: _q,
    statement_timeout: _s,
    ...config
  } = poolConfig(processes.connection, 1)
  client = new pg.Client(config)
  client.on('error', () => undefined)
  await client.connect()
  closers.unshift(() => client.end())
  // It holds a lock for as long as a broker takes to be killed.
  await client.query('set idle_in_transaction_session_timeout = 0')
  await client.query(`
    create function wait_with_intent() returns trigger language plpgsql as $$
    begin
      if new.heads like '% decision allow %' then
        perform pg_advisory_xact_lock_shared(${String(held)});
      end if;
      return new;
    end $$;
    create trigger wait_with_intent before insert on audit_batch
    for each row execute function wait_with_intent()
  `)
})
after(async () => {
  for (const close of closers) await close()
})

let asked = 0

type Asked = {
  readonly id: string
  readonly send: () => Promise<Answer>
  /** How often the provider has got it. */
  readonly reached: () => number
}

async function ask(): Promise<Asked> {
  const name = `k${String(++asked)}:`
  const query = `{ ${name} environment(id: "${railwayIds.staging}") { id } }`
  const send = async () => railway(broker.url, await processes.token(broker), { query })
  const id = idOf(await send())
  upstream.behave(answers)
  const reached = () => upstream.received.filter((body) => body.includes(name)).length
  return { id, send, reached }
}

const stateOf = async (id: string): Promise<string> =>
  (await client.query<{ state: string }>('select state from approval where id = $1', [id])).rows[0]
    ?.state ?? 'none'

const become = (id: string, wanted: string) =>
  until(`it is ${wanted}`, async () => ((await stateOf(id)) === wanted ? true : undefined))

async function killed(): Promise<void> {
  await processes.kill(broker)
}

async function started(): Promise<void> {
  broker = await processes.start()
}

const approve = (id: string) => processes.approver.approve(id, broker.url)

/** As if the minute were over for which its sender may be silent. */
async function leaseRunsOut(id: string): Promise<void> {
  const { rowCount } = await client.query(
    `update approval set lease_until = now() - interval '1 second' where id = $1 and state = 'sending'`,
    [id],
  )
  assert.equal(rowCount, 1)
}

/** That a step waits, in PostgreSQL, for what this test holds. */
const waitsFor = (what: 'advisory' | 'relation') =>
  until(`the broker waits for the ${what} lock`, async () => {
    const { rows } = await client.query(
      `select 1 from pg_locks where not granted and locktype = $1
       and database = (select oid from pg_database where datname = current_database())`,
      [what],
    )
    return rows.length > 0 ? true : undefined
  })

/** What a killed broker's connections were about to do dies with it, as where the server noticed at once. */
async function endItsConnections(): Promise<void> {
  await client.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid()`,
  )
}

async function shownAsUnknown({ id, send, reached }: Asked, times: number): Promise<void> {
  assert.equal(await stateOf(id), 'sending')
  await leaseRunsOut(id)
  await become(id, 'unknown')
  const api = await processes.api(broker)
  assert.equal((await api<{ state: string }>('GET', `/v1/approvals/${id}`)).state, 'unknown')
  const again = await send()
  assert.deepEqual([again.status, again.json['code']], [409, 'approval_used'], again.text)
  assert.match(String(again.json['detail']), /not known/)
  // Another is sent by then: whatever still wanted to send this one has had its turn.
  const next = await ask()
  await approve(next.id)
  await become(next.id, 'done')
  assert.equal(reached(), times)
}

async function sentOnce({ id, send, reached }: Asked): Promise<void> {
  await become(id, 'done')
  assert.equal((await send()).status, 200)
  assert.equal(reached(), 1)
}

test('killed when it was parked: it is asked about, and sent once', async () => {
  const one = await ask()
  await killed()
  await started()
  assert.equal(await stateOf(one.id), 'pending')
  await approve(one.id)
  await sentOnce(one)
})

test('killed when it was approved: it is sent once, after its window', async () => {
  const one = await ask()
  await approve(one.id)
  await killed()
  assert.equal(await stateOf(one.id), 'held')
  assert.equal(one.reached(), 0)
  await started()
  await sentOnce(one)
})

test('killed when it was taken, before its intent: it is unknown, and never sent', async () => {
  const one = await ask()
  await client.query('select pg_advisory_lock($1)', [held])
  await approve(one.id)
  await waitsFor('advisory')
  await killed()
  await endItsConnections()
  await client.query('select pg_advisory_unlock($1)', [held])
  assert.equal(one.reached(), 0)
  await started()
  await shownAsUnknown(one, 0)
})

test('killed after its intent: it is unknown, and never sent', async () => {
  const one = await ask()
  // One that has not opened the credential yet, not even to ask what would be lost.
  await killed()
  await started()
  await client.query('select pg_advisory_lock($1)', [held])
  await approve(one.id)
  await waitsFor('advisory')
  await client.query('begin')
  await client.query('lock table credential_version in access exclusive mode')
  await client.query('select pg_advisory_unlock($1)', [held])
  await waitsFor('relation')
  await killed()
  await endItsConnections()
  await client.query('rollback')
  assert.equal(one.reached(), 0)
  const { rows } = await client.query(
    `select 1 from audit_entry where kind = 'decision' and result = 'allow' and canonical like $1`,
    [`%${one.id}%`],
  )
  assert.equal(rows.length, 1, 'its intent is on record')
  await started()
  await shownAsUnknown(one, 0)
})

test('killed while the provider answers: it is unknown, and never sent again', async () => {
  const one = await ask()
  let response: ServerResponse | undefined
  upstream.behave((given) => void (response = given))
  await approve(one.id)
  await until('it reaches the provider', () => response)
  await killed()
  assert.equal(one.reached(), 1)
  await started()
  await shownAsUnknown(one, 1)
})
