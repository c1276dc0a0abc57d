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
  const { document } = approval
  return {
    kind: 'approval',
    result: approval.state,
    at,
    correlationId,
    ...whoActs(document, approval.ruleId),
    environment: { id: environment.id, name: environment.name },
    provider: approval.provider,
    grantId: approval.grantId,
    capabilityId: approval.capabilityId,
    approvalId: approval.id,
    requestDigest: approval.requestDigest,
    reason: approval.cancelReason ?? undefined,
  }
}

/** A step that no request is at hand for. */
export function endEntry(approval: Approval, at: number): Omit<ApprovalEntry, 'correlationId'> {
  const { document } = approval
  return {
    kind: 'approval',
    result: approval.state,
    at,
    actor: { kind: 'system', id: 'approvals' },
    environment: { id: document.environment.id, name: document.environment.name },
    provider: approval.provider,
    grantId: approval.grantId,
    capabilityId: approval.capabilityId,
    approvalId: approval.id,
    requestDigest: approval.requestDigest,
    reason: approval.cancelReason ?? undefined,
  }
}
