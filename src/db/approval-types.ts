/** The tables of what people decide, and of what they prove themselves with; see types.ts. */
import type { ColumnType, Generated } from 'kysely'
import type { ApprovalState, ApproverRule } from '../core/approval.ts'
import type {
  AccessRequestId,
  AgentId,
  ApprovalId,
  BreakGlassId,
  CredentialId,
  EnvironmentId,
  GrantId,
  OperatorId,
  PasskeyId,
  ReplicaId,
  TrustRuleId,
} from '../ids.ts'
import type { CreatedAt } from './column.ts'

export type PasskeyTable = {
  id: PasskeyId
  operator_id: OperatorId
  name: string
  credential_id: Buffer
  public_key: Buffer
  algorithm: 'EdDSA' | 'ES256' | 'RS256'
  counter: string
  aaguid: string
  transports: string[]
  synced: boolean
  /** It was an admin's when groups took that role away. */
  of_admin: Generated<boolean>
  created_at: CreatedAt
  last_used_at: Date | null
}

export type PasskeyChallengeTable = {
  operator_id: OperatorId
  challenge: Buffer
  expires_at: Date
}

export type PasskeyPermitTable = {
  operator_id: OperatorId
  allowed_by: OperatorId | null
  expires_at: Date | null
  created_at: CreatedAt
}

export type OneTimeCodeTable = {
  operator_id: OperatorId
  kek_id: string
  sealed: Buffer
  last_step: Generated<number>
  /** Milliseconds since the epoch. */
  attempts: ColumnType<number[], string | undefined, string>
  confirmed_at: Date | null
  created_at: CreatedAt
}

export type ApprovalSettingTable = {
  name: string
  value: string
  updated_at: Generated<Date>
}

export type ApprovalTable = {
  id: ApprovalId
  state: ApprovalState
  request_digest: string
  operations_digest: string
  /** An `ApprovalDocument`, as canonical JSON. */
  document: string
  agent_id: AgentId
  grant_id: GrantId
  environment_id: EnvironmentId
  provider: string
  capability_id: string
  ancestors: string[]
  actors: string[]
  /** Trust rules by which its actors showed who they are. */
  actor_rules: string[]
  trust_rule_id: TrustRuleId | null
  /** Whether the capability is bound to a key. */
  bound: boolean
  credential_id: CredentialId
  credential_version: number
  execute: 'agent' | 'broker'
  hold_seconds: number
  rule: ApproverRule
  reason: string | null
  kek_id: string | null
  sealed_request: Buffer | null
  sealed_answer: Buffer | null
  requested_at: Date
  expires_at: Date
  approved_by: string[]
  denied_by: OperatorId | null
  evidence: string[]
  settled_at: Date | null
  held_until: Date | null
  usable_until: Date | null
  cancelled_by: string | null
  cancel_reason: string | null
  sent_by: ReplicaId | null
  lease_until: Date | null
  ended_at: Date | null
  stands_until: Date | null
  created_at: CreatedAt
}

export type AccessRequestTable = {
  id: AccessRequestId
  state: Generated<'pending' | 'granted' | 'denied' | 'expired'>
  agent_id: AgentId
  grant_id: GrantId
  environment_id: EnvironmentId
  provider: string
  verbs: string[]
  seconds: number
  words: string | null
  times: Generated<number>
  filed_by: OperatorId | null
  requested_at: Date
  expires_at: Date
  settled_by: OperatorId | null
  settled_at: Date | null
  granted_id: GrantId | null
  granted_verbs: string[] | null
  granted_until: Date | null
  created_at: CreatedAt
  /** Canonical JSON. */
  evidence: string | null
}

export type BreakGlassTable = {
  id: BreakGlassId
  scope: 'grant' | 'environment'
  grant_id: GrantId | null
  environment_id: EnvironmentId
  reason: string
  seconds: number
  asked_by: OperatorId
  asked_at: Date
  confirmed_by: OperatorId | null
  confirmed_at: Date | null
  ends_at: Date | null
  ended_by: OperatorId | null
  ended_at: Date | null
  created_at: CreatedAt
}
