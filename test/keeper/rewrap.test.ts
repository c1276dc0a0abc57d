import { after, before, test, type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { access, copyFile, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import { openBroker } from '../../src/broker.ts'
import type { Config } from '../../src/config.ts'
import { openDatabase, type Connection } from '../../src/db/open.ts'
import { newId } from '../../src/ids.ts'
import { recoverCommand } from '../../src/keeper/recover.ts'
import { rewrapCommand } from '../../src/keeper/rewrap.ts'
import { kekAtStart } from '../../src/storage.ts'
import { readKekFile } from '../../src/vault/kek-file.ts'
import { recognise, registeredKek } from '../../src/vault/vault.ts'
import { openTestBroker } from '../support/broker.ts'
import { createTestDatabase } from '../support/cluster.ts'
import { configFor, privateDirectory, recordingDesk, writeKekFile } from '../support/keeper.ts'
import { startRailwayStandIn, type RailwayStandIn } from '../support/railway-stand-in.ts'
import { railwayIds, railwayWorld } from '../support/railway-world.ts'
import { grantOn, railway, tokenRequest, type Granted } from '../support/world.ts'

const secret = 'rw_live_9f8Zq+/T0k3n=Canary~7Yh2LmPx'
const read = { query: `{ environment(id: "${railwayIds.staging}") { id name } }` }
const key = randomBytes(32)

let standIn: RailwayStandIn
let granted: Granted
/** A database that a broker has worked on; each test has a copy. */
let made: Awaited<ReturnType<typeof createTestDatabase>>
before(async () => {
  standIn = await startRailwayStandIn(railwayWorld(), { token: { kind: 'account', value: secret } })
  made = await createTestDatabase()
  const broker = await openTestBroker(undefined, {
    key,
    upstreams: { railway: standIn.origin },
    database: { connection: made.connection, drop: () => Promise.resolve() },
  })
  granted = await grantOn(broker, {
    provider: 'railway',
    bindings: [{ provider: 'railway', kind: 'environment', id: railwayIds.staging }],
    secret,
  })
  await broker.close()
})
after(async () => {
  await made.drop()
  await standIn.close()
})

async function copyOf(t: TestContext): Promise<{ connection: Connection; kek: string }> {
  const database = await createTestDatabase(made.connection.database)
  t.after(database.drop)
  const kek = join(await privateDirectory(t), 'kek')
  await writeKekFile(kek, key)
  return { connection: database.connection, kek }
}

/** Starts a broker as `serve` does, with the key that the configuration gives, and makes a call that needs the secret. */
async function assertServes(
  connection: Connection,
  config: Config,
  passphrase?: string,
): Promise<void> {
  const broker = await openBroker({
    connection,
    alone: false,
    publicUrl: 'http://localhost:8474',
    kekSource: config.kek.kind,
    upstreams: { railway: standIn.origin },
    app: { logger: undefined },
  })
  try {
    const { kek } = await kekAtStart(config, { dataDir: undefined }, await registeredKek(broker.db))
    const result =
      kek === undefined || config.kek.kind === 'passphrase'
        ? await broker.unsealer.unseal(passphrase ?? '', newId('correlation'))
        : await broker.unsealer.admit(kek, config.kek.kind)
    assert.equal(result, 'opened')
    const url = await broker.app.listen({ port: 0, host: '127.0.0.1' })
    const issued = await tokenRequest(url, granted.agentId, granted.agentKey)
    assert.equal(issued.status, 200, JSON.stringify(issued.body))
    const answer = await railway(url, String(issued.body['access_token']), read)
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.headers.get('valetkey-decision'), 'allow')
  } finally {
    await broker.close()
  }
}

async function query<T extends object>(
  connection: Connection,
  text: string,
): Promise<readonly T[]> {
  const db = openDatabase(connection, 1)
  try {
    return (await sql.raw<T>(text).execute(db)).rows
  } finally {
    await db.destroy()
  }
}

const sealedRows = `
  select kek_id, encode(sealed, 'hex') as sealed from credential_version
  union all select kek_id, encode(sealed, 'hex') from signing_key order by 2
`

test('a new key file takes the old one’s place, and everything opens under it', async (t) => {
  const { connection, kek } = await copyOf(t)
  const config = configFor(connection, { VALETKEY_KEK_FILE: kek })
  const old = await readFile(kek, 'utf8')
  const before = await query<{ kek_id: string }>(connection, sealedRows)
  await rewrapCommand(config, [], recordingDesk())
  const fresh = await readFile(kek, 'utf8')
  assert.notEqual(fresh, old)
  assert.equal((await stat(kek)).mode & 0o777, 0o600)
  const names = (await readdir(join(kek, '..'))).sort()
  assert.equal(names.length, 2)
  assert.match(names[1] ?? '', /^kek\.[0-9a-f]{8}\.old$/)
  assert.equal(await readFile(join(kek, '..', names[1] ?? ''), 'utf8'), old)
  const after = await query<{ kek_id: string }>(connection, sealedRows)
  assert.equal(after.length, before.length)
  assert.ok(after.every((row) => row.kek_id !== before[0]?.kek_id))
  const entries = await query(
    connection,
    "select 1 from audit_entry where kind = 'system' and canonical like '%vault.rewrap%'",
  )
  assert.equal(entries.length, 1)
  await assertServes(connection, config)

  await t.test('and the old key opens nothing any more, nor can it seal', async () => {
    await writeFile(kek, old)
    await assert.rejects(rewrapCommand(config, [], recordingDesk()), {
      name: 'StartError',
      message: /not the one/,
    })
    await assert.rejects(recoverCommand(config, ['--name', 'admin'], recordingDesk()), {
      name: 'StartError',
      message: /not the one/,
    })
    // A replica that slept through the rewrap still has the old key, and would seal under its id.
    await assert.rejects(
      query(connection, `update credential_version set kek_id = '${before[0]?.kek_id ?? ''}'`),
      /foreign key/,
    )
  })
})

test('a rewrap that died once the database had changed over is finished by the next start', async (t) => {
  for (const lost of ['the old file is still there', 'there is no file at all'] as const) {
    await t.test(lost, async (t) => {
      const { connection, kek } = await copyOf(t)
      const config = configFor(connection, { VALETKEY_KEK_FILE: kek })
      const old = `${kek}.kept`
      await copyFile(kek, old)
      await rewrapCommand(config, [], recordingDesk())
      // As it was before the file took its name.
      await rename(kek, `${kek}.new`)
      if (lost === 'the old file is still there') await rename(old, kek)
      await assertServes(connection, config)
      await assert.rejects(access(`${kek}.new`))
      assert.ok((await readKekFile(kek)).ok)
      await assertServes(connection, config)
    })
  }
})

test('a rewrap that died before the database changed over leaves the old key in force', async (t) => {
  const { connection, kek } = await copyOf(t)
  const config = configFor(connection, { VALETKEY_KEK_FILE: kek })
  const old = await readFile(kek, 'utf8')
  await writeKekFile(`${kek}.new`, randomBytes(32))
  await assertServes(connection, config)
  assert.equal(await readFile(kek, 'utf8'), old)
  await rewrapCommand(config, [], recordingDesk())
  await assertServes(connection, config)
})

test('where neither the file nor what lies beside it holds the key, both are left as they are', async (t) => {
  const { connection, kek } = await copyOf(t)
  const config = configFor(connection, { VALETKEY_KEK_FILE: kek })
  await writeKekFile(kek, randomBytes(32))
  await writeKekFile(`${kek}.new`, randomBytes(32))
  const before = [await readFile(kek, 'utf8'), await readFile(`${kek}.new`, 'utf8')]
  await assert.rejects(rewrapCommand(config, [], recordingDesk()), {
    name: 'StartError',
    message: /not the one/,
  })
  assert.deepEqual([await readFile(kek, 'utf8'), await readFile(`${kek}.new`, 'utf8')], before)
})

test('nothing changes where one sealed value does not unwrap', async (t) => {
  const { connection, kek } = await copyOf(t)
  const config = configFor(connection, { VALETKEY_KEK_FILE: kek })
  // A bit of the wrapped data key: format, length of the id, 32 of id, length, nonce, tag, key.
  await query(
    connection,
    'update credential_version set sealed = set_byte(sealed, 70, get_byte(sealed, 70) # 1)',
  )
  const before = await query(connection, sealedRows)
  await assert.rejects(rewrapCommand(config, [], recordingDesk()), {
    name: 'StartError',
    message: new RegExp(`${granted.credentialId}.*tampered`),
  })
  assert.deepEqual(await query(connection, sealedRows), before)
  assert.ok(await keyOpens(connection, kek))
})

async function keyOpens(connection: Connection, kek: string): Promise<boolean> {
  const db = openDatabase(connection, 1)
  try {
    const registered = await registeredKek(db)
    const read = await readKekFile(kek)
    return registered !== undefined && read.ok && (await recognise(read.kek, registered))
  } finally {
    await db.destroy()
  }
}

test('a rewrap is refused while a broker runs on the database', async (t) => {
  const { connection, kek } = await copyOf(t)
  const broker = await openTestBroker(undefined, {
    key,
    existing: true,
    database: { connection, drop: () => Promise.resolve() },
  })
  t.after(() => broker.close())
  const config = configFor(connection, { VALETKEY_KEK_FILE: kek })
  await assert.rejects(rewrapCommand(config, [], recordingDesk()), {
    name: 'StartError',
    message: /1 broker is running/,
  })
  assert.ok(await keyOpens(connection, kek))
})

test('the key can move from a file to a passphrase, to another one, to the environment and back to a file', async (t) => {
  const { connection, kek } = await copyOf(t)
  const asFile = configFor(connection, { VALETKEY_KEK_FILE: kek })
  const asPassphrase = configFor(connection, { VALETKEY_KEK_SOURCE: 'passphrase' })
  const to = (source: string, ...more: string[]) => ['--to', source, ...more]

  await assert.rejects(
    rewrapCommand(asFile, to('passphrase'), recordingDesk('first words', 'other words')),
    { name: 'StartError', message: /not the same/ },
  )
  await rewrapCommand(asFile, to('passphrase'), recordingDesk('first words', 'first words'))
  await assertServes(connection, asPassphrase, 'first words')

  await assert.rejects(
    rewrapCommand(asPassphrase, [], recordingDesk('wrong words', 'second words', 'second words')),
    { name: 'StartError', message: /not the passphrase/ },
  )
  await rewrapCommand(
    asPassphrase,
    [],
    recordingDesk('first words', 'second words', 'second words'),
  )
  await assertServes(connection, asPassphrase, 'second words')

  const desk = recordingDesk('second words')
  await rewrapCommand(asPassphrase, to('env'), desk)
  const shown = desk.lines.join('\n').match(/valetkey-kek-1:\S+/g) ?? []
  assert.equal(shown.length, 1)
  const asEnvironment = configFor(connection, { VALETKEY_KEK: shown[0] ?? '' })
  await assertServes(connection, asEnvironment)

  await assert.rejects(rewrapCommand(asEnvironment, to('file', '--file', kek), recordingDesk()), {
    name: 'StartError',
    message: /is there already/,
  })
  const next = `${kek}-2`
  await rewrapCommand(asEnvironment, to('file', '--file', next), recordingDesk())
  await assertServes(connection, configFor(connection, { VALETKEY_KEK_FILE: next }))
})
