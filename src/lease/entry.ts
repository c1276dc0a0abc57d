/** What the log says of a lease: which, whose, how narrow, and what became of it. Of a token only its digest, ever. */
import { createHash } from 'node:crypto'
import { clip, type Actor, type AdminEntry } from '../audit/entry.ts'
import { appendWithin } from '../audit/log.ts'
import type { Canonical } from '../core/canonical.ts'
import type { Narrowing } from '../core/mint.ts'
import { newId } from '../ids.ts'
import type { Lease, RecordLease } from './lease.ts'

/** SHA-256, in hex: tells a token that was found somewhere. */
export function tokenDigest(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

export function narrowingChange({ bindings, readOnly, seconds }: Narrowing): Canonical {
  return { bindings: bindings.map(({ kind, id }) => ({ kind, id })), readOnly, seconds }
}

const broker: Actor = { kind: 'system', id: 'lease' }

/** Of what the broker does of its own accord. */
export function leaseEntry(lease: Lease, now: number): AdminEntry {
  const { provider, grantId, capabilityId } = lease
  return {
    kind: 'admin',
    result: 'done',
    at: now,
    correlationId: newId('correlation', now),
    actor: broker,
    action: `lease.${lease.state}`,
    provider,
    subject: lease.id,
    ...(grantId === null ? {} : { grantId }),
    ...(capabilityId === null ? {} : { capabilityId }),
    ...(lease.endReason === null ? {} : { reason: clip(lease.endReason) }),
    change: {
      purpose: lease.purpose,
      credential: lease.credential.id,
      kind: lease.kind,
      endsAt: lease.endsAt.toISOString(),
      worksUntil: lease.worksUntil?.toISOString() ?? null,
      attempts: lease.attempts,
      error: lease.lastError === null ? null : clip(lease.lastError),
    },
  }
}

/**
 * What cannot be revoked is said the first time, and then ever more seldom, so that it does not fill the log: at the
 * second, the fourth, the eighth attempt.
 */
export function recordWith(now: () => number): RecordLease {
  return async (tx, lease) => {
    const { state, attempts } = lease
    if (state === 'could_not_revoke' && attempts > 0 && (attempts & (attempts - 1)) !== 0) return
    await appendWithin(tx, leaseEntry(lease, now()))
  }
}
