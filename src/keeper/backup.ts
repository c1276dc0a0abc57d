/**
 * `backup`: the whole database as one file, also while brokers work on it. Guarantees: what is in the file is one
 * moment of the database (one transaction's snapshot); the file has its name only once it is whole and on disk, and
 * never takes the place of another; nobody but its owner may read it; no secret in it is open, and the key is not in it.
 */
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { sql } from 'kysely'
import type { Config } from '../config.ts'
import { appliedMigrations } from '../db/migrate.ts'
import type { Db, Tx } from '../db/open.ts'
import { StartError } from '../storage.ts'
import { registeredKek } from '../vault/vault.ts'
import { formatName, formatVersion, type Header, type Trailer } from './backup-format.ts'
import { openDesk, openKeeper, readArguments, UsageError, type Desk } from './open.ts'
import { listTables } from './tables.ts'

const { version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string }

/** Rows that are held in memory at a time. */
const rowsAtOnce = 500

export async function backupCommand(
  config: Config,
  args: readonly string[],
  desk: Desk = openDesk(),
): Promise<void> {
  const { positionals } = readArguments(args, {}, 'backup FILE')
  const [name, ...more] = positionals
  if (name === undefined || more.length > 0) throw new UsageError('usage: backup FILE')
  const path = resolve(name)
  const keeper = await openKeeper(config, { schema: 'any', besideBroker: true })
  try {
    const { rows, sha256 } = await writeBackup(keeper.db, path)
    const total = Object.values(rows).reduce((sum, count) => sum + count, 0)
    desk.out(`${String(total)} rows of ${String(Object.keys(rows).length)} tables are in ${path}`)
    desk.out(`SHA-256 of its content: ${sha256}`)
    desk.out('It opens only with the key-encryption key, which is not in it: keep that elsewhere.')
  } finally {
    await keeper.close()
  }
}

/** Writes the file, or throws a `StartError` and leaves nothing behind. */
export async function writeBackup(db: Db, path: string): Promise<Trailer> {
  // Beside its place, so that the link cannot cross file systems.
  const temporary = `${path}.partial-${randomBytes(6).toString('hex')}`
  try {
    const file = await fs.open(temporary, 'wx', 0o600)
    try {
      // The umask can only have taken away; this takes away what an access list of the directory may have given.
      await file.chmod(0o600)
      const trailer = await writeContent(db, (text) => file.writeFile(text))
      await file.sync()
      // Unlike a rename, this fails where the name is taken.
      await fs.link(temporary, path)
      return trailer
    } finally {
      await file.close()
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (code === 'EEXIST') throw new StartError(`${path} is there already, and is left as it is`)
    if (/^(ENOENT|ENOTDIR|EACCES|EPERM|EROFS|ENOSPC|EDQUOT|EFBIG)$/.test(code))
      throw new StartError(`${path} cannot be written (${code})`)
    throw error
  } finally {
    await fs.rm(temporary, { force: true })
    await syncDirectory(dirname(path))
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await fs.open(path, 'r').catch(() => undefined)
  if (directory === undefined) return
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

function writeContent(db: Db, write: (text: string) => Promise<void>): Promise<Trailer> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (tx) => {
      const hash = createHash('sha256')
      async function put(text: string): Promise<void> {
        hash.update(text)
        await write(text)
      }
      const header = await headerOf(tx)
      await put(`${JSON.stringify(header)}\n`)
      const rows: Record<string, number> = {}
      for (const { name } of header.tables) rows[name] = await putTable(tx, name, put)
      const trailer: Trailer = { end: true, rows, sha256: hash.digest('hex') }
      await write(`${JSON.stringify(trailer)}\n`)
      return trailer
    })
}

async function headerOf(tx: Tx): Promise<Header> {
  const migrations = await appliedMigrations(tx)
  if (migrations.length === 0)
    throw new StartError('the database is empty; there is nothing to keep')
  const tables = await listTables(tx)
  const kek = await registeredKek(tx)
  return {
    format: formatName,
    version: formatVersion,
    valetkey: version,
    made_at: new Date().toISOString(),
    migrations: [...migrations],
    kek: kek === undefined ? null : { id: kek.id, source: kek.source },
    tables: tables.map(({ name, columns }) => ({ name, columns: [...columns] })),
  }
}

/** Rows pass through as the text that PostgreSQL made of them: no number or moment is read and written anew on the way. */
async function putTable(
  tx: Tx,
  name: string,
  put: (text: string) => Promise<void>,
): Promise<number> {
  await sql`declare backup_rows no scroll cursor for
    select row_to_json(t)::text as line from ${sql.table(name)} t`.execute(tx)
  let count = 0
  for (;;) {
    const { rows } = await sql<{ line: string }>`
      fetch ${sql.lit(rowsAtOnce)} from backup_rows
    `.execute(tx)
    if (rows.length === 0) break
    count += rows.length
    const label = JSON.stringify(name)
    await put(rows.map(({ line }) => `{"table":${label},"row":${line}}\n`).join(''))
  }
  await sql`close backup_rows`.execute(tx)
  return count
}
