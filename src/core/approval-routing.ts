/**
 * Whom an approval waits for. The owners of an environment are asked first, as they know what is in it; after a stated
 * time everyone who approves is, so that a request does not run out because one person sleeps. Where the owners could
 * not answer at all, there is nothing to wait for.
 */
import { approvalsNeeded, type ApproverRule } from './approval.ts'
import type { OperatorId } from '../ids.ts'

export type RoutingFacts = {
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly requestedAt: number
  readonly escalateSeconds: number
  readonly rule: ApproverRule
  readonly agentOwner: OperatorId
  /** Of those that act for it. */
  readonly actorOwners?: readonly OperatorId[]
  /** Of the environment. `isApprover`: active, and with the role, at this moment. */
  readonly owners: readonly { readonly id: OperatorId; readonly isApprover: boolean }[]
}

/** `until`: when every approver is asked, in milliseconds since the epoch. */
export type Routing =
  | { readonly to: 'owners'; readonly owners: readonly OperatorId[]; readonly until: number }
  | { readonly to: 'every_approver' }

export function routingOf(facts: RoutingFacts): Routing {
  const { now, owners, rule } = facts
  const until = facts.requestedAt + facts.escalateSeconds * 1000
  const asking = [facts.agentOwner, ...(facts.actorOwners ?? [])]
  const able = owners.filter(
    ({ id, isApprover }) => isApprover && (rule !== 'not_owner' || !asking.includes(id)),
  )
  if (!(now < until) || able.length < approvalsNeeded(rule)) return { to: 'every_approver' }
  return { to: 'owners', owners: owners.map(({ id }) => id), until }
}

/** For `DecisionFacts.routedTo`, of which one person is looked for at a time. */
export function routedTo(routing: Routing, operatorId: OperatorId): readonly OperatorId[] {
  return routing.to === 'owners' ? routing.owners : [operatorId]
}
