/**
 * The one thing of a lease that nobody may read in the database: the token itself, for as long as it may be needed to end
 * it. Guarantee, against whoever can write the database but has not the key: what opens was sealed for this row, its
 * provider, its environment and the version of the credential that minted it. Nothing here gives it to an agent again.
 */
import type { Tx } from '../db/open.ts'
import type { LeaseId } from '../ids.ts'

/** What a sealed token belongs to; see vault/seal.ts. */
export type LeaseBinding = {
  readonly table: 'lease'
  readonly id: string
  readonly provider: string
  readonly environment: string
  /** Of the credential that minted it. */
  readonly version: number
}

/** Handed in by the broker. */
export type LeaseSealer = {
  readonly kekId: () => string
  seal(plaintext: Buffer, binding: LeaseBinding): Promise<Buffer>
  /** Undefined where it does not open. */
  open(sealed: Buffer, binding: LeaseBinding): Promise<Buffer | undefined>
}

export type SealedToken = { readonly kekId: string; readonly sealed: Buffer }

export function leaseBinding(row: {
  readonly id: LeaseId
  readonly provider: string
  readonly environmentId: string
  readonly credential: { readonly version: number }
}): LeaseBinding {
  return {
    table: 'lease',
    id: row.id,
    provider: row.provider,
    environment: row.environmentId,
    version: row.credential.version,
  }
}

/**
 * Each sealed token as `rewrap` gives it back, under the key-encryption key `kekId`. Returns how many there were; rejects
 * where `rewrap` does.
 */
export async function rewrapLeases(
  tx: Tx,
  kekId: string,
  rewrap: (sealed: Buffer, binding: LeaseBinding) => Promise<Buffer>,
): Promise<number> {
  const rows = await tx
    .selectFrom('lease')
    .select(['id', 'provider', 'environment_id', 'credential_version', 'sealed_token'])
    .where('kek_id', 'is not', null)
    .execute()
  let count = 0
  for (const { id, provider, environment_id, credential_version, sealed_token } of rows) {
    if (sealed_token === null) continue
    const binding = leaseBinding({
      id,
      provider,
      environmentId: environment_id,
      credential: { version: credential_version },
    })
    await tx
      .updateTable('lease')
      .set({ sealed_token: await rewrap(sealed_token, binding), kek_id: kekId })
      .where('id', '=', id)
      .execute()
    count++
  }
  return count
}
