/**
 * The one thing of a lease that nobody may read in the database: the token itself, for as long as it may be needed to end
 * it. Guarantee, against whoever can write the database but has not the key: what opens was sealed for this row, its
 * provider, its environment, the credential that minted it and the handle by which the provider knows it, so that nothing
 * else is ended in its place. Nothing here gives it to an agent again.
 */
import type { Tx } from '../db/open.ts'
import type { CredentialId, LeaseId } from '../ids.ts'
import type { Associated } from '../vault/seal.ts'

export type SealedToken = { readonly kekId: string; readonly sealed: Buffer }

/** What a sealed token belongs to; the version is that of the credential that minted it, the handle as the row has it. */
export function leaseBinding(row: {
  readonly id: LeaseId
  readonly provider: string
  readonly environmentId: string
  readonly credential: { readonly id: CredentialId; readonly version: number }
  readonly handle: string | null | undefined
}): Associated {
  return {
    table: 'lease',
    id: row.id,
    provider: row.provider,
    environment: row.environmentId,
    version: row.credential.version,
    purpose: `${row.credential.id} ${row.handle ?? ''}`,
  }
}

/**
 * Each sealed token as `rewrap` gives it back, under the key-encryption key `kekId`. Returns how many there were; rejects
 * where `rewrap` does.
 */
export async function rewrapLeases(
  tx: Tx,
  kekId: string,
  rewrap: (sealed: Buffer, binding: Associated) => Promise<Buffer>,
): Promise<number> {
  const rows = await tx
    .selectFrom('lease')
    .select(['id', 'provider', 'environment_id', 'credential_id', 'credential_version'])
    .select(['handle', 'sealed_token'])
    .where('kek_id', 'is not', null)
    .execute()
  let count = 0
  for (const { sealed_token, ...row } of rows) {
    if (sealed_token === null) continue
    const { id, provider, handle } = row
    const binding = leaseBinding({
      id,
      provider,
      environmentId: row.environment_id,
      credential: { id: row.credential_id, version: row.credential_version },
      handle,
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
