/**
 * Where the broker keeps what it keeps: a database and a key. With DATABASE_URL, a database of the operator's; without,
 * an embedded PostgreSQL in the data directory. Opens both, and says in one sentence what stands in the way.
 */
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import { superviseCluster } from './db/cluster-supervise.ts'
import { defaultDataDir, openDataDir, type DataDir } from './db/data-dir.ts'
import { appliedMigrations, migrate } from './db/migrate.ts'
import { openUnhurriedDatabase, type Connection } from './db/open.ts'
import { createKekFile } from './vault/kek-file.ts'
import { readRegisteredKekFile } from './vault/kek-rotation.ts'
import { kekFromText, type Kek } from './vault/kek.ts'
import type { RegisteredKek } from './vault/vault.ts'

/** What stands in the way of starting, in a sentence for whoever starts it. */
export class StartError extends Error {
  override name = 'StartError'
}

export type Storage = {
  readonly connection: Connection
  /** True where the database is our own, so that no other broker can be on it. */
  readonly alone: boolean
  readonly dataDir: DataDir | undefined
  /** Migrations that this start applied. */
  readonly migrated: readonly string[]
  close(): Promise<void>
}

/** `migrating: false` leaves the schema as it is, for what must not change it under brokers that run. */
export async function openStorage(
  config: Config,
  log: Logger,
  { migrating = true }: { readonly migrating?: boolean } = {},
): Promise<Storage> {
  if (config.databaseUrl !== undefined) {
    const connection: Connection = { kind: 'url', url: config.databaseUrl }
    const migrated = await bringUpToDate(connection, migrating)
    return {
      connection,
      alone: false,
      dataDir: undefined,
      migrated,
      close: () => Promise.resolve(),
    }
  }
  const dataDir = await holdDataDir(config)
  const started = await superviseCluster({
    dataDir,
    log: {
      info: (text) => log.debug(text),
      warn: (text) => log.warn(text),
      error: (text) => log.error(text),
    },
    onExit: (exit) => {
      if (!exit.expected)
        log.error(
          { code: exit.code, signal: exit.signal },
          'the embedded PostgreSQL ended; starting it again',
        )
    },
  })
  if (!started.ok) {
    dataDir.release()
    throw new StartError(started.detail)
  }
  const { cluster } = started
  try {
    const migrated = await bringUpToDate(cluster.connection, migrating)
    return {
      connection: cluster.connection,
      alone: true,
      dataDir,
      migrated,
      async close() {
        await cluster.stop()
        dataDir.release()
      },
    }
  } catch (error) {
    await cluster.stop()
    dataDir.release()
    throw error
  }
}

export async function holdDataDir(config: Config): Promise<DataDir> {
  const root = process.getuid?.() === 0
  const path = config.dataDir ?? defaultDataDir({ root, xdgStateHome: config.xdgStateHome })
  const opened = await openDataDir(path)
  if (!opened.ok) throw new StartError(opened.detail)
  return opened.dataDir
}

async function bringUpToDate(
  connection: Connection,
  migrating: boolean,
): Promise<readonly string[]> {
  const db = openUnhurriedDatabase(connection)
  try {
    if (migrating) return await migrate(db)
    // Asked all the same, so that a database that cannot be reached is told of here.
    await appliedMigrations(db)
    return []
  } catch (error) {
    if (error instanceof Error && error.name === 'MigrationError')
      throw new StartError(error.message)
    if (connection.kind === 'url')
      throw new StartError(`the database of DATABASE_URL cannot be used: ${reasonOf(error)}`)
    throw error
  } finally {
    await db.destroy()
  }
}

/** The driver's message, without the connection string that it may quote. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : 'unknown error'
  return message.replaceAll(/postgres(ql)?:\/\/\S+/g, 'DATABASE_URL')
}

export type KekAtStart = {
  /** Absent where a passphrase must be given first. */
  readonly kek: Kek | undefined
  /** Where a key file was made just now. */
  readonly madeFile: string | undefined
}

/** The key, from where the configuration says. A key file is made on the first start (`registered` absent), and only then. */
export async function kekAtStart(
  config: Config,
  storage: Pick<Storage, 'dataDir'>,
  registered: RegisteredKek | undefined,
): Promise<KekAtStart> {
  switch (config.kek.kind) {
    case 'passphrase':
      return { kek: undefined, madeFile: undefined }
    case 'env': {
      const opened = kekFromText(config.kek.value, 'VALETKEY_KEK')
      if (!opened.ok) throw new StartError(opened.detail)
      return { kek: opened.kek, madeFile: undefined }
    }
    case 'file': {
      const path = config.kek.path ?? storage.dataDir?.kekFile
      if (path === undefined) {
        throw new StartError(
          'with DATABASE_URL, say where the key-encryption key is: VALETKEY_KEK_FILE, VALETKEY_KEK or VALETKEY_KEK_SOURCE=passphrase',
        )
      }
      const read = await readRegisteredKekFile(path, registered)
      if (read.ok) return { kek: read.kek, madeFile: undefined }
      // A new key for an old database would open nothing and hide that the right one is lost.
      if (read.reason !== 'missing' || registered !== undefined) {
        throw new StartError(
          read.reason === 'missing'
            ? `${read.detail}, and what is in the database is sealed under the key that was there: bring it back`
            : read.detail,
        )
      }
      const made = await createKekFile(path)
      if (!made.ok)
        throw new StartError(
          'detail' in made ? made.detail : `somebody else is making the key file ${path}`,
        )
      return { kek: made.kek, madeFile: path }
    }
  }
}
