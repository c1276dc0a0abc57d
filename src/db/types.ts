/**
 * The tables, by hand, in one list; a test compares them with the migrated schema. Those of what people decide, and prove
 * themselves with, are in approval-types.ts.
 */
import type { ColumnType, Generated, GeneratedAlways, Insertable, Selectable } from 'kysely'
import type {
  AccessRequestTable,
  ApprovalSettingTable,
  ApprovalTable,
  BreakGlassTable,
  OneTimeCodeTable,
  PasskeyChallengeTable,
  PasskeyPermitTable,
  PasskeyTable,
} from './approval-types.ts'
import type { CreatedAt, Json } from './column.ts'
import type {
  AgentId,
  AgentKeyId,
  AgentPublicKeyId,
  CredentialId,
  EnvironmentId,
  FreezeId,
  GrantId,
  LeaseId,
  OperatorId,
  ReplicaId,
  SignInId,
  TrustIssuerId,
  TrustRuleId,
} from '../ids.ts'
import type { ApprovalTerms, EnvironmentTerms } from '../core/approval-terms.ts'
import type { ApprovalRule, Constraint } from '../core/grant.ts'
import type { FreezeScope } from '../core/decide.ts'
import type { ClaimCondition } from '../core/claim-condition.ts'
import type { CredentialMint, Narrowing } from '../core/mint.ts'

export type State = 'active' | 'disabled' | 'revoked'
export type Role = 'admin' | 'approver' | 'auditor'

export type OperatorTable = {
  id: OperatorId
  name: string
  roles: Role[]
  password_hash: string | null
  setup_hash: Buffer | null
  setup_expires_at: Date | null
  epoch: Generated<number>
  state: Generated<State>
  created_at: CreatedAt
  password_until: Date | null
}

export type OperatorIdentityTable = {
  operator_id: OperatorId
  issuer: string
  subject: string
  tied_by: OperatorId | null
  created_at: CreatedAt
}

export type OperatorSessionTable = {
  id: SignInId
  operator_id: OperatorId
  kek_id: string | null
  sealed: Buffer | null
  confirmed_at: Date
  proved_at: Date | null
  ends_at: Date
  asking_until: Date | null
  created_at: CreatedAt
}

export type SignInCodeTable = {
  challenge: Buffer
  code_hash: Buffer
  purpose: 'sign_in' | 'act'
  session_id: SignInId
  attempts: Generated<number>
  expires_at: Date
}

export type AgentTable = {
  id: AgentId
  name: string
  owner_id: OperatorId
  state: Generated<State>
  created_at: CreatedAt
}

export type AgentKeyTable = {
  id: AgentKeyId
  agent_id: AgentId
  hash: Buffer
  created_at: CreatedAt
  expires_at: Date | null
}

export type AgentPublicKeyTable = {
  id: AgentPublicKeyId
  agent_id: AgentId
  kid: string
  algorithm: string
  jwk: Json<Readonly<Record<string, string>>>
  thumbprint: string
  created_by: OperatorId
  created_at: CreatedAt
}

export type EnvironmentTable = {
  id: EnvironmentId
  name: string
  protected: boolean
  state: Generated<State>
  binding: Generated<number>
  approval_terms: ColumnType<EnvironmentTerms, string | undefined, string>
  created_at: CreatedAt
}

export type EnvironmentOwnerTable = { environment_id: EnvironmentId; operator_id: OperatorId }

export type EnvironmentBindingTable = {
  environment_id: EnvironmentId
  provider: string
  kind: string
  provider_id: string
}

export type KeyEncryptionKeyTable = {
  id: string
  source: 'file' | 'env' | 'passphrase'
  derivation: ColumnType<unknown, string | null, string | null>
  sealed_check: Buffer
  created_at: CreatedAt
}

export type CredentialTable = {
  id: CredentialId
  name: string
  provider: string
  environment_id: EnvironmentId
  origin: string
  style: string
  use: Generated<'requests' | 'lookups'>
  version: number
  reach: Json<{ kind: string; detail?: string }>
  state: Generated<State>
  mint: Json<CredentialMint> | null
  created_at: CreatedAt
}

export type CredentialVersionTable = {
  credential_id: CredentialId
  version: number
  kek_id: string
  sealed: Buffer
  mint: Json<CredentialMint> | null
  minting_by: string | null
  minting_until: Date | null
  created_at: CreatedAt
}

export type CredentialMintedTable = {
  credential_id: CredentialId
  version: number
  narrowing: string
  kek_id: string
  sealed: Buffer
  expires_at: Date
  created_at: CreatedAt
}

export type SigningKeyTable = {
  id: string
  purpose: 'capability' | 'operator' | 'cursor'
  public_jwk: ColumnType<unknown, string | null, string | null>
  kek_id: string
  sealed: Buffer
  signs_from: Date
  retires_at: Date | null
  created_at: CreatedAt
}

export type GrantTable = {
  id: GrantId
  agent_id: AgentId
  environment_id: EnvironmentId
  credential_id: CredentialId
  provider: string
  verbs: string[]
  constraints: Json<Constraint[]>
  approval_terms: ColumnType<ApprovalTerms, string | undefined, string>
  approval: ApprovalRule
  max_lifetime_seconds: number
  requests_per_minute: number | null
  minted: 'redact' | 'seal' | 'reveal'
  require_dpop: boolean
  hand_out: boolean
  catalogue_version: string
  expires_at: Date | null
  state: Generated<State>
  created_by: OperatorId
  created_at: CreatedAt
}

export type ProviderTable = {
  name: string
  manifest: Json<unknown>
  review: Json<unknown>
  catalogue: string
  report: Json<unknown>
  version: string
  state: Generated<State>
  created_by: OperatorId
  created_at: CreatedAt
  updated_at: Generated<Date>
}

export type CatalogueVersionTable = {
  provider: string
  version: string
  operations: Json<Record<string, string>>
  created_at: CreatedAt
}

export type CapabilityRevocationTable = {
  capability_id: string
  expires_at: Date
  revoked_at: CreatedAt
}

/** What was shown once and must not be shown again. */
export type ReplayTable = { hash: Buffer; expires_at: Date }

export type HandleTable = { hash: Buffer; claims: string; mac: Buffer; expires_at: Date }

export type TrustIssuerTable = {
  id: TrustIssuerId
  issuer: string
  jwks_uri: string | null
  internal: boolean
  platform: 'github' | 'gitlab' | 'kubernetes' | 'other'
  state: Generated<State>
  created_by: OperatorId
  created_at: CreatedAt
}

export type TrustRuleTable = {
  id: TrustRuleId
  name: string
  issuer_id: TrustIssuerId
  agent_id: AgentId
  audience: string | null
  conditions: Json<ClaimCondition[]>
  max_lifetime_seconds: number | null
  exchanges_per_token: number
  state: Generated<State>
  created_by: OperatorId
  created_at: CreatedAt
}

export type FreezeTable = {
  id: FreezeId
  scope: FreezeScope
  subject: string | null
  reason: string
  created_by: OperatorId
  created_at: CreatedAt
  lifted_at: Date | null
}

export type RevisionScope = 'directory' | 'revocation' | 'approval'
export type RevisionTable = { scope: RevisionScope; value: string }

export type ReplicaTable = {
  id: string
  started_at: Generated<Date>
  seen_at: Generated<Date>
  open_since: Generated<Date>
}

/** The entries of one insert. */
export type AuditBatchTable = {
  id: GeneratedAlways<string>
  replica_id: string | null
  first_at: Date
  last_at: Date
  /** Of each entry: at, kind, result, correlation, actor, environment, and for whom, if for others. One entry a line. */
  heads: string
  /** Canonical JSON, one entry a line. */
  entries: string
}

/** The entries of every batch, one by one: a view. */
export type AuditEntryView = {
  /** The batch's id times 512, and the entry's place in it, from 0. */
  id: string
  batch_id: string
  /** From 1. */
  place: string
  first_at: Date
  last_at: Date
  heads: string
  replica_id: string | null
  at: Date
  kind: string
  correlation_id: string
  actor_id: string | null
  environment_id: string | null
  result: string
  canonical: string
  leaf_hash: Buffer
  /** For whom the actor acted, the last being the one whose grant it was; null where for itself. */
  on_behalf_of: string[] | null
}

export type LeaseState =
  | 'minting'
  | 'live'
  | 'revoking'
  | 'could_not_revoke'
  | 'not_revocable'
  | 'revoked'
  | 'expired'
  | 'not_minted'

export type LeaseTable = {
  id: LeaseId
  state: LeaseState
  purpose: 'handed_out' | 'egress'
  agent_id: AgentId | null
  grant_id: GrantId | null
  environment_id: EnvironmentId
  provider: string
  credential_id: CredentialId
  credential_version: number
  kind: string
  capability_id: string | null
  ancestors: string[]
  actors: string[]
  trust_rule_id: TrustRuleId | null
  actor_rules: string[]
  bound: boolean
  verbs: string[]
  binding: number
  narrowing: Json<Narrowing>
  kek_id: string | null
  sealed_token: Buffer | null
  handle: string | null
  asked_at: Date
  ends_at: Date
  works_until: Date | null
  ended_by: string | null
  end_reason: string | null
  ended_at: Date | null
  attempts: Generated<number>
  failed_since: Date | null
  last_error: string | null
  next_try_at: Date | null
  held_by: ReplicaId | null
  held_until: Date | null
  settled_at: Date | null
  created_at: CreatedAt
}

export type Database = {
  operator: OperatorTable
  operator_identity: OperatorIdentityTable
  operator_session: OperatorSessionTable
  sign_in_code: SignInCodeTable
  agent: AgentTable
  agent_key: AgentKeyTable
  agent_public_key: AgentPublicKeyTable
  environment: EnvironmentTable
  environment_owner: EnvironmentOwnerTable
  environment_binding: EnvironmentBindingTable
  key_encryption_key: KeyEncryptionKeyTable
  credential: CredentialTable
  credential_version: CredentialVersionTable
  credential_minted: CredentialMintedTable
  signing_key: SigningKeyTable
  grant: GrantTable
  provider: ProviderTable
  catalogue_version: CatalogueVersionTable
  capability_revocation: CapabilityRevocationTable
  replay: ReplayTable
  handle: HandleTable
  trust_issuer: TrustIssuerTable
  trust_rule: TrustRuleTable
  freeze: FreezeTable
  passkey: PasskeyTable
  passkey_challenge: PasskeyChallengeTable
  passkey_permit: PasskeyPermitTable
  one_time_code: OneTimeCodeTable
  approval_setting: ApprovalSettingTable
  revision: RevisionTable
  replica: ReplicaTable
  audit_batch: AuditBatchTable
  audit_entry: AuditEntryView
  approval: ApprovalTable
  access_request: AccessRequestTable
  break_glass: BreakGlassTable
  lease: LeaseTable
}

export type Row<T extends keyof Database> = Selectable<Database[T]>
export type NewRow<T extends keyof Database> = Insertable<Database[T]>
