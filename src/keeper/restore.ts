/**
 * `restore`: fills an empty database from a backup. Guarantees: nothing is inserted before the whole file was read and
 * found whole; all of it is inserted or nothing; and only for who holds the key-encryption key that it is sealed under,
 * so that nobody ends up with a broker whose secrets never open.
 *
 * What was revoked, disabled or frozen after the backup was made is not so in it: docs/operations.md says what to do. What
 * waited for a person then, or had been approved, is stopped.
 */
import * as fs from 'node:fs/promises'
import { sql } from 'kysely'
import { appendWithin } from '../audit/log.ts'
import type { Config } from '../config.ts'
import { appliedMigrations, knownMigrations, migrate } from '../db/migrate.ts'
import type { Db, Tx } from '../db/open.ts'
import { newId } from '../ids.ts'
import { StartError } from '../storage.ts'
import type { KekSourceName, RegisteredKek } from '../vault/vault.ts'
import { readBackup, type Header, type Trailer } from './backup-format.ts'
import { openDesk, openKeeper, openKey, readArguments, UsageError, type Desk } from './open.ts'
import { stopRestoredApprovals } from './stop-approvals.ts'
import { listIdentities, listTables } from './tables.ts'

/** What a migration puts rows into; in every other table of an empty database there are none. */
const seeded = ['revision']
const rowsAtOnce = 500

export async function restoreCommand(
  config: Config,
  args: readonly string[],
  desk: Desk = openDesk(),
): Promise<void> {
  const { positionals } = readArguments(args, {}, 'restore FILE')
  const [path, ...more] = positionals
  if (path === undefined || more.length > 0) throw new UsageError('usage: restore FILE')
  const file = await fs.open(path, 'r').catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    throw new StartError(`${path} cannot be read (${code})`)
  })
  try {
    const checked = await checkBackup(file)
    await checkMigrations(checked.header)
    const keeper = await openKeeper(config, { schema: 'any', besideBroker: false })
    try {
      await checkEmpty(keeper.db, checked.header)
      if (checked.kek !== undefined) {
        const kek = await openKey(config, keeper.kekFile, checked.kek, desk)
        kek.destroy()
      }
      await migrate(keeper.db, checked.header.migrations.at(-1))
      const stopped = await insertBackup(keeper.db, file, checked)
      const migrated = await migrate(keeper.db)
      const { header, trailer } = checked
      const total = Object.values(trailer.rows).reduce((sum, count) => sum + count, 0)
      desk.out(`${String(total)} rows restored, as they were at ${header.made_at}.`)
      for (const name of migrated) desk.out(`Applied ${name}`)
      if (stopped > 0)
        desk.out(
          `${String(stopped)} approvals were open in it and are stopped: whoever needs them asks again.`,
        )
      desk.out(
        'What was revoked, disabled or frozen since then is so no more: look through the audit log, and do it again.',
      )
    } finally {
      await keeper.close()
    }
  } finally {
    await file.close()
  }
}

type Checked = {
  readonly header: Header
  readonly trailer: Trailer
  /** Absent where the broker had never been unsealed, and so nothing is sealed. */
  readonly kek: RegisteredKek | undefined
}

/** Reads the whole file once. What it says of the key is what its rows say: the header is for people. */
async function checkBackup(file: fs.FileHandle): Promise<Checked> {
  const reader = await readBackup(file)
  let kek: RegisteredKek | undefined
  let newest = ''
  for await (const { parsed } of reader.rows()) {
    if (parsed.table !== 'key_encryption_key') continue
    const { id, source, derivation, sealed_check: check, created_at: madeAt } = parsed.row
    if (kek !== undefined && String(madeAt) < newest) continue
    newest = String(madeAt)
    kek = {
      id: String(id),
      source: String(source) as KekSourceName,
      derivation,
      check: Buffer.from(String(check).replace(/^\\x/, ''), 'hex'),
    }
  }
  const trailer = reader.trailer()
  const sealed = (trailer.rows['credential_version'] ?? 0) + (trailer.rows['signing_key'] ?? 0)
  if (kek === undefined && sealed > 0)
    throw new StartError(
      'the backup holds secrets but does not know their key; nothing was restored',
    )
  return { header: reader.header, trailer, kek }
}

async function checkMigrations(header: Header): Promise<void> {
  const known = await knownMigrations()
  const unknown = header.migrations.filter((name) => !known.includes(name))
  if (unknown.length > 0)
    throw new StartError(
      `the backup was made by a newer version of Valetkey (${header.valetkey}; it has ${unknown.join(', ')}): restore it with that version`,
    )
  if (header.migrations.some((name, i) => name !== known[i]))
    throw new StartError('the backup’s migrations are not those of any version of Valetkey')
}

async function checkEmpty(db: Db, header: Header): Promise<void> {
  const applied = await appliedMigrations(db)
  if (applied.length === 0) return
  if (applied.join() !== header.migrations.join())
    throw new StartError(
      `the database is at ${String(applied.at(-1))}, the backup at ${String(header.migrations.at(-1))}: give a database that nothing has been done to; the restore brings it up to date`,
    )
  await refuseRows(db)
}

async function refuseRows(db: Db | Tx): Promise<void> {
  for (const { name } of await listTables(db)) {
    if (seeded.includes(name)) continue
    const { rows } = await sql`select 1 from ${sql.table(name)} limit 1`.execute(db)
    if (rows.length > 0)
      throw new StartError(
        `the database is not empty (${name} has rows): a backup is restored only into an empty one`,
      )
  }
}

/**
 * The same file is read a second time, and found whole a second time before anything is committed. Returns how many
 * approvals it held that could still have been sent.
 */
async function insertBackup(db: Db, file: fs.FileHandle, checked: Checked): Promise<number> {
  return db.transaction().execute(async (tx) => {
    // A broker that starts meanwhile waits here before it makes its first operator, and then finds one.
    await sql`select pg_advisory_xact_lock(hashtext('valetkey bootstrap'))`.execute(tx)
    await refuseRows(tx)
    const tables = await listTables(tx)
    const reader = await readBackup(file)
    if (JSON.stringify(reader.header) !== JSON.stringify(checked.header))
      throw new StartError('the backup was changed while it was read; nothing was restored')
    checkTables(tables, reader.header)
    for (const name of seeded) await sql`delete from ${sql.table(name)}`.execute(tx)

    let table = ''
    let batch: string[] = []
    const flush = async (): Promise<void> => {
      if (batch.length > 0) await insertRows(tx, table, batch)
      batch = []
    }
    for await (const { line, parsed } of reader.rows()) {
      if (parsed.table !== table || batch.length >= rowsAtOnce) await flush()
      table = parsed.table
      batch.push(line)
    }
    await flush()
    if (reader.trailer().sha256 !== checked.trailer.sha256)
      throw new StartError('the backup was changed while it was read; nothing was restored')

    for (const { table: name, column } of await listIdentities(tx)) {
      await sql`
        select setval(pg_get_serial_sequence(${name}, ${column}), greatest(max(${sql.ref(column)}), 1), max(${sql.ref(column)}) is not null)
        from ${sql.table(name)}
      `.execute(tx)
    }
    const now = Date.now()
    // Backups of versions before approvals have none.
    const stopped = tables.some(({ name }) => name === 'approval')
      ? await stopRestoredApprovals(tx, now)
      : 0
    await appendWithin(tx, {
      kind: 'system',
      result: 'done',
      at: now,
      correlationId: newId('correlation', now),
      actor: { kind: 'system', id: 'keeper' },
      action: 'database.RESTORED',
      detail: `from a backup made at ${checked.header.made_at} (sha256 ${checked.trailer.sha256}); what happened after that moment is not in this log`,
    })
    return stopped
  })
}

function checkTables(tables: Awaited<ReturnType<typeof listTables>>, header: Header): void {
  const spell = (list: Header['tables']): string =>
    JSON.stringify([...list].sort((a, b) => (a.name < b.name ? -1 : 1)))
  if (
    spell(tables.map(({ name, columns }) => ({ name, columns: [...columns] }))) !==
    spell(header.tables)
  )
    throw new StartError('the backup’s tables are not those of this database; nothing was restored')
}

async function insertRows(tx: Tx, table: string, lines: readonly string[]): Promise<void> {
  await sql`
    insert into ${sql.table(table)} overriding system value
    select r.* from unnest(${lines}::text[]) with ordinality as l(line, n)
    cross join lateral json_populate_record(null::${sql.table(table)}, l.line::json -> 'row') as r
    order by l.n
  `.execute(tx)
}
