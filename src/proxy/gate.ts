/**
 * Where a request that needs a person stands. The same request by the same agent is known by its digest, however often
 * and over whichever replica it comes: it is parked once, approved once, and sent once. Whatever is not found to be
 * approved, here and now, is not sent (I6).
 */
import { randomBytes } from 'node:crypto'
import type { ApprovalEntry } from '../audit/entry.ts'
import { appendWithin } from '../audit/log.ts'
import { park } from '../approval/park.ts'
import { openAnswer, sealAnswer, sealRequest, type ApprovalSealer } from '../approval/sealed.ts'
import { consume, finish, renewLease } from '../approval/step.ts'
import { matchApproval, readApproval, type Approval, type RecordChange } from '../approval/store.ts'
import { requestDigest, type ApprovableRequest, type ApprovalDocument } from '../core/approval.ts'
import { factsFrom, nothingKnown, sentence, shownOperations } from '../core/approval-facts.ts'
import { unmetPreconditions } from '../core/precondition.ts'
import type { Db } from '../db/open.ts'
import type { Policy } from '../directory/policy.ts'
import { newId, type CapabilityId, type ReplicaId } from '../ids.ts'
import type { Ask, LocateContext, ProviderAdapter, RebuiltRequest } from '../provider/adapter.ts'
import type { Denial } from './denial.ts'
import { keysOf, type Evaluation } from './evaluate.ts'
import type { Failure } from './failure.ts'
import type { KeptAnswer } from './kept-answer.ts'

export type Gated = {
  readonly adapter: ProviderAdapter
  readonly policy: Policy
  readonly capabilityId: string
  readonly correlationId: string
  readonly evaluation: Extract<Evaluation, { kind: 'decided' }>
  /** Why a person is needed. */
  readonly because: readonly string[]
  /** The agent's own words. */
  readonly reason: string | undefined
  /** The approval that this call was held open for. Where it came to nothing, a person is not asked again unasked. */
  readonly waitedFor?: Approval | undefined
}

export type Verdict =
  /** It is this caller's to send, once, and to `settle`. */
  | { readonly kind: 'go'; readonly approval: Approval }
  /** Nobody has decided, or the broker will send it: ask again. */
  | { readonly kind: 'wait'; readonly approval: Approval; readonly denial: Denial }
  /** It was sent before; this is what came of it. */
  | { readonly kind: 'answered'; readonly approval: Approval; readonly answer: KeptAnswer }
  | { readonly kind: 'refused'; readonly denial: Denial }

/** How a request that was sent with an approval ended. */
export type Settlement =
  | { readonly kind: 'answered'; readonly answer?: KeptAnswer | undefined }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'not_sent'; readonly reason: string }

export type Gate = {
  consider(gated: Gated): Promise<Verdict>
  /** The same for a request that is refused as things are now, perhaps because it was sent. Undefined where it was not. */
  recall(gated: Gated): Promise<Verdict | undefined>
  /** The same for what goes without a person: undefined where nobody has said anything about it, and it was not sent. */
  standing(gated: Gated): Promise<Verdict | undefined>
  settle(approval: Approval, settlement: Settlement): Promise<void>
  /** What the broker kept for the agent; undefined where there is nothing, or not any more. */
  answerOf(approval: Approval): Promise<KeptAnswer | undefined>
  /** Keeps an approval that is being sent from counting as lost; the function returned stops it. */
  hold(approval: Approval): () => void
}

/** How long after its sender was last heard of the outcome of a request counts as unknown, in milliseconds. */
export const leaseMs = 60_000
/** How long an answer is kept for the agent to fetch, in milliseconds. */
export const answerKeptMs = 3_600_000

/** How long an agent is told that the broker could not send what was approved, in milliseconds. */
const notSentStandsMs = 60_000

export type GateDeps = {
  readonly db: Db
  readonly sealer: ApprovalSealer
  readonly replicaId: ReplicaId
  readonly publicUrl: string
  readonly askFor: (policy: Policy, adapter: ProviderAdapter, cause: string) => Ask
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** What is approved: the request as it would leave, without the headers that clients invent anew each time. */
export function approvableRequest(
  adapter: ProviderAdapter,
  policy: Policy,
  request: RebuiltRequest,
): ApprovableRequest {
  const { credential, grant, agent } = policy
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => name !== adapter.idempotencyHeader),
  )
  return {
    agentId: agent.id,
    grantId: grant.id,
    environmentId: grant.environmentId,
    credential: { id: credential.id, version: credential.version },
    provider: adapter.name,
    origin: request.signing?.origin ?? credential.origin,
    method: request.method,
    target: request.target,
    headers,
    body: request.body,
  }
}

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
    actor: { kind: 'agent', id: approval.agentId, name: document.agent.name },
    environment: { id: environment.id, name: environment.name },
    provider: approval.provider,
    grantId: approval.grantId,
    capabilityId: approval.capabilityId,
    approvalId: approval.id,
    requestDigest: approval.requestDigest,
    reason: approval.cancelReason ?? undefined,
  }
}

export function createGate(deps: GateDeps): Gate {
  const { db, sealer, replicaId, now } = deps

  async function parkNew(gated: Gated, request: ApprovableRequest): Promise<Verdict> {
    const { adapter, policy, evaluation, correlationId } = gated
    const { approvalTerms: terms, environment, grant, agent } = policy
    const invocations = evaluation.operations.map(({ invocation }) => invocation)
    const context: LocateContext = {
      ask: deps.askFor(policy, adapter, correlationId),
      fresh: true,
      bound: environment.places.get(adapter.name) ?? new Set(),
      ...keysOf(policy),
    }
    const unmet = await unmetPreconditions(
      terms.preconditions,
      adapter.check === undefined
        ? undefined
        : (precondition) =>
            adapter.check?.(precondition, invocations, context) ??
            Promise.resolve({ result: 'unknown', detail: 'it cannot be asked' }),
    )
    const [first] = unmet
    if (first !== undefined) {
      const names = unmet.map(({ precondition }) => precondition.name)
      const detail = `nobody is asked, because a condition that its admin set does not hold: ${first.answer.detail}`
      return {
        kind: 'refused',
        denial: {
          code: 'precondition_unmet',
          details: { detail, members: { preconditions: names } },
        },
      }
    }
    const known = await factsFrom(
      adapter.facts === undefined
        ? undefined
        : () => adapter.facts?.(invocations, context) ?? Promise.resolve(nothingKnown),
    )
    const shown = shownOperations(evaluation.operations, environment, adapter.name, known)
    const at = now()
    const document: ApprovalDocument = {
      id: newId('approval', at),
      requestDigest: requestDigest(request),
      agent: { id: agent.id, name: agent.name },
      grantId: grant.id,
      environment: {
        id: environment.id,
        name: environment.name,
        protected: environment.protected,
      },
      provider: adapter.name,
      operations: shown.operations,
      facts: [...shown.facts, ...known.facts],
      because: gated.because,
      holdSeconds: terms.holdSeconds === 0 ? undefined : terms.holdSeconds,
      requestedAt: at,
      expiresAt: at + terms.expirySeconds * 1000,
      nonce: randomBytes(32).toString('base64url'),
    }
    const sealed = await sealRequest(sealer, document, request)
    const parked = await db.transaction().execute((tx) =>
      park(
        tx,
        {
          ...sealed,
          capabilityId: gated.capabilityId as CapabilityId,
          execute: terms.execute,
          rule: terms.approver,
          reason: gated.reason,
          now: at,
        },
        recordStep(policy, correlationId, now),
      ),
    )
    if (parked.outcome !== 'refused') return verdictOf(gated, parked.approval)
    const until = parked.until.toISOString()
    return {
      kind: 'refused',
      denial: {
        code: 'approval_limited',
        details: {
          detail:
            parked.why === 'too_many_pending'
              ? `${String(parked.count)} requests of this agent wait for a person already; no more can until ${until} at the latest`
              : `the last ${String(parked.count)} requests of this agent were refused; it may not ask again until ${until}`,
          members: { until },
        },
      },
    }
  }

  async function inVain(waitedFor: Approval): Promise<Verdict> {
    const approval = (await readApproval(db, waitedFor.id)) ?? waitedFor
    switch (approval.state) {
      case 'done':
      case 'unknown':
        return refused('approval_used', approval, 'another call with this request has used it up')
      case 'cancelled':
        return refused('approval_denied', approval, stopped(approval))
      default:
        return refused('approval_denied', approval, 'nobody decided in time, which is a no')
    }
  }

  function requestOf({ adapter, policy, evaluation }: Gated): ApprovableRequest {
    return approvableRequest(adapter, policy, evaluation.request)
  }

  function standingOf(request: ApprovableRequest): Promise<Approval | undefined> {
    return matchApproval(db, { digest: requestDigest(request), agentId: request.agentId }, now())
  }

  async function answerOf(approval: Approval): Promise<KeptAnswer | undefined> {
    // A sweep that is late must not make it be kept for longer.
    if (approval.state !== 'done' || now() >= (approval.standsUntil?.getTime() ?? 0))
      return undefined
    const answer = await openAnswer(db, sealer, approval)
    return answer === undefined ? undefined : readKept(answer)
  }

  async function verdictOf(gated: Gated, approval: Approval): Promise<Verdict> {
    switch (approval.state) {
      case 'approved': {
        if (approval.execute === 'broker') break
        const taken = await db.transaction().execute((tx) =>
          consume(
            tx,
            {
              id: approval.id,
              digest: approval.requestDigest,
              agentId: gated.policy.agent.id,
              replicaId,
              leaseUntil: now() + leaseMs,
              now: now(),
            },
            recordStep(gated.policy, gated.correlationId, now),
          ),
        )
        // Somebody else took it in between: it is being sent.
        if (taken !== undefined) return { kind: 'go', approval: taken }
        break
      }
      case 'done': {
        const kept = await answerOf(approval)
        if (kept !== undefined) return { kind: 'answered', approval, answer: kept }
        return refused(
          'approval_used',
          approval,
          'it was approved and sent, and its answer is not kept',
        )
      }
      case 'denied':
        return refused('approval_denied', approval, 'a person has refused this request')
      case 'cancelled':
        return refused('approval_denied', approval, stopped(approval))
      case 'unknown':
        return refused(
          'approval_used',
          approval,
          'it was approved and taken to be sent, and what came of it is not known; it is not sent again',
        )
      case 'pending':
      case 'held':
      case 'sending':
      case 'expired':
        break
    }
    return { kind: 'wait', approval, denial: waiting(approval) }
  }

  function waiting(approval: Approval): Denial {
    const { document } = approval
    return {
      code: 'approval_required',
      details: {
        detail: sayWaiting(approval),
        members: { because: document.because, approval: approvalMember(deps.publicUrl, approval) },
      },
    }
  }

  function refused(code: Denial['code'], approval: Approval, detail: string): Verdict {
    const until = approval.standsUntil?.toISOString()
    const again = until === undefined ? '' : `; it can be asked for again after ${until}`
    return {
      kind: 'refused',
      denial: {
        code,
        details: {
          detail: `${detail}${again}`,
          members: {
            approval: approvalMember(deps.publicUrl, approval),
            ...(until === undefined ? {} : { until }),
          },
        },
      },
    }
  }

  return {
    async consider(gated) {
      const request = requestOf(gated)
      const standing = await standingOf(request)
      if (standing !== undefined) return verdictOf(gated, standing)
      return gated.waitedFor === undefined ? parkNew(gated, request) : inVain(gated.waitedFor)
    },
    async standing(gated) {
      const found = await standingOf(requestOf(gated))
      return found === undefined ? undefined : verdictOf(gated, found)
    },
    async recall(gated) {
      const standing = await standingOf(requestOf(gated))
      switch (standing?.state) {
        case 'sending':
        case 'done':
        case 'unknown':
          return verdictOf(gated, standing)
        default:
          return undefined
      }
    },
    answerOf,
    async settle(approval, settlement) {
      const answer = settlement.kind === 'answered' ? settlement.answer : undefined
      const sealed =
        answer === undefined ? undefined : await sealAnswer(sealer, approval, writeKept(answer))
      const at = now()
      const { outcome, reason } = outcomeOf(settlement)
      await db.transaction().execute((tx) =>
        finish(
          tx,
          {
            id: approval.id,
            replicaId,
            outcome,
            ...(reason === undefined ? {} : { reason }),
            ...(sealed === undefined ? {} : { answer: sealed }),
            standsUntil: at + standsFor(approval, outcome),
            now: at,
          },
          (tx, ended) =>
            appendWithin(tx, {
              ...endEntry(ended, at),
              correlationId: newId('correlation', at),
            }),
        ),
      )
    },
    hold(approval) {
      const timer = setInterval(() => {
        void renewLease(db, {
          id: approval.id,
          replicaId,
          leaseUntil: now() + leaseMs,
        }).catch(() => undefined)
      }, leaseMs / 4)
      timer.unref()
      return () => clearInterval(timer)
    },
  }
}

/** In milliseconds: for how long the outcome answers for the same request. Whoever sent it has been answered already. */
function standsFor(
  { execute }: Approval,
  outcome: ReturnType<typeof outcomeOf>['outcome'],
): number {
  switch (outcome) {
    case 'done':
      return execute === 'broker' ? answerKeptMs : 0
    case 'unknown':
      return answerKeptMs
    case 'cancelled':
      return execute === 'broker' ? notSentStandsMs : 0
  }
}

function outcomeOf(settlement: Settlement): {
  readonly outcome: 'done' | 'unknown' | 'cancelled'
  readonly reason?: string
} {
  switch (settlement.kind) {
    case 'answered':
      return { outcome: 'done' }
    case 'not_sent':
      return { outcome: 'cancelled', reason: settlement.reason }
    case 'failed': {
      const { code, details } = settlement.failure
      // Of these it is certain that nothing has left.
      return code === 'upstream_unreachable' || code === 'unavailable'
        ? { outcome: 'cancelled', reason: details.detail }
        : { outcome: 'unknown' }
    }
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

/** An operator's own reason is for operators. */
function stopped({ cancelledBy, cancelReason }: Approval): string {
  const why = cancelledBy === 'broker' && cancelReason !== null ? `: ${cancelReason}` : ''
  return `this request was stopped before it was sent${why}`
}

/** What there is to wait for, and what to do then. */
function sayWaiting({ state, execute, document }: Approval): string {
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

function writeKept({ status, headers, body }: KeptAnswer): Buffer {
  return Buffer.from(JSON.stringify({ status, headers, body: body?.toString('base64') }))
}

export function readKept(bytes: Buffer): KeptAnswer {
  const { status, headers, body } = JSON.parse(bytes.toString()) as {
    status: number
    headers: string[]
    body?: string
  }
  return { status, headers, body: body === undefined ? undefined : Buffer.from(body, 'base64') }
}
