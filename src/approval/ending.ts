/**
 * How an approval ends without having been sent: stopped by a person, taken away by a revocation or a freeze, run out;
 * and what is made of one whose sender was not heard of again. As in step.ts, of all who try at once one succeeds, and
 * each change commits with its audit entry or not at all.
 */
import { sql } from 'kysely'
import { bumpRevision } from '../db/feed.ts'
import type { Tx } from '../db/open.ts'
import type { AgentId, ApprovalId } from '../ids.ts'
import { changed, deniedCoolDownSeconds, forgotten } from './step.ts'
import { readable, toApproval, type Approval, type RecordChange } from './store.ts'

/** Seconds for which an unknown outcome answers for the same request. */
export const unknownStandsSeconds = 3_600
/** How many rows one sweep changes of a kind. */
const sweptAtOnce = 100

/** Stops one that was not sent yet. It stays so for the cool-down. Undefined where it is too late, or was over before. */
export async function cancel(
  tx: Tx,
  input: {
    readonly id: ApprovalId
    readonly by: string
    readonly reason: string
    readonly now: number
  },
  record: RecordChange,
): Promise<Approval | undefined> {
  const row = await tx
    .updateTable('approval')
    .set({
      ...cancelled(input),
      stands_until: new Date(input.now + deniedCoolDownSeconds * 1000),
    })
    .where('id', '=', input.id)
    .where('state', 'in', unsent)
    .returning(readable)
    .executeTakeFirst()
  return changed(tx, row && toApproval(row), record)
}

/** What a person can still stop. */
const unsent = ['pending', 'approved', 'held'] as const

const cancelled = (input: { readonly by: string; readonly reason: string; readonly now: number }) =>
  ({
    ...forgotten,
    state: 'cancelled',
    cancelled_by: input.by,
    cancel_reason: input.reason,
    ended_at: new Date(input.now),
  }) as const

/** What a revocation or a freeze stops. `id` is the provider's name for `provider`. */
export type CancelScope =
  | { readonly kind: 'everything' }
  | {
      readonly kind:
        'approval' | 'agent' | 'grant' | 'credential' | 'capability' | 'environment' | 'provider'
      readonly id: string
    }

const scopeColumns = {
  approval: 'id',
  agent: 'agent_id',
  grant: 'grant_id',
  credential: 'credential_id',
  capability: 'capability_id',
  environment: 'environment_id',
  provider: 'provider',
} as const

/**
 * Stops all that were not sent yet, in the transaction of what takes the right away. There is no cool-down: where the
 * right comes back, it can be asked for again. What is parked at this very moment may be missed, and is refused when
 * it is consumed, where everything is checked again.
 */
export async function cancelWhere(
  tx: Tx,
  scope: CancelScope,
  input: { readonly by: string; readonly reason: string; readonly now: number },
  record: RecordChange,
): Promise<readonly Approval[]> {
  let query = tx.selectFrom('approval').select('id').where('state', 'in', unsent)
  if (scope.kind !== 'everything')
    query = query.where(sql.ref(scopeColumns[scope.kind]), '=', scope.id)
  const locked = await query.orderBy('id').forUpdate().execute()
  const rows = await tx
    .updateTable('approval')
    .set(cancelled(input))
    .where(sql<boolean>`id = any(${locked.map(({ id }) => id)})`)
    .returning(readable)
    .execute()
  const approvals = rows.map(toApproval)
  for (const approval of approvals) await record(tx, approval)
  if (approvals.length > 0) await bumpRevision(tx, 'approval')
  return approvals
}

/**
 * What time has ended: `pending`, `approved` and `held` that ran out become `expired`; `sending` whose lease ran out
 * becomes `unknown`, and is never sent again; answers that were kept long enough are deleted. At most a hundred of each
 * at once; returns those whose state changed. Any replica may call it at any time.
 */
export async function sweep(
  tx: Tx,
  now: number,
  record: RecordChange,
): Promise<readonly Approval[]> {
  const approvals = [
    ...(await expireOverdue(tx, { now }, record)),
    ...(await giveUpSending(tx, now, record)),
  ]
  await tx
    .updateTable('approval')
    .set({ sealed_answer: null, kek_id: null })
    .where('sealed_answer', 'is not', null)
    .where('stands_until', '<=', new Date(now))
    .execute()
  if (approvals.length > 0) await bumpRevision(tx, 'approval')
  return approvals
}

/** With `agentId`, all of that agent's, waiting for whoever is changing them. The caller bumps the revision. */
export async function expireOverdue(
  tx: Tx,
  input: { readonly now: number; readonly agentId?: AgentId },
  record: RecordChange,
): Promise<readonly Approval[]> {
  const now = new Date(input.now)
  let query = tx
    .selectFrom('approval')
    .select('id')
    .where((e) =>
      e.or([
        e.and([e('state', '=', 'pending'), e('expires_at', '<=', now)]),
        e.and([e('state', 'in', ['approved', 'held']), e('usable_until', '<=', now)]),
      ]),
    )
    .orderBy('id')
    .forUpdate()
  query =
    input.agentId === undefined
      ? query.limit(sweptAtOnce).skipLocked()
      : query.where('agent_id', '=', input.agentId)
  const overdue = await query.execute()
  if (overdue.length === 0) return []
  const rows = await tx
    .updateTable('approval')
    .set({
      ...forgotten,
      state: 'expired',
      // When the time was over, however late that is noticed.
      settled_at: sql<Date>`coalesce(settled_at, expires_at)`,
      ended_at: now,
    })
    .where(sql<boolean>`id = any(${overdue.map(({ id }) => id)})`)
    .returning(readable)
    .execute()
  const approvals = rows.map(toApproval)
  for (const approval of approvals) await record(tx, approval)
  return approvals
}

async function giveUpSending(
  tx: Tx,
  now: number,
  record: RecordChange,
): Promise<readonly Approval[]> {
  const lost = await tx
    .selectFrom('approval')
    .select('id')
    .where('state', '=', 'sending')
    .where('lease_until', '<=', new Date(now))
    .orderBy('id')
    .limit(sweptAtOnce)
    .forUpdate()
    .skipLocked()
    .execute()
  if (lost.length === 0) return []
  const rows = await tx
    .updateTable('approval')
    .set({
      ...forgotten,
      state: 'unknown',
      ended_at: new Date(now),
      stands_until: new Date(now + unknownStandsSeconds * 1000),
    })
    .where(sql<boolean>`id = any(${lost.map(({ id }) => id)})`)
    .returning(readable)
    .execute()
  const approvals = rows.map(toApproval)
  for (const approval of approvals) await record(tx, approval)
  return approvals
}
