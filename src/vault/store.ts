/**
 * Credentials: the only file that names their tables. What goes in comes out only as a `SecretText`, through
 * `openCredential`, for the one request that is about to leave. No other function here reads the sealed column.
 */
import { sql } from 'kysely'
import { canonicalize } from '../core/canonical.ts'
import type { CredentialMint } from '../core/mint.ts'
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
  /** Where the secret mints what goes out, and does not go out itself. */
  readonly mint?: CredentialMint
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
    ...(row.mint === null ? {} : { mint: row.mint }),
    createdAt: row.created_at,
  }
}

/** What a version's secret is bound to. */
export type CredentialKey = {
  readonly id: CredentialId
  readonly version: number
  readonly provider: string
  readonly environmentId: string
  readonly origin: string
  readonly style: string
  readonly mint?: CredentialMint | undefined
}

/**
 * What a minting secret is bound to besides its row, in one spelling; undefined where it does not mint. Against whoever
 * writes to the database: with another token endpoint, another installation, a wider scope, another origin or style, or
 * without any `mint`, as if it were to go out itself, the secret does not open.
 */
export function mintPurpose({
  mint,
  origin,
  style,
}: Pick<CredentialKey, 'mint' | 'origin' | 'style'>): string | undefined {
  return mint === undefined ? undefined : canonicalize({ mint, origin, style })
}

export function associatedWith(
  credential: CredentialKey,
  table = 'credential_version',
): Associated {
  const purpose = mintPurpose(credential)
  return {
    table,
    id: credential.id,
    provider: credential.provider,
    environment: credential.environmentId,
    version: credential.version,
    ...(purpose === undefined ? {} : { purpose }),
  }
}

export type SealedCredential = {
  readonly id: CredentialId
  readonly version: number
  readonly kekId: string
  readonly sealed: Buffer
  readonly mint?: CredentialMint | undefined
}

/** Seals a secret for a row that does not exist yet, outside any transaction. The caller disposes of the secret. */
export async function sealCredential(
  vault: Vault,
  secret: SecretText,
  row: {
    id?: CredentialId
    provider: string
    environmentId: EnvironmentId
    version: number
    /** Of a secret that mints, with the other two. */
    mint?: CredentialMint | undefined
    origin?: string
    style?: string
  },
): Promise<SealedCredential> {
  const id = row.id ?? newId('credential')
  const kekId = vault.kekId
  const { origin = '', style = '', version, mint } = row
  const sealed = await vault.seal(secret, associatedWith({ ...row, id, origin, style }))
  return { id, version, kekId, sealed, ...(mint === undefined ? {} : { mint }) }
}

export async function createCredential(
  tx: Tx,
  credential: Omit<Credential, 'id' | 'version' | 'state' | 'mint' | 'createdAt'>,
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
      mint: textOf(sealed.mint),
    })
    .execute()
  await insertVersion(tx, sealed)
}

function textOf(mint: CredentialMint | undefined): string | null {
  return mint === undefined ? null : JSON.stringify(mint)
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
    .set({
      version: sealed.version,
      reach: JSON.stringify(reach),
      mint: textOf(sealed.mint),
    })
    .where('id', '=', sealed.id)
    .where('version', '=', sealed.version - 1)
    .where('state', '!=', 'revoked')
    .executeTakeFirst()
  if (numUpdatedRows === 0n) return false
  await tx
    .deleteFrom('credential_version')
    .where('credential_id', '=', sealed.id)
    .where('version', '<', sealed.version - 1)
    .where(endsNothing)
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
      mint: textOf(sealed.mint),
    })
    .execute()
}

/**
 * A version that ends nothing any more: what it minted, and the provider has not ended yet, is ended with the very secret
 * that minted it, which is therefore kept until then, and used for nothing else.
 */
const endsNothing = sql<boolean>`not exists (
  select 1 from lease
  where lease.credential_id = credential_version.credential_id
    and lease.credential_version = credential_version.version
    and (lease.state in ('minting', 'live', 'revoking')
      or (lease.state = 'could_not_revoke' and lease.next_try_at is not null))
)`

/** Of a revoked credential, what was kept to end what it had minted, once it has. */
export async function forgetUnneededSecrets(tx: Tx, id: CredentialId): Promise<void> {
  const row = await tx
    .selectFrom('credential')
    .select('state')
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  if (row?.state !== 'revoked') return
  await deleteUnneeded(tx, id)
}

async function deleteUnneeded(tx: Tx, id: CredentialId): Promise<void> {
  await tx
    .deleteFrom('credential_version')
    .where('credential_id', '=', id)
    .where(endsNothing)
    .execute()
}

/** What the provider says of it, asked after it was stored. False where it is another version by now. */
export async function setReach(
  tx: Db | Tx,
  id: CredentialId,
  version: number,
  reach: CredentialReach,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('credential')
    .set({ reach: JSON.stringify(reach) })
    .where('id', '=', id)
    .where('version', '=', version)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Its secret is worth nothing any more: an admin sees it, and it is found out once. */
export async function markRejected(
  tx: Tx,
  id: CredentialId,
  version: number,
  detail: string,
): Promise<boolean> {
  return setReach(tx, id, version, { kind: 'rejected', detail })
}

/** Disables, enables or revokes. A revoked credential's secret is deleted with it, once it has ended what it minted. */
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
  if (state === 'revoked') await deleteUnneeded(tx, id)
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
 * The credential as one of its versions was, the present one by default, for ending what that minted: also of one that was
 * revoked. Undefined where the version is gone.
 */
export async function readCredentialAt(
  db: Db | Tx,
  id: CredentialId,
  version?: number,
): Promise<Credential | undefined> {
  const credential = await readCredential(db, id)
  if (credential === undefined) return undefined
  const row = await db
    .selectFrom('credential_version')
    .select(['version', 'mint'])
    .where('credential_id', '=', id)
    .where('version', '=', version ?? credential.version)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const { mint: _, ...rest } = credential
  return { ...rest, version: row.version, ...(row.mint === null ? {} : { mint: row.mint }) }
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
  credential: CredentialKey,
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
    .select(['c.id', 'c.provider', 'c.environment_id as environmentId', 'c.origin', 'c.style'])
    .select(['v.version', 'v.sealed', 'v.mint'])
    .execute()
  // What was minted is minted again.
  await tx.deleteFrom('credential_minted').execute()
  for (const row of rows) {
    const sealedWith = associatedWith({ ...row, mint: row.mint ?? undefined })
    const rewrapped = await rewrap(row.sealed, oldKek, newKek, sealedWith)
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
