/**
 * Approvals: a person's decision about one exact request. The rules are here, and the two digests that bind it: that of
 * the request, by which the same request by the same principal is known again, and that of the document which a person
 * read, with what they decided, which is what their passkey signs.
 */
import { createHash } from 'node:crypto'
import type {
  AgentId,
  ApprovalId,
  CredentialId,
  EnvironmentId,
  GrantId,
  OperatorId,
} from '../ids.ts'
import { canonicalize, type Canonical } from './canonical.ts'
import type { Effect } from './operation.ts'

/**
 * - `pending`    nobody has decided
 * - `approved`   the agent may send the request again, once; or the broker is about to send it
 * - `held`       approved, and waiting for the end of its undo window
 * - `sending`    somebody took it: it went out, or is about to, and cannot be taken again
 * - `done`       it was sent, and the outcome is on record
 * - `unknown`    whoever took it ended before the outcome was known; it is not sent again
 * - `denied`, `expired`, `cancelled`   it will never be sent
 */
export const approvalStates = [
  'pending',
  'approved',
  'held',
  'sending',
  'done',
  'unknown',
  'denied',
  'expired',
  'cancelled',
] as const
export type ApprovalState = (typeof approvalStates)[number]

/**
 * Which states can come after each. From `sending`, `cancelled` is for whoever took it and found, before anything had
 * left, that it may not go any more.
 */
export const approvalSteps: Readonly<Record<ApprovalState, readonly ApprovalState[]>> = {
  pending: ['approved', 'held', 'denied', 'expired', 'cancelled'],
  approved: ['sending', 'expired', 'cancelled'],
  held: ['sending', 'expired', 'cancelled'],
  sending: ['done', 'unknown', 'cancelled'],
  done: [],
  unknown: [],
  denied: [],
  expired: [],
  cancelled: [],
}

/** All times in milliseconds since the epoch. */
export type ApprovalStanding = {
  readonly state: ApprovalState
  /** Until when somebody may decide. */
  readonly expiresAt: number
  /** Until when it may be sent, once it is approved. */
  readonly usableUntil: number | undefined
  /** Until when the outcome answers for whoever sends the same request again. */
  readonly standsUntil: number | undefined
}

/** Whether this is still the answer to the request that it was made for; where it is not, the request is a new one. */
export function stillAnswers(approval: ApprovalStanding, now: number): boolean {
  switch (approval.state) {
    case 'pending':
      return now < approval.expiresAt
    case 'approved':
    case 'held':
      return approval.usableUntil !== undefined && now < approval.usableUntil
    case 'sending':
      return true
    case 'done':
    case 'unknown':
    case 'denied':
    case 'cancelled':
      return approval.standsUntil !== undefined && now < approval.standsUntil
    case 'expired':
      return false
  }
}

/** What one approval is for: the principal, and the request as it would leave (design: step 5). */
export type ApprovableRequest = {
  readonly agentId: AgentId
  /** Who acts for it, the one who does now first: another principal than the agent itself. Absent where nobody does. */
  readonly actors?: readonly AgentId[]
  readonly grantId: GrantId
  readonly environmentId: EnvironmentId
  readonly credential: { readonly id: CredentialId; readonly version: number }
  readonly provider: string
  readonly origin: string
  readonly method: string
  /** Path and query, as the broker spells them. */
  readonly target: string
  /** Those that the manifest calls meaningful, by lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  /** What does not leave, and says how the rest is read; see `RebuiltRequest`. */
  readonly readBy?: Readonly<Record<string, string>> | undefined
  readonly body: Buffer | undefined
}

/** SHA-256 of the request's canonical JSON (RFC 8785), in hex. */
export function requestDigest(request: ApprovableRequest): string {
  const { body, ...rest } = request
  return digestOf({ ...rest, bodyDigest: sha256(body ?? ''), v: 1 })
}

/** SHA-256 of the names of the operations of a request, each once, in hex: whoever asks for the same ones again. */
export function operationsDigest(names: readonly string[]): string {
  return digestOf([...new Set(names)].sort())
}

/** One operation as a person reads it: what the broker understood, never what the agent says of it. */
export type ShownOperation = {
  readonly name: string
  readonly effects: readonly Effect[]
  /** `<kind>:<id>`, and the name that the provider has for it where it was asked. */
  readonly objects: readonly {
    readonly id: string
    readonly name?: string | undefined
    /** Names of environments, or of places that no environment is bound to. */
    readonly livesIn: readonly string[]
  }[]
  readonly arguments: Canonical
}

/** One fact about what would be lost: `{ label: 'Backups that die with it', value: '4' }`. */
export type ShownFact = { readonly label: string; readonly value: string }

/** Everything that a person is shown, and therefore signs. */
export type ApprovalDocument = {
  readonly id: ApprovalId
  readonly requestDigest: string
  readonly agent: { readonly id: AgentId; readonly name: string }
  /** Who acts for it, the one who does now first. */
  readonly actors?: readonly { readonly id: AgentId; readonly name: string }[]
  readonly grantId: GrantId
  readonly environment: {
    readonly id: EnvironmentId
    readonly name: string
    readonly protected: boolean
  }
  readonly provider: string
  readonly operations: readonly ShownOperation[]
  readonly facts: readonly ShownFact[]
  /** Why it needs an approval. */
  readonly because: readonly string[]
  /** Seconds for which an approved request is held before the broker sends it; absent where the agent sends it. */
  readonly holdSeconds?: number | undefined
  /** Milliseconds since the epoch. */
  readonly requestedAt: number
  readonly expiresAt: number
  /** 32 random bytes, base64url: no two documents have one digest. */
  readonly nonce: string
}

export type ApprovalDecision = 'approve' | 'deny'

/** Who may decide beside the owner: anyone who approves, or somebody other than the agent's owner and those of whoever acts for it. */
export const approverRules = ['anyone', 'not_owner', 'two_persons'] as const
export type ApproverRule = (typeof approverRules)[number]

export type DecisionFacts = {
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly approval: {
    readonly state: ApprovalState
    readonly expiresAt: number
    /** Who has approved it already; more than one only where two persons must. */
    readonly approvedBy: readonly OperatorId[]
  }
  readonly environment: {
    readonly protected: boolean
    readonly owners: readonly OperatorId[]
  }
  readonly agentOwner: OperatorId
  /** Of those that act for it: what an operator's agent asks for, by whatever chain, that operator asked for. */
  readonly actorOwners?: readonly OperatorId[]
  readonly rule: ApproverRule
  readonly approver: {
    readonly id: OperatorId
    readonly active: boolean
    readonly isApprover: boolean
    readonly via: 'bearer' | 'cookie'
  }
  readonly decision: ApprovalDecision
  readonly evidence: 'passkey' | 'one_time_code'
  /** Whether an admin has switched one-time codes on. */
  readonly oneTimeCodes: boolean
  /** The operators to whom it is shown at this moment: the owners, and after a time the escalation group. */
  readonly routedTo: readonly OperatorId[]
}

export type DecisionRefusal =
  | 'bearer'
  | 'not_an_approver'
  | 'not_routed'
  | 'not_pending'
  | 'expired'
  | 'owner_of_the_agent'
  | 'already_approved'
  | 'code_not_allowed'

/** Whether this person may decide now; undefined where they may. Silence never becomes an approval. */
export function decisionRefusal(facts: DecisionFacts): DecisionRefusal | undefined {
  const { approval, approver, environment, rule } = facts
  if (approver.via === 'bearer') return 'bearer'
  if (!approver.active || !approver.isApprover) return 'not_an_approver'
  if (!facts.routedTo.includes(approver.id)) return 'not_routed'
  if (approval.state !== 'pending') return 'not_pending'
  if (!(facts.now < approval.expiresAt)) return 'expired'
  // To say no is open to every approver, by every means: it takes nothing from anybody.
  if (facts.decision === 'deny') return undefined
  if (facts.evidence === 'one_time_code' && (!facts.oneTimeCodes || environment.protected))
    return 'code_not_allowed'
  const asking = [facts.agentOwner, ...(facts.actorOwners ?? [])]
  if (rule === 'not_owner' && asking.includes(approver.id)) return 'owner_of_the_agent'
  if (approval.approvedBy.includes(approver.id)) return 'already_approved'
  return undefined
}

/** How many different persons must say yes. */
export function approvalsNeeded(rule: ApproverRule): number {
  return rule === 'two_persons' ? 2 : 1
}

function digestOf(value: unknown): string {
  return sha256(canonicalize(value as Canonical))
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}
