/** Capabilities revoked one by one. Held in memory as a set, loaded anew whenever the feed says that it changed. */
import type { Db, Tx } from '../db/open.ts'
import { longestLifetime } from './claims.ts'

export type RevocationList = {
  isRevoked(capabilityId: string): boolean
  /** Reads the list anew. Rejects where the database does not answer; the feed then counts as lost. */
  reload(): Promise<void>
}

export function createRevocationList(db: Db): RevocationList {
  let revoked: ReadonlySet<string> = new Set()
  return {
    isRevoked: (id) => revoked.has(id),
    async reload() {
      const rows = await db
        .selectFrom('capability_revocation')
        .select('capability_id')
        // A minute's grace for clocks that differ.
        .where('expires_at', '>', new Date(Date.now() - 60_000))
        .execute()
      revoked = new Set(rows.map((row) => row.capability_id))
    },
  }
}

/**
 * Revokes one capability, `now` in milliseconds since the epoch. It is remembered until neither it nor a lease that was asked
 * for with it can be alive: a lease may outlive it, and whoever starts meanwhile must know that it has to end. Idempotent.
 */
export async function revokeCapability(tx: Tx, capabilityId: string, now: number): Promise<void> {
  const latest = new Date(now + longestLifetime * 1000)
  await tx
    .insertInto('capability_revocation')
    .values({ capability_id: capabilityId, expires_at: latest })
    .onConflict((c) => c.column('capability_id').doNothing())
    .execute()
  await tx
    .deleteFrom('capability_revocation')
    .where('expires_at', '<', new Date(Date.now() - 3_600_000))
    .execute()
}
