/** How the proxy's part of a request is written down. */
import { hash } from 'node:crypto'
import {
  clip,
  type DecisionEntry,
  type OutcomeEntry,
  type RecordedOperation,
} from '../audit/entry.ts'
import type { Decision } from '../core/decide.ts'
import type { Policy } from '../directory/policy.ts'
import type { TrustRuleId } from '../ids.ts'
import { auditReason } from './denial.ts'
import type { LocatedInvocation } from './evaluate.ts'
import { whoActs } from './standing.ts'

/** The most operations and ids of one request that an entry lists; the count says what was cut. */
const mostListed = 50

export type Subject = {
  readonly policy: Policy
  readonly capabilityId: string | undefined
  readonly correlationId: string
  readonly provider: string
  /** The trust rule of a workload's capability. */
  readonly ruleId?: TrustRuleId | undefined
  /** The capabilities that it was exchanged from: each of them can be revoked. */
  readonly ancestors?: readonly string[] | undefined
}

function common(subject: Subject, now: number) {
  const { policy } = subject
  return {
    at: now,
    correlationId: subject.correlationId,
    ...whoActs(policy, subject.ruleId),
    environment: { id: policy.environment.id, name: policy.environment.name },
    provider: subject.provider,
    grantId: policy.grant.id,
    capabilityId: subject.capabilityId,
  } as const
}

export function recordedOperations(
  operations: readonly LocatedInvocation[],
): readonly RecordedOperation[] {
  const listed = operations.slice(0, mostListed).map(({ invocation }): RecordedOperation => ({
    name: clip(invocation.operation),
    effects: invocation.effects,
    added: invocation.added.length === 0 ? undefined : invocation.added,
    resources: invocation.resources
      .slice(0, mostListed)
      .map((ref) => clip(`${ref.kind}:${ref.id}`)),
  }))
  if (operations.length <= mostListed) return listed
  return [
    ...listed,
    { name: `… ${String(operations.length - mostListed)} more`, effects: [], resources: [] },
  ]
}

export function decisionEntry(
  subject: Subject,
  now: number,
  decided: {
    readonly decision:
      Exclude<Decision, { kind: 'locate' }> | { readonly kind: 'deny'; readonly code: string }
    readonly operations: readonly LocatedInvocation[]
    readonly method: string
    readonly path: string
    readonly body: Buffer | undefined
    readonly approvalId?: string | undefined
  },
): DecisionEntry {
  const { decision } = decided
  const why = 'code' in decision ? { reason: decision.code } : auditReason(decision)
  return {
    ...common(subject, now),
    kind: 'decision',
    result: decision.kind,
    reason: why.reason,
    about: 'about' in why ? why.about?.slice(0, mostListed).map(clip) : undefined,
    operations: recordedOperations(decided.operations),
    approvalId: decided.approvalId,
    breakGlassId: decision.kind === 'allow' ? decision.breakGlass?.id : undefined,
    method: clip(decided.method),
    path: clip(decided.path),
    bodyDigest:
      decided.body === undefined || decided.body.length === 0
        ? undefined
        : hash('sha256', decided.body),
    credential:
      decision.kind === 'allow'
        ? { id: subject.policy.credential.id, version: subject.policy.credential.version }
        : undefined,
  }
}

export function outcomeEntry(
  subject: Subject,
  now: number,
  outcome: Pick<OutcomeEntry, 'result' | 'status' | 'latencyMs' | 'bytes' | 'detail'>,
): OutcomeEntry {
  return { ...common(subject, now), kind: 'outcome', ...outcome }
}
