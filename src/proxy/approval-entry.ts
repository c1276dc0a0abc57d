/** How the steps of an approval are written down: in the transaction of the step. */
import type { ApprovalEntry } from '../audit/entry.ts'
import { appendWithin } from '../audit/log.ts'
import type { Approval, RecordChange } from '../approval/store.ts'
import type { Policy } from '../directory/policy.ts'
import { whoActs } from './standing.ts'

/** The audit entry of each step, in the transaction of the step. */
export function recordStep(policy: Policy, correlationId: string, now: () => number): RecordChange {
  return (tx, approval) => appendWithin(tx, stepEntry(approval, policy, correlationId, now()))
}

function stepEntry(
  approval: Approval,
  { environment }: Policy,
  correlationId: string,
  at: number,
): ApprovalEntry {
  const who = whoActs(approval.document, approval.ruleId)
  return { ...common(approval, environment, at), ...who, correlationId }
}

/** A step that no request is at hand for. */
export function endEntry(approval: Approval, at: number): Omit<ApprovalEntry, 'correlationId'> {
  const { environment } = approval.document
  return { ...common(approval, environment, at), actor: { kind: 'system', id: 'approvals' } }
}

function common(
  approval: Approval,
  { id, name }: Pick<Policy['environment'], 'id' | 'name'>,
  at: number,
) {
  return {
    kind: 'approval',
    result: approval.state,
    at,
    environment: { id, name },
    provider: approval.provider,
    grantId: approval.grantId,
    capabilityId: approval.capabilityId,
    approvalId: approval.id,
    requestDigest: approval.requestDigest,
    reason: approval.cancelReason ?? undefined,
  } as const
}
