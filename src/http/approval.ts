/**
 * Approvals as the operators' routes and pages see them: who may decide at this moment, and what has become of one. The
 * rules are in core/approval.ts; what they look at is read here, always from the database and never from the request.
 */
import type { FastifyRequest } from 'fastify'
import { oneTimeCodesOn } from '../approval/one-time-code.ts'
import { readApproval, type Approval } from '../approval/store.ts'
import {
  decisionRefusal,
  type ApprovalDecision,
  type ApprovalState,
  type DecisionFacts,
  type DecisionRefusal,
} from '../core/approval.ts'
import { effectiveTerms } from '../core/approval-terms.ts'
import { routedTo, routingOf, type Routing } from '../core/approval-routing.ts'
import { readAgent } from '../directory/agent.ts'
import { readEnvironment } from '../directory/environment.ts'
import { readOperator, type Operator } from '../directory/operator.ts'
import type { ApprovalId, OperatorId } from '../ids.ts'
import { Problem } from '../problem.ts'
import type { Deps } from './deps.ts'
import { adminEntry, type SignedIn } from './operator-auth.ts'

/** A database, or the transaction that a decision is made in. */
export type Reader = Parameters<typeof readApproval>[0]

/** The state at this moment: what has run out is over, whether or not that was noticed yet. */
export function stateAt(approval: Approval, now: number): ApprovalState {
  switch (approval.state) {
    case 'pending':
      return now < approval.expiresAt.getTime() ? 'pending' : 'expired'
    case 'approved':
    case 'held':
      return approval.usableUntil !== null && now < approval.usableUntil.getTime()
        ? approval.state
        : 'expired'
    case 'sending':
    case 'done':
    case 'unknown':
    case 'denied':
    case 'expired':
    case 'cancelled':
      return approval.state
  }
}

export async function findApproval(db: Reader, id: string): Promise<Approval> {
  const found = await readApproval(db, id as ApprovalId)
  if (found === undefined) throw new Problem('not_found', 'there is no such approval')
  return found
}

/** What a decision depends on beside the decision itself. */
export type Standing = {
  readonly routing: Routing
  readonly agentOwner: OperatorId
  /** Of those that act for it. */
  readonly actorOwners: readonly OperatorId[]
  facts(given: Pick<DecisionFacts, 'decision' | 'evidence'>): DecisionFacts
  refusal(given: Pick<DecisionFacts, 'decision' | 'evidence'>): DecisionRefusal | undefined
}

/** Roles and states are read anew: whoever was demoted while they touched their passkey is. */
export async function standingOf(
  db: Reader,
  approval: Approval,
  signedIn: SignedIn,
  now: number,
): Promise<Standing> {
  const environment = await readEnvironment(db, approval.environmentId)
  const agent = await readAgent(db, approval.agentId)
  const operator = await readOperator(db, signedIn.operator.id)
  // All three are referred to by the row, and never deleted; were one gone, nobody could say who may decide.
  if (environment === undefined || agent === undefined || operator === undefined)
    throw new Problem('not_found', 'what this approval is about is gone')
  const actors = await Promise.all(approval.actors.map((id) => readAgent(db, id)))
  const actorOwners = actors.flatMap((actor) => actor?.ownerId ?? [])
  const owners = await Promise.all(environment.owners.map((id) => readOperator(db, id)))
  const routing = routingOf({
    now,
    requestedAt: approval.requestedAt.getTime(),
    escalateSeconds: effectiveTerms({}, environment.approvalTerms).escalateSeconds,
    rule: approval.rule,
    agentOwner: agent.ownerId,
    actorOwners,
    owners: owners
      .filter((owner) => owner !== undefined)
      .map((owner) => ({ id: owner.id, isApprover: approves(owner) })),
  })
  const oneTimeCodes = await oneTimeCodesOn(db)
  const facts: Standing['facts'] = (given) => ({
    now,
    approval: {
      state: approval.state,
      expiresAt: approval.expiresAt.getTime(),
      approvedBy: approval.approvedBy,
    },
    // As it is now, and as it was when the document was drawn: the stricter of both.
    environment: {
      protected: environment.protected || approval.document.environment.protected,
      owners: environment.owners,
    },
    agentOwner: agent.ownerId,
    actorOwners,
    rule: approval.rule,
    approver: {
      id: operator.id,
      active: operator.state === 'active',
      isApprover: operator.roles.includes('approver'),
      via: signedIn.via,
    },
    oneTimeCodes,
    routedTo: routedTo(routing, operator.id),
    ...given,
  })
  return {
    routing,
    agentOwner: agent.ownerId,
    actorOwners,
    facts,
    refusal: (given) => decisionRefusal(facts(given)),
  }
}

function approves({ state, roles }: Operator): boolean {
  return state === 'active' && roles.includes('approver')
}

/** What a refusal says to the person who is refused. */
export function refusalText(refusal: DecisionRefusal, approval: Approval, now: number): string {
  switch (refusal) {
    case 'bearer':
      return 'a bearer decides nothing: open the page in a browser, and sign in there'
    case 'not_an_approver':
      return 'this needs the role approver'
    case 'not_routed':
      return 'it waits for the owners of its environment first, and you are not one of them'
    case 'not_pending':
      return `it is ${stateAt(approval, now)}: nobody can decide about it any more`
    case 'expired':
      return 'nobody decided in time: the agent must ask again'
    case 'owner_of_the_agent':
      return 'the agent is yours, and somebody else must approve what it asks for here'
    case 'already_approved':
      return 'you have approved it: another person must, too'
    case 'code_not_allowed':
      return 'a one-time code does not approve this: use a passkey'
  }
}

function refusalProblem(refusal: DecisionRefusal, approval: Approval, now: number): Problem {
  const detail = refusalText(refusal, approval, now)
  switch (refusal) {
    case 'not_pending':
    case 'expired':
    case 'already_approved':
      return new Problem('conflict', detail)
    case 'bearer':
    case 'not_an_approver':
    case 'not_routed':
    case 'owner_of_the_agent':
    case 'code_not_allowed':
      return new Problem('forbidden', detail)
  }
}

/** Records exactly why somebody may not decide, and gives the problem to throw; outside of any transaction. */
export async function refusedDecision(
  deps: Deps,
  request: FastifyRequest,
  refused: {
    readonly refusal: DecisionRefusal
    readonly approval: Approval
    readonly decision: ApprovalDecision
  },
): Promise<Problem> {
  const { refusal, approval, decision } = refused
  await deps.audit.append(
    adminEntry(deps, request, {
      result: 'refused',
      reason: refusal,
      subject: approval.id,
      environment: environmentOf(approval),
      change: { decision },
    }),
  )
  return refusalProblem(refusal, approval, deps.now())
}

export function environmentOf({ document }: Approval) {
  const { id, name } = document.environment
  return { id, name }
}

export function pageUrl(deps: Pick<Deps, 'publicUrl'>, id: string): string {
  return `${deps.publicUrl}/approvals/${id}`
}
