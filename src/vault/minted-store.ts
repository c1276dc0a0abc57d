/**
 * What minting that uses its secret up keeps in the database, for all replicas: who is minting, the secret as the
 * provider last replaced it, and what was minted, sealed. Guarantees, against two replicas that would both use a refresh
 * token that works once, and against a crash: one mints at a time; a replaced secret and what came with it are durable
 * together, or not at all; and what was minted under another secret, credential, purpose or narrowing does not open.
 */
import { sql } from 'kysely'
import type { AuditEntry } from '../audit/entry.ts'
import { appendWithin } from '../audit/log.ts'
import type { Db } from '../db/open.ts'
import { associatedWith, openCredential, type CredentialKey } from './store.ts'
import { SecretText } from './secret-text.ts'
import type { Vault } from './vault.ts'

/**
 * For how long a claim holds, in milliseconds: longer than an exchange and all tries to keep what came of it. Who took it
 * over before that would use a refresh token a second time, which ends the consent behind it.
 */
export const claimFor = 90_000

export type KeptToken = {
  readonly token: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  readonly handle?: string
}

export type Claim = {
  /** The secret as it is now. The caller disposes of it. */
  readonly secret: SecretText
  /** The sealed row that it was opened from, which must not have changed when it is replaced. */
  readonly used: Buffer
}

export type MintedStore = {
  /** Undefined where there is none, or it does not open. */
  read(credential: CredentialKey, narrowing: string): Promise<KeptToken | undefined>
  /** `busy`: another replica is minting. `gone`: there is no such version, or it does not open. */
  claim(credential: CredentialKey, by: string): Promise<Claim | 'busy' | 'gone'>
  release(credential: CredentialKey, by: string): Promise<void>
  /**
   * Keeps what was minted, if it was, and the secret that replaces the one used, with the entry of it: all or nothing, durable
   * once it returns. False where the version is gone or its secret was replaced by somebody else.
   */
  keep(
    credential: CredentialKey,
    used: Buffer,
    narrowing: string,
    minted: { readonly token?: KeptToken; readonly rotated?: string },
    entry: AuditEntry,
  ): Promise<boolean>
  /** Forgets what was kept, where it still is this one. */
  forget(credential: CredentialKey, narrowing: string, token: string): Promise<void>
}

export function createMintedStore(db: Db, vault: Vault): MintedStore {
  const tableOf = (narrowing: string): string => `credential_minted ${narrowing}`

  async function rowOf(credential: CredentialKey, narrowing: string): Promise<Buffer | undefined> {
    const row = await db
      .selectFrom('credential_minted')
      .select('sealed')
      .where('credential_id', '=', credential.id)
      .where('version', '=', credential.version)
      .where('narrowing', '=', narrowing)
      .executeTakeFirst()
    return row?.sealed
  }

  async function openKept(
    credential: CredentialKey,
    narrowing: string,
    sealed: Buffer,
  ): Promise<KeptToken | undefined> {
    const opened = await vault.open(sealed, associatedWith(credential, tableOf(narrowing)))
    if (!opened.ok) return undefined
    try {
      return JSON.parse(opened.secret.reveal()) as KeptToken
    } finally {
      opened.secret.dispose()
    }
  }

  async function sealed(credential: CredentialKey, text: string, table?: string): Promise<Buffer> {
    const secret = SecretText.of(text)
    try {
      return await vault.seal(secret, associatedWith(credential, table))
    } finally {
      secret.dispose()
    }
  }

  async function release(credential: CredentialKey, by: string): Promise<void> {
    await db
      .updateTable('credential_version')
      .set({ minting_by: null, minting_until: null })
      .where('credential_id', '=', credential.id)
      .where('version', '=', credential.version)
      .where('minting_by', '=', by)
      .execute()
  }

  return {
    async read(credential, narrowing) {
      const row = await rowOf(credential, narrowing)
      return row === undefined ? undefined : openKept(credential, narrowing, row)
    },

    async claim(credential, by) {
      const stored = await db
        .updateTable('credential_version')
        .set({
          minting_by: by,
          minting_until: sql<Date>`clock_timestamp() + ${claimFor} * interval '1 millisecond'`,
        })
        .where('credential_id', '=', credential.id)
        .where('version', '=', credential.version)
        .where((or) =>
          or.or([
            or('minting_until', 'is', null),
            or('minting_until', '<', sql<Date>`clock_timestamp()`),
          ]),
        )
        .returning('sealed')
        .executeTakeFirst()
      if (stored === undefined) {
        const there = await db
          .selectFrom('credential_version')
          .select('version')
          .where('credential_id', '=', credential.id)
          .where('version', '=', credential.version)
          .executeTakeFirst()
        return there === undefined ? 'gone' : 'busy'
      }
      const secret = await openCredential(vault, credential, stored)
      if (secret !== undefined) return { secret, used: stored.sealed }
      await release(credential, by)
      return 'gone'
    },

    release,

    async keep(credential, used, narrowing, minted, entry) {
      const { rotated, token } = minted
      const kekId = vault.kekId
      const next = rotated === undefined ? used : await sealed(credential, rotated)
      const row = token && {
        kek_id: kekId,
        sealed: await sealed(credential, JSON.stringify(token), tableOf(narrowing)),
        expires_at: new Date(Math.min(token.expiresAt, latest)),
      }
      return db.transaction().execute(async (tx) => {
        const { numUpdatedRows } = await tx
          .updateTable('credential_version')
          .set({ sealed: next, ...(rotated === undefined ? {} : { kek_id: kekId }) })
          .where('credential_id', '=', credential.id)
          .where('version', '=', credential.version)
          .where('sealed', '=', used)
          .executeTakeFirst()
        if (numUpdatedRows === 0n) return false
        await tx
          .deleteFrom('credential_minted')
          .where('credential_id', '=', credential.id)
          .where('expires_at', '<', sql<Date>`clock_timestamp()`)
          .execute()
        if (row !== undefined) {
          const { id, version } = credential
          await tx
            .insertInto('credential_minted')
            .values({ credential_id: id, version, narrowing, ...row })
            .onConflict((conflict) =>
              conflict.columns(['credential_id', 'version', 'narrowing']).doUpdateSet(row),
            )
            .execute()
        }
        await appendWithin(tx, entry)
        return true
      })
    },

    async forget(credential, narrowing, token) {
      const row = await rowOf(credential, narrowing)
      if (row === undefined) return
      const kept = await openKept(credential, narrowing, row)
      if (kept !== undefined && kept.token !== token) return
      await db
        .deleteFrom('credential_minted')
        .where('credential_id', '=', credential.id)
        .where('version', '=', credential.version)
        .where('narrowing', '=', narrowing)
        .where('sealed', '=', row)
        .execute()
    },
  }
}

/** The end of year 9999: what lies beyond has no text that PostgreSQL reads. */
const latest = 253_402_300_799_999
