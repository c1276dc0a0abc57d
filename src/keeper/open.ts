/**
 * What every command of the keeper starts with: the database, the key, and a person at a terminal. The keeper is
 * whoever runs on the broker's machine as the broker's user; nothing here can be reached over the network.
 */
import { realpath } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { destination, pino } from 'pino'
import { Interrupted, openTerminal, type Terminal } from '../cli/terminal.ts'
import type { Config } from '../config.ts'
import { serverPort } from '../db/cluster-leftover.ts'
import { findServerUser } from '../db/cluster-owner.ts'
import { database, role } from '../db/cluster-settings.ts'
import { socketDirectory } from '../db/cluster-socket.ts'
import { defaultDataDir, layoutOf, openDataDir, type DataDir } from '../db/data-dir.ts'
import { appliedMigrations, knownMigrations } from '../db/migrate.ts'
import { openUnhurriedDatabase, type Connection, type Db } from '../db/open.ts'
import { openStorage, StartError, type Storage } from '../storage.ts'
import { kekFromPassphrase, type PassphraseParameters } from '../vault/kek-passphrase.ts'
import { readRegisteredKekFile } from '../vault/kek-rotation.ts'
import { kekFromText, type Kek } from '../vault/kek.ts'
import { SecretText } from '../vault/secret-text.ts'
import { recognise, type RegisteredKek } from '../vault/vault.ts'

/** The command was not called as it takes to be. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** Where a command says something, and asks for what must not be seen. */
export type Desk = Pick<Terminal, 'out' | 'hidden'>

export function openDesk(): Desk {
  return openTerminal()
}

export type Keeper = {
  readonly db: Db
  readonly connection: Connection
  /** True where no broker can be on this database. */
  readonly alone: boolean
  /** Of the data directory; undefined with DATABASE_URL. */
  readonly kekFile: string | undefined
  readonly migrated: readonly string[]
  close(): Promise<void>
}

export type OpenOptions = {
  /**
   * `latest` brings it up to date; `current` refuses one that is not; `any` takes it as it is. Only `latest` changes
   * it: a command must not change the schema under brokers of another version.
   */
  readonly schema: 'latest' | 'current' | 'any'
  /** Whether the database of a running broker's data directory will do. */
  readonly besideBroker: boolean
}

export async function openKeeper(config: Config, options: OpenOptions): Promise<Keeper> {
  const log = pino(
    { level: config.logLevel === 'silent' ? 'silent' : 'warn' },
    destination({ fd: 2, sync: true }),
  )
  const beside =
    options.besideBroker && config.databaseUrl === undefined
      ? await runningBroker(config)
      : undefined
  let storage: Pick<Storage, 'connection' | 'alone' | 'migrated' | 'close'>
  let kekFile: string | undefined
  if (beside === undefined) {
    const opened = await openStorage(config, log, { migrating: options.schema === 'latest' })
    storage = opened
    kekFile = opened.dataDir?.kekFile
  } else {
    const { connection } = beside
    storage = { connection, alone: false, migrated: [], close: () => Promise.resolve() }
    kekFile = beside.kekFile
  }
  const db = openUnhurriedDatabase(storage.connection)
  const keeper: Keeper = {
    db,
    connection: storage.connection,
    alone: storage.alone,
    kekFile,
    migrated: storage.migrated,
    async close() {
      await db.destroy()
      await storage.close()
    },
  }
  if (options.schema === 'current') {
    try {
      await checkCurrent(db)
    } catch (error) {
      await keeper.close()
      throw error
    }
  }
  return keeper
}

async function checkCurrent(db: Db): Promise<void> {
  const applied = await appliedMigrations(db)
  const known = await knownMigrations()
  const unknown = applied.filter((name) => !known.includes(name))
  if (unknown.length > 0)
    throw new StartError(
      `the database was migrated by a newer version of Valetkey (it has ${unknown.join(', ')}): use that version`,
    )
  if (applied.length < known.length)
    throw new StartError(
      applied.length === 0
        ? 'the database is empty'
        : 'the database is that of an older version: use that version, or bring it up to date with `migrate` first',
    )
}

/**
 * The embedded database of a broker that is running: undefined where none is. That broker holds the data directory;
 * its server answers the same user through the socket, which lies where nobody else can reach.
 */
async function runningBroker(
  config: Config,
): Promise<{ readonly connection: Connection; readonly kekFile: string } | undefined> {
  const root = process.getuid?.() === 0
  const path = config.dataDir ?? defaultDataDir({ root, xdgStateHome: config.xdgStateHome })
  const real = await realpath(path).catch(() => undefined)
  if (real === undefined) return undefined
  const dataDir: DataDir = { ...layoutOf(real), release: () => undefined }
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const held = await openDataDir(path)
  if (held.ok) {
    held.dataDir.release()
    return undefined
  }
  if (held.reason !== 'in_use') throw new StartError(held.detail)
  const owner = await findServerUser(dataDir, silent)
  if (!owner.ok) throw new StartError(owner.detail)
  const socket = await socketDirectory(dataDir, owner.user)
  if (!socket.ok) throw new StartError(socket.detail)
  const connection: Connection = {
    kind: 'socket',
    directory: socket.directory,
    port: serverPort,
    user: role,
    database,
  }
  const db = openUnhurriedDatabase(connection)
  try {
    await appliedMigrations(db)
  } catch {
    throw new StartError(`${held.detail}; its database does not answer`)
  } finally {
    await db.destroy()
  }
  return { connection, kekFile: dataDir.kekFile }
}

/**
 * The key-encryption key that `registered` describes, from where the configuration says; a passphrase is asked for.
 * Throws a `StartError` where it is another, so that whoever gets an answer has shown the key.
 */
export async function openKey(
  config: Config,
  kekFile: string | undefined,
  registered: RegisteredKek,
  desk: Desk,
): Promise<Kek> {
  if ((registered.source === 'passphrase') !== (config.kek.kind === 'passphrase'))
    throw new StartError(
      registered.source === 'passphrase'
        ? 'the key comes from a passphrase: say VALETKEY_KEK_SOURCE=passphrase'
        : 'the key does not come from a passphrase: give VALETKEY_KEK_FILE or VALETKEY_KEK instead of VALETKEY_KEK_SOURCE=passphrase',
    )
  const opened = await keyAsConfigured(config, kekFile, registered, desk)
  if (await recognise(opened, registered)) return opened
  opened.destroy()
  throw new StartError(
    registered.source === 'passphrase'
      ? 'that is not the passphrase'
      : 'the key-encryption key that is configured is not the one that this was sealed under',
  )
}

async function keyAsConfigured(
  config: Config,
  kekFile: string | undefined,
  registered: RegisteredKek,
  desk: Desk,
): Promise<Kek> {
  switch (config.kek.kind) {
    case 'env':
      return orStop(kekFromText(config.kek.value, 'VALETKEY_KEK'))
    case 'file':
      return orStop(await readRegisteredKekFile(kekPath(config, kekFile), registered))
    case 'passphrase':
      return passphraseKey(desk, 'Passphrase', registered.derivation as PassphraseParameters)
  }
}

/** The key file that the configuration names, or the data directory's. */
export function kekPath(config: Config, kekFile: string | undefined): string {
  const path = (config.kek.kind === 'file' ? config.kek.path : undefined) ?? kekFile
  if (path === undefined)
    throw new StartError(
      'with DATABASE_URL, say where the key-encryption key is: VALETKEY_KEK_FILE, VALETKEY_KEK or VALETKEY_KEK_SOURCE=passphrase',
    )
  return path
}

/** Asks for a passphrase and derives its key. With `again`, it must be typed twice. */
export async function passphraseKey(
  desk: Desk,
  label: string,
  derivation: PassphraseParameters,
  again?: string,
): Promise<Kek> {
  const ask = (question: string): Promise<string | undefined> =>
    desk.hidden(question).catch((error: unknown) => {
      throw error instanceof Interrupted ? new StartError('nothing was changed') : error
    })
  const typed = await ask(label)
  if (typed === undefined) throw new StartError('there is no terminal to ask for the passphrase at')
  if (again !== undefined && (await ask(again)) !== typed)
    throw new StartError('the two are not the same; nothing was changed')
  const passphrase = SecretText.of(typed)
  try {
    return orStop(await kekFromPassphrase(passphrase, derivation))
  } finally {
    passphrase.dispose()
  }
}

type Result =
  { readonly ok: true; readonly kek: Kek } | { readonly ok: false; readonly detail: string }

export function orStop(result: Result): Kek {
  if (!result.ok) throw new StartError(result.detail)
  return result.kek
}

type Options = NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>['options']>

/** Options by name and what stands beside them; anything else is a `UsageError` that quotes `usage`. */
export function readArguments<const O extends Options>(
  args: readonly string[],
  options: O,
  usage: string,
) {
  if (args.includes('--help')) throw new UsageError(`usage: valetkeyd ${usage}`)
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new UsageError(
      `${error instanceof Error ? error.message : 'the arguments are not valid'}\nusage: ${usage}`,
    )
  }
}
