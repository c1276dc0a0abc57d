/** What an agent is told of an approval: where it stands, and what to do then. */
import type { Approval } from '../approval/store.ts'
import { sentence } from '../core/approval-facts.ts'

/** An operator's own reason is for operators. */
export function sayStopped({ cancelledBy, cancelReason }: Approval): string {
  const why = cancelledBy === 'broker' && cancelReason !== null ? `: ${cancelReason}` : ''
  return `this request was stopped before it was sent${why}`
}

/** What there is to wait for, and what to do then. */
export function sayWaiting({ state, execute, document }: Approval): string {
  const what = sentence(document)
  const fetch = 'send the same request again to fetch its answer'
  // Where the agent is to send it, another call of its has just taken it.
  if (state === 'sending' || (state === 'approved' && execute === 'agent'))
    return `this was approved, and is being sent: ${what}${execute === 'agent' ? '' : `; ${fetch}`}`
  if (state !== 'pending')
    return `this was approved, and the broker will send it: ${what}; ${fetch}`
  return execute === 'agent'
    ? `a person must approve this: ${what}; once it is approved, send the very same request again`
    : `a person must approve this: ${what}; once it is approved, the broker sends it; then ${fetch}`
}

/** What an agent is told of an approval. */
export function approvalMember(publicUrl: string, approval: Approval) {
  const url = `${publicUrl}/agent/approvals/${approval.id}`
  return {
    id: approval.id,
    state: approval.state,
    url,
    /** Where a person decides: for the agent to pass on. */
    page: `${publicUrl}/approvals/${approval.id}`,
    expires_at: (approval.usableUntil ?? approval.expiresAt).toISOString(),
    sentence: sentence(approval.document),
    ...(approval.heldUntil === null ? {} : { held_until: approval.heldUntil.toISOString() }),
    ...(approval.hasAnswer ? { answer: `${url}/answer` } : {}),
  }
}
