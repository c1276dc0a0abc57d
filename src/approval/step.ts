/**
 * What becomes of an approval once it is parked: decided, taken, sent. How it ends otherwise is in ending.ts. Guarantee,
 * on any number of replicas: each step is ONE conditional UPDATE, or one of a row that was locked on the same condition,
 * so that of all who try at the same moment one succeeds and the others are told that they did not; it commits with its
 * audit entry or not at all; and no step leads back (core/approval.ts). Times are the caller's clock, in milliseconds
 * since the epoch.
 *
 * In each transaction the rows of approvals are changed first and the revision last, or two could wait for each other.
 */
import { sql } from 'kysely'
import {
  approvalsNeeded,
  approverRules,
  type ApprovalDecision,
  type ApprovalState,
} from '../core/approval.ts'
import { canonicalize, type Canonical } from '../core/canonical.ts'
import { bumpRevision } from '../db/feed.ts'
import type { Db, Tx } from '../db/open.ts'
import type { AgentId, ApprovalId, OperatorId, ReplicaId } from '../ids.ts'
import type { SealedValue } from './sealed.ts'
import { readable, toApproval, type Approval, type RecordChange } from './store.ts'

/** Seconds for which a denied, or cancelled, request stays so. */
export const deniedCoolDownSeconds = 600
/** Seconds after its hour in which the broker may still send what it was to send; what it missed has run out. */
export const sendWithinSeconds = 300

/** Nothing that is over keeps the request, which may hold secrets of its own. */
export const forgotten = { sealed_request: null, sealed_answer: null, kek_id: null } as const

/**
 * One person's decision. Returns the approval as it is afterwards: `approved`, `held` or `denied`; still `pending` where
 * the rule asks for another person. Undefined, and nothing changed, where it is not pending, has run out, or this person
 * has said yes before. Whether this person may decide at all is `decisionRefusal`'s to say.
 */
export async function decide(
  tx: Tx,
  input: {
    readonly id: ApprovalId
    readonly decision: ApprovalDecision
    readonly approverId: OperatorId
    readonly evidence: Canonical
    readonly now: number
  },
  record: RecordChange,
): Promise<Approval | undefined> {
  const { id, decision, approverId, now } = input
  const at = new Date(now)
  const evidence = canonicalize({ approverId, at: now, decision, evidence: input.evidence })
  const common = { evidence: sql<string[]>`array_append(evidence, ${evidence})` }
  const enough = sql`cardinality(approved_by) + 1 >= ${needed}`
  const set =
    decision === 'deny'
      ? {
          ...common,
          ...forgotten,
          state: 'denied' as const,
          denied_by: approverId,
          settled_at: at,
          ended_at: at,
          stands_until: new Date(now + deniedCoolDownSeconds * 1000),
        }
      : {
          ...common,
          approved_by: sql<string[]>`array_append(approved_by, ${approverId})`,
          state: sql<ApprovalState>`case when not ${enough} then state when hold_seconds > 0 then 'held' else 'approved' end`,
          settled_at: sql<Date | null>`case when ${enough} then ${at}::timestamptz end`,
          held_until: sql<Date | null>`case when ${enough} and hold_seconds > 0 then ${after(at)} end`,
          // An agent has no longer than the document says that the person signed.
          usable_until: sql<Date | null>`
            case when not ${enough} then null
              when execute = 'broker' then ${after(at)} + make_interval(secs => ${sendWithinSeconds})
              else expires_at end
          `,
        }
  const row = await tx
    .updateTable('approval')
    .set(set)
    .where('id', '=', id)
    .where('state', '=', 'pending')
    .where('expires_at', '>', at)
    .where(sql<boolean>`(${decision} = 'deny' or ${approverId} <> all(approved_by))`)
    .returning(readable)
    .executeTakeFirst()
  return changed(tx, row && toApproval(row), record)
}

const needed = sql`case rule ${sql.join(
  approverRules.map((rule) => sql`when ${sql.lit(rule)} then ${sql.lit(approvalsNeeded(rule))}`),
  sql` `,
)} end`

const after = (at: Date) => sql`(${at}::timestamptz + make_interval(secs => hold_seconds))`

/**
 * Takes an approved request, for the agent that sent it again: `approved` → `sending`. Exactly one caller gets the
 * approval; everyone else, and whoever has another request or is another agent, gets undefined and must not send.
 */
export async function consume(
  tx: Tx,
  input: {
    readonly id: ApprovalId
    readonly digest: string
    readonly agentId: AgentId
    readonly replicaId: ReplicaId
    /** Unless it is renewed or ended by then, the outcome counts as unknown. */
    readonly leaseUntil: number
    readonly now: number
  },
  record: RecordChange,
): Promise<Approval | undefined> {
  const row = await tx
    .updateTable('approval')
    .set(taken(input))
    .where('id', '=', input.id)
    .where('state', '=', 'approved')
    .where('execute', '=', 'agent')
    .where('request_digest', '=', input.digest)
    .where('agent_id', '=', input.agentId)
    .where('usable_until', '>', new Date(input.now))
    .returning(readable)
    .executeTakeFirst()
  return changed(tx, row && toApproval(row), record)
}

/**
 * Takes the next request that the broker is to send and whose undo window is over: → `sending`. Exactly one replica gets
 * it. Undefined where none is due.
 */
export async function claimDue(
  tx: Tx,
  input: { readonly replicaId: ReplicaId; readonly leaseUntil: number; readonly now: number },
  record: RecordChange,
): Promise<Approval | undefined> {
  const now = new Date(input.now)
  const due = await tx
    .selectFrom('approval')
    .select('id')
    .where('execute', '=', 'broker')
    .where((e) =>
      e.or([
        e('state', '=', 'approved'),
        e.and([e('state', '=', 'held'), e('held_until', '<=', now)]),
      ]),
    )
    .where('usable_until', '>', now)
    .orderBy('usable_until')
    .orderBy('id')
    .limit(1)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst()
  if (due === undefined) return undefined
  const row = await tx
    .updateTable('approval')
    .set(taken(input))
    .where('id', '=', due.id)
    .returning(readable)
    .executeTakeFirst()
  return changed(tx, row && toApproval(row), record)
}

const taken = (by: { readonly replicaId: ReplicaId; readonly leaseUntil: number }) =>
  ({
    state: 'sending',
    sent_by: by.replicaId,
    lease_until: new Date(by.leaseUntil),
  }) as const

/** For whoever is still sending. False where it is not theirs any more: the outcome already counts as unknown. */
export async function renewLease(
  db: Db | Tx,
  input: { readonly id: ApprovalId; readonly replicaId: ReplicaId; readonly leaseUntil: number },
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('approval')
    .set({ lease_until: new Date(input.leaseUntil) })
    .where('id', '=', input.id)
    .where('state', '=', 'sending')
    .where('sent_by', '=', input.replicaId)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/**
 * The outcome, from whoever took it: `done`, `unknown`, or `cancelled` where it was found that it may not go and nothing
 * has left. Undefined, and nothing changed, where it is not theirs any more.
 */
export async function finish(
  tx: Tx,
  input: {
    readonly id: ApprovalId
    readonly replicaId: ReplicaId
    readonly outcome: 'done' | 'unknown' | 'cancelled'
    /** Why it was cancelled. */
    readonly reason?: string
    readonly answer?: SealedValue
    /** Until when this answers for the same request, and the answer is kept. */
    readonly standsUntil: number
    readonly now: number
  },
  record: RecordChange,
): Promise<Approval | undefined> {
  const row = await tx
    .updateTable('approval')
    .set({
      state: input.outcome,
      sealed_request: null,
      sealed_answer: input.answer?.sealed ?? null,
      kek_id: input.answer?.kekId ?? null,
      ...(input.outcome === 'cancelled'
        ? { cancelled_by: 'broker', cancel_reason: input.reason ?? null }
        : {}),
      ended_at: new Date(input.now),
      stands_until: new Date(input.standsUntil),
    })
    .where('id', '=', input.id)
    .where('state', '=', 'sending')
    .where('sent_by', '=', input.replicaId)
    .returning(readable)
    .executeTakeFirst()
  return changed(tx, row && toApproval(row), record)
}

/** The change with its entry and the word to every replica; nothing where nothing was changed. */
export async function changed(
  tx: Tx,
  approval: Approval | undefined,
  record: RecordChange,
): Promise<Approval | undefined> {
  if (approval === undefined) return undefined
  await record(tx, approval)
  await bumpRevision(tx, 'approval')
  return approval
}
