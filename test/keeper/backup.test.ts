import { after, before, test, type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import { openDatabase, openPool, openUnhurriedDatabase, type Db } from '../../src/db/open.ts'
import { backupCommand, writeBackup } from '../../src/keeper/backup.ts'
import { restoreCommand } from '../../src/keeper/restore.ts'
import { listTables } from '../../src/keeper/tables.ts'
import { openTestBroker, type TestBroker } from '../support/broker.ts'
import { createTestDatabase } from '../support/cluster.ts'
import {
  configFor,
  kekText,
  privateDirectory,
  recordingDesk,
  writeKekFile,
} from '../support/keeper.ts'
import { startRailwayStandIn, type RailwayStandIn } from '../support/railway-stand-in.ts'
import { railwayIds, railwayWorld } from '../support/railway-world.ts'
import { until } from '../support/until.ts'
import { grantOn, railway, tokenRequest, type Granted } from '../support/world.ts'

const secret = 'rw_live_9f8Zq+/T0k3n=Canary~7Yh2LmPx'
const read = { query: `{ environment(id: "${railwayIds.staging}") { id name } }` }
const key = randomBytes(32)
const keyInEnvironment = { VALETKEY_KEK: kekText(key) }

let standIn: RailwayStandIn
let source: TestBroker
let granted: Granted
before(async () => {
  standIn = await startRailwayStandIn(railwayWorld(), { token: { kind: 'account', value: secret } })
  source = await openTestBroker(undefined, { key, upstreams: { railway: standIn.origin } })
  granted = await grantOn(source, {
    provider: 'railway',
    bindings: [{ provider: 'railway', kind: 'environment', id: railwayIds.staging }],
    secret,
  })
  const answer = await railway(source.url, await granted.token(), read)
  assert.equal(answer.status, 200, answer.text)
  await until('the outcome is on record', () =>
    source.broker.db
      .selectFrom('audit_entry')
      .select('id')
      .where('kind', '=', 'outcome')
      .executeTakeFirst(),
  )
})
after(async () => {
  await source.close()
  await standIn.close()
})

/** Every table's rows as text, but what a restore itself writes. */
async function contentOf(db: Db): Promise<Record<string, readonly string[]>> {
  const content: Record<string, readonly string[]> = {}
  for (const { name } of await listTables(db)) {
    const { rows } = await sql<{ line: string }>`
      select row_to_json(t)::text as line from ${sql.table(name)} t order by 1
    `.execute(db)
    // Brokers come, go and keep themselves alive meanwhile.
    if (name !== 'replica')
      content[name] = rows.map(({ line }) => line).filter((line) => !line.includes('RESTORED'))
  }
  return content
}

async function emptyDatabase(t: TestContext) {
  const database = await createTestDatabase()
  const db = openDatabase(database.connection, 2)
  t.after(async () => {
    await db.destroy()
    await database.drop()
  })
  return { connection: database.connection, db }
}

async function backupOf(t: TestContext): Promise<string> {
  const path = join(await privateDirectory(t), 'valetkey.backup')
  await backupCommand(configFor(source.connection, {}), [path], recordingDesk())
  return path
}

async function operators(db: Db): Promise<number> {
  const { rows } = await sql`select 1 from operator union all select 1 from audit_entry`.execute(db)
  return rows.length
}

test('a backup of a running broker, restored elsewhere, gives a broker that does what the first did', async (t) => {
  const path = await backupOf(t)
  const { connection, db } = await emptyDatabase(t)
  const before = await contentOf(source.broker.db)
  const desk = recordingDesk()
  await restoreCommand(configFor(connection, keyInEnvironment), [path], desk)
  assert.match(desk.lines.join('\n'), /rows restored/)
  assert.deepEqual(await contentOf(db), before)
  const lastOf = async (of: Db) =>
    (
      await of
        .selectFrom('audit_entry')
        .select((e) => [e.fn.max('id').as('id'), e.fn.countAll<string>().as('n')])
        .executeTakeFirstOrThrow()
    ).id
  assert.ok(Number(await lastOf(db)) > Number(await lastOf(source.broker.db)), 'ids go on')
  const entry = await db
    .selectFrom('audit_entry')
    .select('canonical')
    .where('canonical', 'like', '%database.RESTORED%')
    .execute()
  assert.equal(entry.length, 1)

  const again = await openTestBroker(undefined, {
    key,
    upstreams: { railway: standIn.origin },
    database: { connection, drop: () => Promise.resolve() },
    existing: true,
  })
  t.after(() => again.close())
  const issued = await tokenRequest(again.url, granted.agentId, granted.agentKey)
  assert.equal(issued.status, 200)
  const answer = await railway(again.url, String(issued.body['access_token']), read)
  assert.equal(answer.status, 200, answer.text)
})

test('a backup holds every table that the database has, whatever it is called', async (t) => {
  const { db } = await emptyDatabase(t)
  await sql`create table later (id bigint generated always as identity primary key, big numeric, at timestamptz, bytes bytea, list text[], j jsonb)`.execute(
    db,
  )
  await sql`insert into later (big, at, bytes, list, j) values
    (12345678901234567890.123456789, '2026-01-02 03:04:05.678901+00', '\\x00ff0a', array['a', null, e'b\n\u2028"'], '{"n": 12345678901234567890}'),
    (null, null, null, null, null)`.execute(db)
  const path = join(await privateDirectory(t), 'backup')
  const { rows } = await writeBackup(db, path)
  const { rows: names } = await sql<{ name: string }>`
    select tablename::text as name from pg_tables where schemaname = 'public' and tablename not in ('kysely_migration', 'kysely_migration_lock')
  `.execute(db)
  assert.deepEqual(Object.keys(rows).sort(), names.map(({ name }) => name).sort())
  assert.equal(rows['later'], 2)

  await t.test('and it is restored value by value', async (t) => {
    const other = await emptyDatabase(t)
    await sql`create table later (id bigint generated always as identity primary key, big numeric, at timestamptz, bytes bytea, list text[], j jsonb)`.execute(
      other.db,
    )
    await restoreCommand(configFor(other.connection, keyInEnvironment), [path], recordingDesk())
    assert.deepEqual(await contentOf(other.db), {
      ...(await contentOf(db)),
    })
  })

  await t.test('or refused where the database has no such table', async (t) => {
    const other = await emptyDatabase(t)
    await assert.rejects(
      restoreCommand(configFor(other.connection, keyInEnvironment), [path], recordingDesk()),
      { name: 'StartError', message: /tables are not those/ },
    )
  })
})

test('a backup is its owner’s alone to read, and never takes the place of another file', async (t) => {
  const path = await backupOf(t)
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  await writeFile(path, 'precious')
  await assert.rejects(backupCommand(configFor(source.connection, {}), [path], recordingDesk()), {
    name: 'StartError',
    message: /is there already/,
  })
  assert.equal(await readFile(path, 'utf8'), 'precious')
  assert.deepEqual(await readdir(join(path, '..')), ['valetkey.backup'])
})

test('no secret is readable in a backup, and the key is not in it', async (t) => {
  const text = await readFile(await backupOf(t), 'latin1')
  for (const form of [
    secret,
    Buffer.from(secret).toString('hex'),
    key.toString('hex'),
    kekText(key),
  ])
    assert.ok(!text.includes(form))
})

test('what is in a backup is one moment of the database, however long the backup takes', async (t) => {
  const { connection, db } = await emptyDatabase(t)
  const path = join(await privateDirectory(t), 'backup')
  const pool = openPool(connection, 2)
  t.after(() => pool.end())
  const other = await pool.connect()
  await other.query('begin')
  await other.query('lock table audit_batch, operator in access exclusive mode')
  await other.query(
    "insert into audit_batch (first_at, last_at, heads, entries) values (now(), now(), 'late', '{}')",
  )
  const writing = writeBackup(db, path)
  await until('the backup waits for the lock', async () => {
    const { rows } = await pool.query<{ n: number }>(
      'select 1 as n from pg_locks where not granted',
    )
    return rows[0]
  })
  await other.query('commit')
  other.release()
  const { rows } = await writing
  assert.equal(rows['audit_batch'], 0)
})

test('a restore takes nothing from a file that is damaged in any way', async (t) => {
  const whole = await readFile(await backupOf(t), 'utf8')
  const lines = whole.trimEnd().split('\n')
  const { connection, db } = await emptyDatabase(t)
  const directory = await privateDirectory(t)
  const config = configFor(connection, keyInEnvironment)
  const rehashed = (
    body: readonly string[],
    change: (trailer: Record<string, unknown>) => void,
  ) => {
    const text = `${body.join('\n')}\n`
    const trailer = JSON.parse(lines.at(-1) ?? '') as Record<string, unknown>
    trailer['sha256'] = createHash('sha256').update(text).digest('hex')
    change(trailer)
    return `${text}${JSON.stringify(trailer)}\n`
  }
  const operatorLine = lines.findIndex((line) => line.startsWith('{"table":"operator"'))
  const header = lines[0] ?? ''
  const cases: Record<string, [string, RegExp]> = {
    'cut off': [`${lines.slice(0, -1).join('\n')}\n`, /ends too early/],
    'cut off within a line': [whole.slice(0, -20), /cut off|too early/],
    'a changed letter': [whole.replace('"name":"admin"', '"name":"admim"'), /hash/],
    'a row taken out': [lines.toSpliced(operatorLine, 1).join('\n') + '\n', /hash|missing/],
    'a row taken out, hashed anew': [
      rehashed(lines.slice(0, -1).toSpliced(operatorLine, 1), () => undefined),
      /missing/,
    ],
    'something after the end': [`${whole}{"end":true}\n`, /follows its end/],
    'a row of an unknown table': [
      rehashed([...lines.slice(0, -1), '{"table":"pg_authid","row":{}}'], () => undefined),
      /does not name/,
    ],
    'another file': ['{"hello":1}\n', /not a backup/],
    'not JSON': ['hello\n', /not JSON/],
    empty: ['', /empty/],
    'a newer format': [
      rehashed(
        [header.replace('"version":1', '"version":2'), ...lines.slice(1, -1)],
        () => undefined,
      ),
      /format 2.*newer/s,
    ],
    'a newer version': [
      rehashed(
        [
          JSON.stringify({
            ...(JSON.parse(header) as object),
            migrations: [...(JSON.parse(header) as { migrations: string[] }).migrations, '9999_x'],
          }),
          ...lines.slice(1, -1),
        ],
        () => undefined,
      ),
      /newer version.*9999_x/s,
    ],
  }
  for (const [name, [text, message]] of Object.entries(cases)) {
    await t.test(name, async () => {
      const path = join(directory, 'damaged')
      await writeFile(path, text)
      await assert.rejects(restoreCommand(config, [path], recordingDesk()), {
        name: 'StartError',
        message,
      })
      assert.equal(await operators(db), 0)
    })
  }
})

test('a restore wants the key that the backup is sealed under', async (t) => {
  const path = await backupOf(t)
  const { connection, db } = await emptyDatabase(t)
  const directory = await privateDirectory(t)
  const right = join(directory, 'right')
  const wrong = join(directory, 'wrong')
  await writeKekFile(right, key)
  await writeKekFile(wrong, randomBytes(32))
  const cases: Record<string, [Record<string, string>, RegExp]> = {
    'another key': [{ VALETKEY_KEK_FILE: wrong }, /not the one/],
    'no key file': [{ VALETKEY_KEK_FILE: join(directory, 'none') }, /no key file/],
    nothing: [{}, /say where/],
    'a passphrase': [{ VALETKEY_KEK_SOURCE: 'passphrase' }, /does not come from a passphrase/],
  }
  for (const [name, [variables, message]] of Object.entries(cases)) {
    await t.test(name, async () => {
      await assert.rejects(
        restoreCommand(configFor(connection, variables), [path], recordingDesk('guess')),
        { name: 'StartError', message },
      )
      assert.equal(await operators(db), 0)
    })
  }
  await t.test('and nothing else', async () => {
    await restoreCommand(
      configFor(connection, { VALETKEY_KEK_FILE: right }),
      [path],
      recordingDesk(),
    )
    assert.ok((await operators(db)) > 0)
  })
  await t.test('into an empty database only', async () => {
    await assert.rejects(
      restoreCommand(configFor(connection, { VALETKEY_KEK_FILE: right }), [path], recordingDesk()),
      { name: 'StartError', message: /not empty/ },
    )
  })
})

test('a restore brings a database that nothing was done to as far as the backup is, and then up to date', async (t) => {
  const path = await backupOf(t)
  const { connection } = await emptyDatabase(t)
  const db = openUnhurriedDatabase(connection)
  t.after(() => db.destroy())
  await sql`drop schema public cascade`.execute(db)
  await sql`create schema public`.execute(db)
  await restoreCommand(configFor(connection, keyInEnvironment), [path], recordingDesk())
  assert.deepEqual(await contentOf(db), await contentOf(source.broker.db))
})
