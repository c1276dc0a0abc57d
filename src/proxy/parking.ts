/**
 * Parks a request that nobody has decided about: looks at what its admin wants to hold first, asks the provider what a
 * person should know, and draws the document that they will read and sign.
 */
import { randomBytes } from 'node:crypto'
import { park } from '../approval/park.ts'
import { sealRequest, type ApprovalSealer } from '../approval/sealed.ts'
import type { Approval } from '../approval/store.ts'
import { requestDigest, type ApprovableRequest, type ApprovalDocument } from '../core/approval.ts'
import {
  factsFrom,
  nothingKnown,
  shownOperations,
  tooLongToShow,
  type ShownFacts,
} from '../core/approval-facts.ts'
import { unmetPreconditions } from '../core/precondition.ts'
import type { SharedClock } from '../db/clock.ts'
import type { Db } from '../db/open.ts'
import type { Policy } from '../directory/policy.ts'
import { newId, type CapabilityId, type TrustRuleId } from '../ids.ts'
import type { Ask, LocateContext, ProviderAdapter } from '../provider/adapter.ts'
import { recordStep } from './approval-entry.ts'
import type { Denial } from './denial.ts'
import { keysOf, type Evaluation } from './evaluate.ts'

/** A request as it was understood and decided on. */
export type Understood = {
  readonly adapter: ProviderAdapter
  readonly policy: Policy
  readonly correlationId: string
  readonly evaluation: Extract<Evaluation, { kind: 'decided' }>
}

export type Parking = Understood & {
  readonly capabilityId: string
  /** What it was exchanged from. */
  readonly ancestors?: readonly string[] | undefined
  /** The trust rule of that capability. */
  readonly ruleId?: TrustRuleId | undefined
  /** Those of the actors in it. */
  readonly actorRules?: readonly TrustRuleId[] | undefined
  /** It is bound to a key. */
  readonly bound?: boolean | undefined
  /** Why a person is needed. */
  readonly because: readonly string[]
  /** The agent's own words. */
  readonly reason: string | undefined
}

export type AskFor = (policy: Policy, adapter: ProviderAdapter, cause: string) => Ask

export type ParkingDeps = {
  readonly db: Db
  readonly sealer: ApprovalSealer
  readonly askFor: AskFor
  readonly sharedNow: SharedClock
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** The approval that the request waits for now, which may be one that was there already; or why nobody is asked. */
export type ParkedOrNot =
  | { readonly kind: 'parked'; readonly approval: Approval }
  | { readonly kind: 'refused'; readonly denial: Denial }

export async function parkRequest(
  deps: ParkingDeps,
  parking: Parking,
  request: ApprovableRequest,
): Promise<ParkedOrNot> {
  const tooLong = tooLongToShow(parking.evaluation.operations)
  if (tooLong !== undefined) {
    const detail = `nobody is asked, because ${tooLong}`
    return { kind: 'refused', denial: { code: 'not_approvable', details: { detail } } }
  }
  const unmet = await unmetCondition(deps.askFor, parking)
  if (unmet !== undefined) return { kind: 'refused', denial: unmet }
  const known = await factsOf(deps.askFor, parking)
  const at = await deps.sharedNow(deps.db)
  const document = drawn(parking, known, requestDigest(request), at)
  const sealed = await sealRequest(deps.sealer, document, request)
  const { policy, correlationId } = parking
  const { approvalTerms: terms } = policy
  const parked = await deps.db.transaction().execute((tx) =>
    park(
      tx,
      {
        ...sealed,
        capabilityId: parking.capabilityId as CapabilityId,
        ancestors: parking.ancestors,
        ruleId: parking.ruleId,
        actorRules: parking.actorRules,
        bound: parking.bound,
        execute: terms.execute,
        rule: terms.approver,
        reason: parking.reason,
        now: at,
      },
      recordStep(policy, correlationId, deps.now),
    ),
  )
  if (parked.outcome !== 'refused') return { kind: 'parked', approval: parked.approval }
  const until = parked.until.toISOString()
  const detail =
    parked.why === 'too_many_pending'
      ? `${String(parked.count)} requests of this agent wait for a person already; no more can until ${until} at the latest`
      : `the last ${String(parked.count)} requests of this agent were refused; it may not ask again until ${until}`
  return {
    kind: 'refused',
    denial: { code: 'approval_limited', details: { detail, members: { until } } },
  }
}

/** Why neither is anybody asked nor anything sent that they approved: a condition of the grant or its environment. */
export async function unmetCondition(
  askFor: AskFor,
  understood: Understood,
): Promise<Denial | undefined> {
  const { adapter, policy } = understood
  const { preconditions } = policy.approvalTerms
  if (preconditions.length === 0) return undefined
  const invocations = invocationsOf(understood)
  const context = contextOf(askFor, understood)
  const unmet = await unmetPreconditions(
    preconditions,
    adapter.check === undefined
      ? undefined
      : (precondition) =>
          adapter.check?.(precondition, invocations, context) ??
          Promise.resolve({ result: 'unknown', detail: 'it cannot be asked' }),
  )
  const [first] = unmet
  if (first === undefined) return undefined
  const names = unmet.map(({ precondition }) => precondition.name)
  return {
    code: 'precondition_unmet',
    details: {
      detail: `nobody is asked, and nothing is sent, because a condition that its admin set does not hold: ${first.answer.detail}`,
      members: { preconditions: names },
    },
  }
}

function factsOf(askFor: AskFor, understood: Understood): Promise<ShownFacts> {
  const { adapter } = understood
  const invocations = invocationsOf(understood)
  const context = contextOf(askFor, understood)
  return factsFrom(
    adapter.facts === undefined
      ? undefined
      : () => adapter.facts?.(invocations, context) ?? Promise.resolve(nothingKnown),
  )
}

function drawn(
  { adapter, policy, evaluation, because }: Parking,
  known: ShownFacts,
  digest: string,
  at: number,
): ApprovalDocument {
  const { approvalTerms: terms, environment, grant, agent, actors } = policy
  return {
    id: newId('approval', at),
    requestDigest: digest,
    agent: { id: agent.id, name: agent.name },
    ...(actors === undefined ? {} : { actors: actors.map(({ id, name }) => ({ id, name })) }),
    grantId: grant.id,
    environment: { id: environment.id, name: environment.name, protected: environment.protected },
    provider: adapter.name,
    operations: shownOperations(evaluation.operations, environment, adapter.name, known),
    facts: known.facts,
    because,
    holdSeconds: terms.holdSeconds === 0 ? undefined : terms.holdSeconds,
    requestedAt: at,
    expiresAt: at + terms.expirySeconds * 1000,
    nonce: randomBytes(32).toString('base64url'),
  }
}

function invocationsOf({ evaluation }: Understood) {
  return evaluation.operations.map(({ invocation }) => invocation)
}

function contextOf(askFor: AskFor, { adapter, policy, correlationId }: Understood): LocateContext {
  return {
    ask: askFor(policy, adapter, correlationId),
    fresh: true,
    bound: policy.environment.places.get(adapter.name) ?? new Set(),
    ...keysOf(policy),
  }
}
