/**
 * Where a request that needs a person stands. The same request by the same agent is known by its digest, however often
 * and over whichever replica it comes: it is parked once, approved once, and sent once. Whatever is not found to be
 * approved, here and now, is not sent (I6).
 */
import { appendWithin } from '../audit/log.ts'
import { openAnswer, sealAnswer } from '../approval/sealed.ts'
import { consume, finish, renewLease } from '../approval/step.ts'
import { matchApproval, readApproval, type Approval } from '../approval/store.ts'
import { requestDigest, type ApprovableRequest } from '../core/approval.ts'
import type { Policy } from '../directory/policy.ts'
import { newId, type ReplicaId } from '../ids.ts'
import type { ProviderAdapter, RebuiltRequest } from '../provider/adapter.ts'
import { endEntry, recordStep } from './approval-entry.ts'
import { approvalMember, sayStopped, sayWaiting } from './approval-words.ts'
import type { Denial } from './denial.ts'
import { readKept, writeKept, type KeptAnswer } from './kept-answer.ts'
import { parkRequest, unmetCondition, type Parking, type ParkingDeps } from './parking.ts'
import { outcomeOf, standsFor, type Settlement } from './settlement.ts'
import { objection } from './still-approved.ts'

export type Gated = Parking & {
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

export type GateDeps = ParkingDeps & {
  readonly replicaId: ReplicaId
  readonly publicUrl: string
}

/** What is approved: the request as it would leave, without the headers that clients invent anew each time. */
export function approvableRequest(
  adapter: ProviderAdapter,
  policy: Policy,
  request: RebuiltRequest,
): ApprovableRequest {
  const { credential, grant, agent, actors } = policy
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => name !== adapter.idempotencyHeader),
  )
  return {
    agentId: agent.id,
    // What one was allowed is not the other's to send: neither the agent's its actor's, nor the other way round.
    ...(actors === undefined ? {} : { actors: actors.map(({ id }) => id) }),
    grantId: grant.id,
    environmentId: grant.environmentId,
    credential: { id: credential.id, version: credential.version },
    provider: adapter.name,
    origin: request.signing?.origin ?? credential.origin,
    method: request.method,
    target: request.target,
    headers,
    readBy: request.readBy,
    body: request.body,
  }
}

export function createGate(deps: GateDeps): Gate {
  const { db, sealer, replicaId, now, sharedNow } = deps

  async function inVain(waitedFor: Approval): Promise<Verdict> {
    const approval = (await readApproval(db, waitedFor.id)) ?? waitedFor
    switch (approval.state) {
      case 'done':
      case 'unknown':
        return refused('approval_used', approval, 'another call with this request has used it up')
      case 'cancelled':
        return refused('approval_denied', approval, sayStopped(approval))
      default:
        return refused('approval_denied', approval, 'nobody decided in time, which is a no')
    }
  }

  function requestOf({ adapter, policy, evaluation }: Gated): ApprovableRequest {
    return approvableRequest(adapter, policy, evaluation.request)
  }

  async function standingOf(request: ApprovableRequest): Promise<Approval | undefined> {
    const asked = { digest: requestDigest(request), agentId: request.agentId }
    return matchApproval(db, asked, await sharedNow(db))
  }

  async function answerOf(approval: Approval): Promise<KeptAnswer | undefined> {
    // A sweep that is late must not make it be kept for longer.
    if (approval.state !== 'done') return undefined
    if ((await sharedNow(db)) >= (approval.standsUntil?.getTime() ?? 0)) return undefined
    const answer = await openAnswer(db, sealer, approval)
    return answer === undefined ? undefined : readKept(answer)
  }

  /** Takes what was approved, for whoever sends it again; looks once more, whether it was, before they may. */
  async function take(
    gated: Gated,
    request: ApprovableRequest,
    approval: Approval,
  ): Promise<Verdict> {
    const { policy, correlationId } = gated
    const unmet = await unmetCondition(deps.askFor, gated)
    if (unmet !== undefined) return { kind: 'refused', denial: unmet }
    const digest = requestDigest(request)
    const { taken, at } = await db.transaction().execute(async (tx) => {
      const at = await sharedNow(tx)
      const { id } = approval
      const { agentId } = request
      const input = { id, digest, agentId, replicaId, leaseUntil: at + leaseMs, now: at }
      return { taken: await consume(tx, input, recordStep(policy, correlationId, now)), at }
    })
    // Somebody else took it in between: it is being sent.
    if (taken === undefined) return { kind: 'wait', approval, denial: waiting(approval) }
    const reason = await objection(deps, taken, { requestDigest: digest, policy, now: at })
    if (reason === undefined) return { kind: 'go', approval: taken }
    await settle(taken, { kind: 'not_sent', reason })
    const stopped = (await readApproval(db, taken.id)) ?? taken
    return refused('approval_denied', stopped, sayStopped(stopped))
  }

  async function verdictOf(
    gated: Gated,
    request: ApprovableRequest,
    approval: Approval,
  ): Promise<Verdict> {
    switch (approval.state) {
      case 'approved':
        if (approval.execute === 'agent') return take(gated, request, approval)
        break
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
        return refused('approval_denied', approval, sayStopped(approval))
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

  async function settle(approval: Approval, settlement: Settlement): Promise<void> {
    const answer = settlement.kind === 'answered' ? settlement.answer : undefined
    const sealed =
      answer === undefined ? undefined : await sealAnswer(sealer, approval, writeKept(answer))
    const { outcome, reason } = outcomeOf(settlement)
    await db.transaction().execute(async (tx) => {
      const at = await sharedNow(tx)
      return finish(
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
          appendWithin(tx, { ...endEntry(ended, now()), correlationId: newId('correlation', at) }),
      )
    })
  }

  async function renew({ id }: Approval): Promise<void> {
    await renewLease(db, { id, replicaId, leaseUntil: (await sharedNow(db)) + leaseMs })
  }

  return {
    async consider(gated) {
      const request = requestOf(gated)
      const standing = await standingOf(request)
      if (standing !== undefined) return verdictOf(gated, request, standing)
      if (gated.waitedFor !== undefined) return inVain(gated.waitedFor)
      const parked = await parkRequest(deps, gated, request)
      return parked.kind === 'parked' ? verdictOf(gated, request, parked.approval) : parked
    },
    async standing(gated) {
      const request = requestOf(gated)
      const found = await standingOf(request)
      return found === undefined ? undefined : verdictOf(gated, request, found)
    },
    async recall(gated) {
      const request = requestOf(gated)
      const standing = await standingOf(request)
      switch (standing?.state) {
        case 'sending':
        case 'done':
        case 'unknown':
          return verdictOf(gated, request, standing)
        default:
          return undefined
      }
    },
    answerOf,
    settle,
    hold(approval) {
      const timer = setInterval(() => void renew(approval).catch(() => undefined), leaseMs / 4)
      timer.unref()
      return () => clearInterval(timer)
    },
  }
}
