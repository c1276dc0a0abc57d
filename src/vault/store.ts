/**
 * Credentials: the only file that names their tables. What goes in comes out only as a `SecretText`, through
 * `openCredential`, for the one request that is about to leave. No other function here reads the sealed column.
 */
import type { Db, Tx } from '../db/open.ts'
import type { Row, State } from '../db/types.ts'
import { newId, type CredentialId, type EnvironmentId } from '../ids.ts'
import type { Kek } from './kek.ts'
import { rewrap, type Associated, type OpenError } from './seal.ts'
import type { SecretText } from './secret-text.ts'
import type { Vault } from './vault.ts'

export type CredentialReach = { readonly kind: string; readonly detail?: string }

export type CredentialUse = 'requests' | 'lookups'

export type Credential = {
  readonly id: CredentialId
  readonly name: string
  readonly provider: string
  readonly environmentId: EnvironmentId
  readonly origin: string
  readonly style: string
  /** What it goes out with: agents' requests, or the broker's own look-ups and nothing else. */
  readonly use: CredentialUse
  readonly version: number
  readonly reach: CredentialReach
  readonly state: State
  readonly createdAt: Date
}

function toCredential(row: Row<'credential'>): Credential {
  return {
    id: row.id,
    name: row.name,
    provider: row.provider,
    environmentId: row.environment_id,
    origin: row.origin,
    style: row.style,
    use: row.use,
    version: row.version,
    reach: row.reach,
    state: row.state,
    createdAt: row.created_at,
  }
}

function associatedWith(credential: {
  id: CredentialId
  provider: string
  environmentId: string
  version: number
}): Associated {
  return {
    table: 'credential_version',
    id: credential.id,
    provider: credential.provider,
    environment: credential.environmentId,
    version: credential.version,
  }
}

export type SealedCredential = {
  readonly id: CredentialId
  readonly version: number
  readonly kekId: string
  readonly sealed: Buffer
}

/** Seals a secret for a row that does not exist yet, outside any transaction. The caller disposes of the secret. */
export async function sealCredential(
  vault: Vault,
  secret: SecretText,
  row: { id?: CredentialId; provider: string; environmentId: EnvironmentId; version: number },
): Promise<SealedCredential> {
  const id = row.id ?? newId('credential')
  const kekId = vault.kekId
  const sealed = await vault.seal(secret, associatedWith({ ...row, id }))
  return { id, version: row.version, kekId, sealed }
}

export async function createCredential(
  tx: Tx,
  credential: Omit<Credential, 'id' | 'version' | 'state' | 'createdAt'>,
  sealed: SealedCredential,
): Promise<void> {
  await tx
    .insertInto('credential')
    .values({
      id: sealed.id,
      name: credential.name,
      provider: credential.provider,
      environment_id: credential.environmentId,
      origin: credential.origin,
      style: credential.style,
      use: credential.use,
      version: sealed.version,
      reach: JSON.stringify(credential.reach),
    })
    .execute()
  await insertVersion(tx, sealed)
}

/**
 * A new secret for the same credential. The old version stays for requests that are on their way, and goes at the next
 * replacement. False where somebody else replaced it first, or it was revoked.
 */
export async function replaceCredential(
  tx: Tx,
  sealed: SealedCredential,
  reach: CredentialReach,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('credential')
    .set({ version: sealed.version, reach: JSON.stringify(reach) })
    .where('id', '=', sealed.id)
    .where('version', '=', sealed.version - 1)
    .where('state', '!=', 'revoked')
    .executeTakeFirst()
  if (numUpdatedRows === 0n) return false
  await tx
    .deleteFrom('credential_version')
    .where('credential_id', '=', sealed.id)
    .where('version', '<', sealed.version - 1)
    .execute()
  await insertVersion(tx, sealed)
  return true
}

async function insertVersion(tx: Tx, sealed: SealedCredential): Promise<void> {
  await tx
    .insertInto('credential_version')
    .values({
      credential_id: sealed.id,
      version: sealed.version,
      kek_id: sealed.kekId,
      sealed: sealed.sealed,
    })
    .execute()
}

/** Disables, enables or revokes. A revoked credential's secret is deleted with it. */
export async function setCredentialState(
  tx: Tx,
  id: CredentialId,
  state: State,
): Promise<'changed' | 'not_found' | 'revoked'> {
  const row = await tx
    .selectFrom('credential')
    .select('state')
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  if (row === undefined) return 'not_found'
  if (row.state === 'revoked' && state !== 'revoked') return 'revoked'
  await tx.updateTable('credential').set({ state }).where('id', '=', id).execute()
  if (state === 'revoked')
    await tx.deleteFrom('credential_version').where('credential_id', '=', id).execute()
  return 'changed'
}

export async function readCredential(
  db: Db | Tx,
  id: CredentialId,
): Promise<Credential | undefined> {
  const row = await db.selectFrom('credential').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : toCredential(row)
}

/**
 * The credential that look-ups for this environment go out with, if an admin gave one: also where it is disabled, so
 * that look-ups then fail instead of seeing less than before. Undefined where there is none that was not revoked.
 */
export async function readLookupCredential(
  db: Db | Tx,
  environmentId: EnvironmentId,
  provider: string,
): Promise<Credential | undefined> {
  const row = await db
    .selectFrom('credential')
    .selectAll()
    .where('environment_id', '=', environmentId)
    .where('provider', '=', provider)
    .where('use', '=', 'lookups')
    .where('state', '!=', 'revoked')
    .executeTakeFirst()
  return row === undefined ? undefined : toCredential(row)
}

export async function listCredentials(
  db: Db,
  page: { limit: number; after: string },
): Promise<readonly Credential[]> {
  const rows = await db
    .selectFrom('credential')
    .selectAll()
    .where('id', '>', page.after as CredentialId)
    .orderBy('id')
    .limit(page.limit)
    .execute()
  return rows.map(toCredential)
}

/** A sealed version as it stands in the database: safe to keep in memory. */
export type SealedVersion = { readonly sealed: Buffer }

export async function readSealedVersion(
  db: Db,
  id: CredentialId,
  version: number,
): Promise<SealedVersion | undefined> {
  return db
    .selectFrom('credential_version')
    .select('sealed')
    .where('credential_id', '=', id)
    .where('version', '=', version)
    .executeTakeFirst()
}

/** Opens one version. Undefined where it is gone or does not open: the request must not leave. */
export async function openCredential(
  vault: Vault,
  credential: { id: CredentialId; provider: string; environmentId: string; version: number },
  stored: SealedVersion,
): Promise<SecretText | undefined> {
  const opened = await vault.open(stored.sealed, associatedWith(credential))
  return opened.ok ? opened.secret : undefined
}

/**
 * Every version of every credential under another key-encryption key; no secret is opened. How many there were, or
 * the first that its own key does not unwrap: nothing may be committed then.
 */
export async function rewrapCredentials(
  tx: Tx,
  oldKek: Kek,
  newKek: Kek,
): Promise<number | { readonly id: CredentialId; readonly error: OpenError }> {
  const rows = await tx
    .selectFrom('credential_version as v')
    .innerJoin('credential as c', 'c.id', 'v.credential_id')
    .select(['c.id', 'c.provider', 'c.environment_id as environmentId', 'v.version', 'v.sealed'])
    .execute()
  for (const row of rows) {
    const rewrapped = await rewrap(row.sealed, oldKek, newKek, associatedWith(row))
    if (!rewrapped.ok) return { id: row.id, error: rewrapped.error }
    await tx
      .updateTable('credential_version')
      .set({ sealed: rewrapped.sealed, kek_id: newKek.id })
      .where('credential_id', '=', row.id)
      .where('version', '=', row.version)
      .execute()
  }
  return rows.length
}
