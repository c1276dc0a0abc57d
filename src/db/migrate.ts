/**
 * Applies the migrations, one process at a time (kysely takes an advisory lock), and refuses a database that a newer
 * version has already migrated: its tables may mean something else now.
 */
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { sql } from 'kysely'
import { Migrator, type Migration, type MigrationProvider } from 'kysely/migration'
import type { Db, Tx } from './open.ts'

const folder = fileURLToPath(new URL('../../migrations', import.meta.url))

const provider: MigrationProvider = {
  async getMigrations() {
    const files = (await readdir(folder)).filter(
      (file) => /^[0-9]{4}_.*\.(ts|js)$/.test(file) && !file.endsWith('.d.ts'),
    )
    const migrations: Record<string, Migration> = {}
    for (const file of files.sort()) {
      const module = (await import(pathToFileURL(path.join(folder, file)).href)) as Migration
      migrations[file.replace(/\.(ts|js)$/, '')] = module
    }
    return migrations
  },
}

export class MigrationError extends Error {
  override name = 'MigrationError'
}

/** The names of every migration that this version knows, in order. */
export async function knownMigrations(): Promise<readonly string[]> {
  return Object.keys(await provider.getMigrations())
}

/**
 * Brings the schema up to date, or as far as the migration `to`. Returns the names of what was applied; throws
 * `MigrationError`.
 */
export async function migrate(db: Db, to?: string): Promise<readonly string[]> {
  const known = await knownMigrations()
  const applied = await appliedMigrations(db)
  const unknown = applied.filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    throw new MigrationError(
      `the database was migrated by a newer version of Valetkey (it has ${unknown.join(', ')}): ` +
        `run that version, or restore a backup made by this one`,
    )
  }
  const migrator = new Migrator({ db, provider })
  const { error, results } = await (to === undefined
    ? migrator.migrateToLatest()
    : migrator.migrateTo(to))
  const failed = results?.find((result) => result.status === 'Error')
  if (error !== undefined || failed !== undefined) {
    throw new MigrationError(
      `the migration ${failed?.migrationName ?? ''} failed and nothing of it was kept`,
      {
        cause: error,
      },
    )
  }
  return (results ?? []).map((result) => result.migrationName)
}

/** The names of the migrations that this database has had, in order; none on an empty one. */
export async function appliedMigrations(db: Db | Tx): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string | null }>`
    select to_regclass('kysely_migration')::text as name
  `.execute(db)
  if (rows[0]?.name == null) return []
  const applied = await sql<{
    name: string
  }>`select name from kysely_migration order by name`.execute(db)
  return applied.rows.map((row) => row.name)
}
