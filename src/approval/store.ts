/**
 * Approvals as they are read. What is sealed in their rows is not among it: see sealed.ts. How a row comes to be is in
 * park.ts, and every step it can take afterwards is in step.ts and ending.ts.
 */
import { sql, type Selectable } from 'kysely'
import {
  stillAnswers,
  type ApprovalDecision,
  type ApprovalDocument,
  type ApprovalState,
  type ApproverRule,
} from '../core/approval.ts'
import type { Canonical } from '../core/canonical.ts'
import type { ApprovalTable } from '../db/approval-types.ts'
import type { Db, Tx } from '../db/open.ts'
import type {
  AgentId,
  ApprovalId,
  CapabilityId,
  CredentialId,
  EnvironmentId,
  GrantId,
  OperatorId,
  ReplicaId,
  TrustRuleId,
} from '../ids.ts'

export type Approval = {
  readonly id: ApprovalId
  readonly state: ApprovalState
  /** What a person reads and signs; it never changes. */
  readonly document: ApprovalDocument
  readonly requestDigest: string
  readonly agentId: AgentId
  readonly grantId: GrantId
  readonly environmentId: EnvironmentId
  readonly provider: string
  /** The capability under which it was asked for. */
  readonly capabilityId: CapabilityId
  /** What that was exchanged from. */
  readonly ancestors: readonly string[]
  /** Who acted for the agent, the one who did then first. */
  readonly actors: readonly AgentId[]
  /** The trust rules by which those showed who they are, where they did so by one. */
  readonly actorRules: readonly TrustRuleId[]
  /** The trust rule under which that was issued, where a workload asked. */
  readonly ruleId: TrustRuleId | null
  /** Whether the capability was bound to a key. */
  readonly bound: boolean
  readonly credential: { readonly id: CredentialId; readonly version: number }
  /** Who sends it once it is approved. */
  readonly execute: 'agent' | 'broker'
  /** Seconds between the last yes and the sending, in which it can be cancelled. */
  readonly holdSeconds: number
  readonly rule: ApproverRule
  /** The agent's own words, as they came: to be shown as such, and never decided on. */
  readonly reason: string | null
  readonly requestedAt: Date
  readonly expiresAt: Date
  readonly approvedBy: readonly OperatorId[]
  readonly deniedBy: OperatorId | null
  /** Every decision, in the order they were made. */
  readonly decisions: readonly StoredDecision[]
  /** When a person, or silence, had answered for good. */
  readonly settledAt: Date | null
  readonly heldUntil: Date | null
  readonly usableUntil: Date | null
  /** Whoever did: an operator, an agent, or the name of a part of the broker. */
  readonly cancelledBy: string | null
  readonly cancelReason: string | null
  readonly sentBy: ReplicaId | null
  readonly leaseUntil: Date | null
  readonly endedAt: Date | null
  readonly standsUntil: Date | null
  /** Whether an answer is kept for the agent to fetch. */
  readonly hasAnswer: boolean
}

export type StoredDecision = {
  readonly approverId: OperatorId
  readonly decision: ApprovalDecision
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly evidence: Canonical
}

/** Writes the audit entry of a change, in the transaction of the change: both, or neither. */
export type RecordChange = (tx: Tx, approval: Approval) => Promise<void>

const columns = [
  'id',
  'state',
  'request_digest',
  'document',
  'agent_id',
  'grant_id',
  'environment_id',
  'provider',
  'capability_id',
  'ancestors',
  'actors',
  'actor_rules',
  'trust_rule_id',
  'bound',
  'credential_id',
  'credential_version',
  'execute',
  'hold_seconds',
  'rule',
  'reason',
  'requested_at',
  'expires_at',
  'approved_by',
  'denied_by',
  'evidence',
  'settled_at',
  'held_until',
  'usable_until',
  'cancelled_by',
  'cancel_reason',
  'sent_by',
  'lease_until',
  'ended_at',
  'stands_until',
] as const satisfies readonly (keyof ApprovalTable)[]

/** What is read of a row, or returned by what changes it: all but what is sealed. */
export const readable = [
  ...columns,
  sql<boolean>`sealed_answer is not null`.as('has_answer'),
] as const

type ReadableRow = Pick<Selectable<ApprovalTable>, (typeof columns)[number]> & {
  readonly has_answer: boolean
}

export function toApproval(row: ReadableRow): Approval {
  return {
    id: row.id,
    state: row.state,
    document: JSON.parse(row.document) as ApprovalDocument,
    requestDigest: row.request_digest,
    agentId: row.agent_id,
    grantId: row.grant_id,
    environmentId: row.environment_id,
    provider: row.provider,
    capabilityId: row.capability_id as CapabilityId,
    ancestors: row.ancestors,
    actors: row.actors as AgentId[],
    actorRules: row.actor_rules as TrustRuleId[],
    ruleId: row.trust_rule_id,
    bound: row.bound,
    credential: { id: row.credential_id, version: row.credential_version },
    execute: row.execute,
    holdSeconds: row.hold_seconds,
    rule: row.rule,
    reason: row.reason,
    requestedAt: row.requested_at,
    expiresAt: row.expires_at,
    approvedBy: row.approved_by as OperatorId[],
    deniedBy: row.denied_by,
    decisions: row.evidence.map((text) => JSON.parse(text) as StoredDecision),
    settledAt: row.settled_at,
    heldUntil: row.held_until,
    usableUntil: row.usable_until,
    cancelledBy: row.cancelled_by,
    cancelReason: row.cancel_reason,
    sentBy: row.sent_by,
    leaseUntil: row.lease_until,
    endedAt: row.ended_at,
    standsUntil: row.stands_until,
    hasAnswer: row.has_answer,
  }
}

export async function readApproval(db: Db | Tx, id: ApprovalId): Promise<Approval | undefined> {
  const row = await db
    .selectFrom('approval')
    .select(readable)
    .where('id', '=', id)
    .executeTakeFirst()
  return row === undefined ? undefined : toApproval(row)
}

/** In the order they were asked for. An empty list of states or environments finds nothing. */
export async function listApprovals(
  db: Db | Tx,
  page: {
    limit: number
    after: string
    states?: readonly ApprovalState[] | undefined
    agentId?: AgentId | undefined
    environmentIds?: readonly EnvironmentId[] | undefined
  },
): Promise<readonly Approval[]> {
  let query = db
    .selectFrom('approval')
    .select(readable)
    .where('id', '>', page.after as ApprovalId)
  if (page.states !== undefined) query = query.where(sql<boolean>`state = any(${[...page.states]})`)
  if (page.agentId !== undefined) query = query.where('agent_id', '=', page.agentId)
  if (page.environmentIds !== undefined)
    query = query.where(sql<boolean>`environment_id = any(${[...page.environmentIds]})`)
  const rows = await query.orderBy('id').limit(page.limit).execute()
  return rows.map(toApproval)
}

/**
 * What this request of this agent has come to: the newest approval for it that still answers at `now` (milliseconds
 * since the epoch). Undefined where it would have to be asked for anew: never, or not any more.
 */
export async function matchApproval(
  db: Db | Tx,
  request: { readonly digest: string; readonly agentId: AgentId },
  now: number,
): Promise<Approval | undefined> {
  const row = await db
    .selectFrom('approval')
    .select(readable)
    .where('request_digest', '=', request.digest)
    .where('agent_id', '=', request.agentId)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const approval = toApproval(row)
  const answers = stillAnswers(
    {
      state: approval.state,
      expiresAt: approval.expiresAt.getTime(),
      usableUntil: approval.usableUntil?.getTime(),
      standsUntil: approval.standsUntil?.getTime(),
    },
    now,
  )
  return answers ? approval : undefined
}

export type AskedBefore = {
  /** How often the agent had asked. */
  readonly asked: number
  /** How often the answer was no, or silence. */
  readonly refused: number
}

/** How often it was asked before this approval: for this very request, and for a set of the same operations. */
export async function askedBefore(
  db: Db | Tx,
  id: ApprovalId,
): Promise<{ readonly request: AskedBefore; readonly operations: AskedBefore }> {
  const { rows } = await sql<{
    request_asked: number
    request_refused: number
    operations_asked: number
    operations_refused: number
  }>`
    select
      count(*) filter (where same_request)::int as request_asked,
      count(*) filter (where same_request and refused)::int as request_refused,
      count(*) filter (where same_operations)::int as operations_asked,
      count(*) filter (where same_operations and refused)::int as operations_refused
    from (
      select
        earlier.request_digest = this.request_digest as same_request,
        earlier.operations_digest = this.operations_digest as same_operations,
        ${refusedRow('earlier')} as refused
      from approval as this join approval as earlier
        on earlier.agent_id = this.agent_id and earlier.created_at < this.created_at
      where this.id = ${id}
    ) as counted
  `.execute(db)
  const [row] = rows
  return {
    request: { asked: row?.request_asked ?? 0, refused: row?.request_refused ?? 0 },
    operations: { asked: row?.operations_asked ?? 0, refused: row?.operations_refused ?? 0 },
  }
}

/** Whether the answer was no, or silence. What was approved and then not sent was not refused. */
export const refusedRow = (table: 'approval' | 'earlier') => sql<boolean>`
  (${sql.ref(table)}.state = 'denied'
    or (${sql.ref(table)}.state = 'expired' and ${sql.ref(table)}.usable_until is null))
`
