/**
 * Whether the broker can open secrets at present. It starts sealed and opens when it is given the key-encryption key
 * that its database knows. Against whoever reads the database, a backup or a dump: nothing in it opens without that
 * key, and a wrong key is told from a right one without opening anything.
 */
import type { Db } from '../db/open.ts'
import { kekCheck, verifyKek, type Kek } from './kek.ts'
import { open, seal, type Associated, type Opened } from './seal.ts'
import type { SecretText } from './secret-text.ts'

export type KekSourceName = 'file' | 'env' | 'passphrase'

export type Vault = {
  readonly sealed: boolean
  /** Where the key came from; undefined while sealed. */
  readonly source: KekSourceName | undefined
  /** The id of the key that new secrets are sealed under. Throws while sealed. */
  readonly kekId: string
  seal(secret: SecretText, associated: Associated): Promise<Buffer>
  open(sealed: Uint8Array, associated: Associated): Promise<Opened>
  /** Opens the vault with a key that `recognise` or `register` accepted. */
  unlock(kek: Kek, source: KekSourceName): void
  /** Forgets the key. */
  lock(): void
}

export class VaultSealed extends Error {
  override name = 'VaultSealed'
}

export function createVault(): Vault {
  let kek: Kek | undefined
  let source: KekSourceName | undefined

  function current(): Kek {
    if (kek === undefined) throw new VaultSealed('the vault is sealed')
    return kek
  }

  return {
    get sealed() {
      return kek === undefined
    },
    get source() {
      return source
    },
    get kekId() {
      return current().id
    },
    seal: (secret, associated) => seal(secret, current(), associated),
    open: (sealed, associated) => open(sealed, current(), associated),
    unlock(next, from) {
      kek?.destroy()
      kek = next
      source = from
    },
    lock() {
      kek?.destroy()
      kek = undefined
      source = undefined
    },
  }
}

export type RegisteredKek = {
  readonly id: string
  readonly source: KekSourceName
  /** Salt and cost, for a passphrase. */
  readonly derivation: unknown
  readonly check: Buffer
}

/** The key that this database's secrets are sealed under: the newest. Undefined on a new database. */
export async function registeredKek(
  db: Pick<Db, 'selectFrom'>,
): Promise<RegisteredKek | undefined> {
  const row = await db
    .selectFrom('key_encryption_key')
    .selectAll()
    .orderBy('created_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (row === undefined) return undefined
  return { id: row.id, source: row.source, derivation: row.derivation, check: row.sealed_check }
}

/** Whether this is the key that the database knows. */
export function recognise(kek: Kek, registered: RegisteredKek): Promise<boolean> {
  return kek.id === registered.id ? verifyKek(kek, registered.check) : Promise.resolve(false)
}

/** Makes a key known to the database: at the first start, and at a rotation. */
export async function registerKek(
  db: Pick<Db, 'insertInto'>,
  kek: Kek,
  source: KekSourceName,
  derivation: unknown,
): Promise<void> {
  await db
    .insertInto('key_encryption_key')
    .values({
      id: kek.id,
      source,
      derivation: derivation === undefined ? null : JSON.stringify(derivation),
      sealed_check: await kekCheck(kek),
    })
    .execute()
}
