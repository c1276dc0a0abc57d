/** What a lease is, and its row as one: what was minted at a provider and must be ended there. Never the token. */
import type { Narrowing } from '../core/mint.ts'
import type { LeaseState, Row } from '../db/types.ts'
import type { Tx } from '../db/open.ts'
import type { AgentId, CredentialId, EnvironmentId, GrantId, LeaseId, TrustRuleId } from '../ids.ts'

/** What may still work at the provider. */
export const openStates = [
  'minting',
  'live',
  'revoking',
  'could_not_revoke',
  'not_revocable',
] as const satisfies readonly LeaseState[]

export const leaseStates = [
  ...openStates,
  'revoked',
  'expired',
  'not_minted',
] as const satisfies readonly LeaseState[]

export type Lease = {
  readonly id: LeaseId
  readonly state: LeaseState
  /** `egress`: the broker minted it for itself, and gave it to nobody. */
  readonly purpose: 'handed_out' | 'egress'
  readonly agentId: AgentId | null
  readonly grantId: GrantId | null
  readonly environmentId: EnvironmentId
  readonly provider: string
  /** What minted it. */
  readonly credential: { readonly id: CredentialId; readonly version: number }
  readonly kind: string
  readonly capabilityId: string | null
  readonly ancestors: readonly string[]
  /** Who acted for the agent, the one who asked first. */
  readonly actors: readonly AgentId[]
  readonly ruleId: TrustRuleId | null
  /** By which trust rules those who acted showed who they are. */
  readonly actorRules: readonly TrustRuleId[]
  /** Whether the capability was bound to a key. */
  readonly bound: boolean
  /** What the capability covered. */
  readonly verbs: readonly string[]
  /** The number of the environment's binding when it was asked for. */
  readonly binding: number
  readonly narrowing: Narrowing
  readonly handle: string | null
  /** Whether it can be told to the provider which one is to end. */
  readonly known: boolean
  readonly askedAt: Date
  readonly endsAt: Date
  /** When it stops by itself at the provider; null where it never does. */
  readonly worksUntil: Date | null
  /** Who, or what, ended it before its end; null where nobody did. */
  readonly endedBy: string | null
  readonly endReason: string | null
  readonly endedAt: Date | null
  readonly attempts: number
  readonly failedSince: Date | null
  readonly lastError: string | null
  readonly nextTryAt: Date | null
  readonly settledAt: Date | null
}

/** Writes down a change, in the transaction of the change. */
export type RecordLease = (tx: Tx, lease: Lease) => Promise<void>

export function toLease(row: Row<'lease'>): Lease {
  return {
    id: row.id,
    state: row.state,
    purpose: row.purpose,
    agentId: row.agent_id,
    grantId: row.grant_id,
    environmentId: row.environment_id,
    provider: row.provider,
    credential: { id: row.credential_id, version: row.credential_version },
    kind: row.kind,
    capabilityId: row.capability_id,
    ancestors: row.ancestors,
    actors: row.actors as AgentId[],
    ruleId: row.trust_rule_id,
    actorRules: row.actor_rules as TrustRuleId[],
    bound: row.bound,
    verbs: row.verbs,
    binding: row.binding,
    narrowing: row.narrowing,
    handle: row.handle,
    known: row.sealed_token !== null || row.handle !== null,
    askedAt: row.asked_at,
    endsAt: row.ends_at,
    worksUntil: row.works_until,
    endedBy: row.ended_by,
    endReason: row.end_reason,
    endedAt: row.ended_at,
    attempts: row.attempts,
    failedSince: row.failed_since,
    lastError: row.last_error,
    nextTryAt: row.next_try_at,
    settledAt: row.settled_at,
  }
}
