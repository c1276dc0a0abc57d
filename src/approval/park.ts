/**
 * Parks a request for which a person has to decide. Guarantees, against an agent that sends whatever it likes on as many
 * connections and replicas as it likes: one request waits once; what was refused stays refused for a time; and no more
 * than a few wait at once, or are asked one after the other where people keep saying no, so that nobody is worn down
 * until they say yes. The requests of one agent are parked one at a time, so that none slips past a count.
 */
import { sql } from 'kysely'
import { operationsDigest, type ApproverRule } from '../core/approval.ts'
import { canonicalize } from '../core/canonical.ts'
import { bumpRevision } from '../db/feed.ts'
import type { Tx } from '../db/open.ts'
import type { AgentId, CapabilityId, TrustRuleId } from '../ids.ts'
import { expireOverdue } from './ending.ts'
import type { SealedRequest } from './sealed.ts'
import {
  matchApproval,
  readable,
  refusedRow,
  toApproval,
  type Approval,
  type RecordChange,
} from './store.ts'

export type ApprovalLimits = {
  /** How many of an agent's requests may wait for a decision at once. */
  readonly pendingPerAgent: number
  /** How many in a row may be denied, or run out, before the agent may not ask for a while. */
  readonly refusedInARow: number
  readonly refusedCoolDownSeconds: number
}

export const defaultLimits: ApprovalLimits = {
  pendingPerAgent: 20,
  refusedInARow: 5,
  refusedCoolDownSeconds: 600,
}

/** Seconds in which somebody must decide, where the grant says nothing else. */
export const defaultExpirySeconds = 300

/** Of the agent's own reason, in characters. */
const longestReason = 500

export type ParkInput = SealedRequest & {
  /** The one it was asked under: revoking it cancels the approval. */
  readonly capabilityId: CapabilityId
  /** What that was exchanged from: revoking one of them cancels the approval too. */
  readonly ancestors?: readonly string[] | undefined
  /** The trust rule of that capability: disabling it cancels the approval. */
  readonly ruleId?: TrustRuleId | undefined
  /** Those of its actors: disabling one of them cancels it too. */
  readonly actorRules?: readonly TrustRuleId[] | undefined
  /** That capability is bound to a key; one that is not has no approval where the grant comes to ask for it. */
  readonly bound?: boolean | undefined
  /** Must be `broker` where the document has `holdSeconds`. */
  readonly execute: 'agent' | 'broker'
  readonly rule: ApproverRule
  readonly reason?: string | undefined
  readonly limits?: ApprovalLimits
  /** Milliseconds since the epoch. */
  readonly now: number
}

/**
 * - `parked`   it waits for a person now
 * - `standing` there is an answer to this very request already: it waits, was sent, was denied, … (see its state)
 * - `refused`  the agent may not ask anything at present; `until` is when it may again, unless more is refused
 */
export type Parked =
  | { readonly outcome: 'parked'; readonly approval: Approval }
  | { readonly outcome: 'standing'; readonly approval: Approval }
  | {
      readonly outcome: 'refused'
      readonly why: 'too_many_pending' | 'cooling_down'
      /** How many are pending, or were refused in a row. */
      readonly count: number
      readonly until: Date
    }

/** Parks a request, or says why not. Whatever of the agent's has run out by now is found to be so on the way. */
export async function park(tx: Tx, input: ParkInput, record: RecordChange): Promise<Parked> {
  const { agentId } = input.request
  await sql`
    select pg_advisory_xact_lock(hashtextextended(${`valetkey approval ${agentId}`}, 0))
  `.execute(tx)
  const expired = await expireOverdue(tx, { now: input.now, agentId }, record)
  const parked = await parkInTurn(tx, input)
  if (parked.outcome === 'parked') await record(tx, parked.approval)
  if (parked.outcome === 'parked' || expired.length > 0) await bumpRevision(tx, 'approval')
  return parked
}

async function parkInTurn(tx: Tx, input: ParkInput): Promise<Parked> {
  const { document, request, now, limits = defaultLimits } = input
  const { agentId } = request
  const standing = await matchApproval(tx, { digest: document.requestDigest, agentId }, now)
  if (standing !== undefined) return { outcome: 'standing', approval: standing }
  const pending = await pendingOf(tx, agentId)
  if (pending.count >= limits.pendingPerAgent && pending.until !== null)
    return { outcome: 'refused', why: 'too_many_pending', ...pending, until: pending.until }
  const until = await coolingDown(tx, agentId, limits, now)
  if (until !== undefined)
    return { outcome: 'refused', why: 'cooling_down', count: limits.refusedInARow, until }
  return { outcome: 'parked', approval: await insert(tx, input) }
}

async function insert(tx: Tx, input: ParkInput): Promise<Approval> {
  const { document, request } = input
  const row = await tx
    .insertInto('approval')
    .values({
      id: document.id,
      state: 'pending',
      request_digest: document.requestDigest,
      operations_digest: operationsDigest(document.operations.map(({ name }) => name)),
      document: canonicalize(document),
      agent_id: request.agentId,
      grant_id: request.grantId,
      environment_id: request.environmentId,
      provider: request.provider,
      capability_id: input.capabilityId,
      ancestors: [...(input.ancestors ?? [])],
      actors: [...(request.actors ?? [])],
      actor_rules: [...(input.actorRules ?? [])],
      trust_rule_id: input.ruleId ?? null,
      bound: input.bound ?? false,
      credential_id: request.credential.id,
      credential_version: request.credential.version,
      execute: input.execute,
      hold_seconds: document.holdSeconds ?? 0,
      rule: input.rule,
      reason: input.reason === undefined ? null : clipReason(input.reason),
      kek_id: input.kekId,
      sealed_request: input.sealed,
      requested_at: new Date(document.requestedAt),
      expires_at: new Date(document.expiresAt),
      approved_by: [],
      evidence: [],
    })
    .returning(readable)
    .executeTakeFirstOrThrow()
  return toApproval(row)
}

/** As it came, but for its length, and for the one character that PostgreSQL has no text for. */
function clipReason(reason: string): string {
  const text = reason.slice(0, longestReason * 2).replaceAll('\0', '\uFFFD')
  return Array.from(text).slice(0, longestReason).join('')
}

async function pendingOf(tx: Tx, agentId: AgentId): Promise<{ count: number; until: Date | null }> {
  const { rows } = await sql<{ count: number; until: Date | null }>`
    select count(*)::int as count, min(expires_at) as until
    from approval where agent_id = ${agentId} and state = 'pending'
  `.execute(tx)
  return rows[0] ?? { count: 0, until: null }
}

/** Until when the agent may not ask; undefined where it may. One yes among the last few ends it. */
async function coolingDown(
  tx: Tx,
  agentId: AgentId,
  limits: ApprovalLimits,
  now: number,
): Promise<Date | undefined> {
  const { rows } = await sql<{ refused: number; latest: Date | null }>`
    select count(*) filter (where refused)::int as refused, max(settled_at) as latest
    from (
      select ${refusedRow('approval')} as refused, settled_at from approval
      where agent_id = ${agentId} and settled_at is not null
      order by settled_at desc, created_at desc limit ${limits.refusedInARow}
    ) as settled
  `.execute(tx)
  const [row] = rows
  if (row?.latest == null || row.refused < limits.refusedInARow) return undefined
  const until = new Date(row.latest.getTime() + limits.refusedCoolDownSeconds * 1000)
  return now < until.getTime() ? until : undefined
}
