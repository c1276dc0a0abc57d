/** What has become of an approval, and what comes next, in words that leave nothing to guess. */
import type { Approval } from '../approval/store.ts'
import { approvalsNeeded } from '../core/approval.ts'
import { stateAt } from './approval.ts'

export type Outcome = {
  /** `waiting`: nobody has decided. `going`: it will be, or is being, sent. `stopped`: it never will be. */
  readonly kind: 'waiting' | 'going' | 'sent' | 'stopped' | 'unknown'
  readonly what: string
  readonly next: string
}

/** `nameOf`: the name of whoever decided, by their id. */
export function outcomeOf(
  approval: Approval,
  now: number,
  nameOf: (id: string) => string,
): Outcome {
  const by = approval.approvedBy.map(nameOf).join(' and ')
  switch (stateAt(approval, now)) {
    case 'pending': {
      const missing = approvalsNeeded(approval.rule) - approval.approvedBy.length
      return {
        kind: 'waiting',
        what:
          approval.approvedBy.length === 0
            ? 'Nobody has decided yet.'
            : `Approved by ${by}. ${missing === 1 ? 'One more person' : `${String(missing)} more persons`} must approve it, too.`,
        next: `Nothing has been sent. Without an answer by ${clock(approval.expiresAt)} it is denied.`,
      }
    }
    case 'approved':
      return approval.execute === 'broker'
        ? {
            kind: 'going',
            what: `Approved by ${by}.`,
            next: 'The broker sends it now, once, and keeps the answer for the agent.',
          }
        : {
            kind: 'going',
            what: `Approved by ${by}. It has not been sent yet.`,
            next: `The agent may send exactly this request, once, until ${clock(approval.usableUntil)}. Anything else is asked again.`,
          }
    case 'held':
      return {
        kind: 'going',
        what: `Approved by ${by}, and held until ${clock(approval.heldUntil)}.`,
        next: 'Then the broker sends it, once. Until then it can be stopped.',
      }
    case 'sending':
      return {
        kind: 'going',
        what: `Approved by ${by}. It is being sent.`,
        next: 'It cannot be stopped any more. This page says how it ended.',
      }
    case 'done':
      return {
        kind: 'sent',
        what: `Approved by ${by}, and sent once, at ${clock(approval.endedAt)}.`,
        next: 'The outcome is in the audit log. This approval is used up.',
      }
    case 'unknown':
      return {
        kind: 'unknown',
        what: `Approved by ${by}. Whether it arrived is not known.`,
        next: 'The broker stopped between sending it and the answer. It is never sent again: look at the provider for what happened.',
      }
    case 'denied':
      return {
        kind: 'stopped',
        what: `Denied${approval.deniedBy === null ? '' : ` by ${nameOf(approval.deniedBy)}`}. It was not sent.`,
        next: `The agent is told so. Asked for the same before ${clock(approval.standsUntil)}, it gets the same answer.`,
      }
    case 'expired':
      return approval.settledAt === null || approval.usableUntil === null
        ? {
            kind: 'stopped',
            what: 'Nobody decided in time, and that is a no. It was not sent.',
            next: 'The agent may ask again, and you would see a new request.',
          }
        : {
            kind: 'stopped',
            what: `Approved by ${by}, and not sent in time. It was not sent.`,
            next: 'The approval is void. The agent may ask again, and you would see a new request.',
          }
    case 'cancelled':
      return {
        kind: 'stopped',
        what: `Cancelled${approval.cancelledBy === null ? '' : ` by ${nameOf(approval.cancelledBy)}`}. It was not sent.`,
        next: 'It never will be. The agent would have to ask again.',
      }
  }
}

/** In UTC, with the day: a page is also read later. */
export function clock(time: Date | null): string {
  return time === null
    ? 'no stated time'
    : `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}
