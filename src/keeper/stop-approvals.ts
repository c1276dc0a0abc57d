/**
 * What a backup holds of approvals is of another day: what was approved then may have been sent since, denied or revoked.
 * Guarantee: nothing that was parked, approved, held or being sent when the backup was made is ever sent by the broker
 * that is restored from it. Agents ask again, and people decide again.
 */
import { sql } from 'kysely'
import { cancelWhere, sweep } from '../approval/ending.ts'
import type { RecordChange } from '../approval/store.ts'
import { appendWithin } from '../audit/log.ts'
import type { Tx } from '../db/open.ts'
import { newId } from '../ids.ts'

const by = { kind: 'system', id: 'keeper' } as const
const reason = 'the database was restored from a backup'

/** In the transaction that inserts them, so that there is no moment at which they are there and open. Returns how many. */
export async function stopRestoredApprovals(tx: Tx, now: number): Promise<number> {
  const record: RecordChange = (tx, approval) => {
    const { id, name } = approval.document.environment
    return appendWithin(tx, {
      kind: 'approval',
      result: approval.state,
      at: now,
      correlationId: newId('correlation', now),
      actor: by,
      environment: { id, name },
      provider: approval.provider,
      grantId: approval.grantId,
      capabilityId: approval.capabilityId,
      approvalId: approval.id,
      requestDigest: approval.requestDigest,
      reason,
    })
  }
  const stopped = await cancelWhere(tx, { kind: 'everything' }, { by: by.id, reason, now }, record)
  let count = stopped.length
  // Whoever was sending is not on this database, however fresh their lease is.
  const { rows } = await sql<{ latest: Date | null }>`
    select max(lease_until) as latest from approval where state = 'sending'
  `.execute(tx)
  const late = Math.max(now, rows[0]?.latest?.getTime() ?? 0)
  for (;;) {
    const swept = await sweep(tx, late, record)
    count += swept.length
    if (swept.length === 0) return count
  }
}
