/**
 * Sends approved requests that the broker itself is to send: at once, or when their undo window is over. One replica
 * takes each, by a conditional update; everything that allowed it is checked again before it leaves; a replica that dies
 * in between leaves it `unknown`, and nobody sends it a second time.
 */
import { AuditUnavailable, appendWithin } from '../audit/log.ts'
import { cancelWhere, sweep, type CancelScope } from '../approval/ending.ts'
import { openRequest, type ApprovalSealer } from '../approval/sealed.ts'
import { claimDue } from '../approval/step.ts'
import { listApprovals, type Approval, type RecordChange } from '../approval/store.ts'
import { requestDigest } from '../core/approval.ts'
import { createClaimedWork, type ClaimedWork } from '../db/claimed-work.ts'
import type { SharedClock } from '../db/clock.ts'
import type { Db } from '../db/open.ts'
import { expireAccessRequests } from '../directory/access-request.ts'
import type { PolicyReader } from '../directory/policy.ts'
import { newId, type ReplicaId } from '../ids.ts'
import type { ProviderAdapter, ProviderRequest } from '../provider/adapter.ts'
import type { Evaluator } from './evaluate.ts'
import type { Forwarder } from './forward.ts'
import { endEntry } from './approval-entry.ts'
import { approvableRequest, leaseMs, type Gate } from './gate.ts'
import { AnswerKeeper } from './kept-answer.ts'
import { unmetCondition, type AskFor } from './parking.ts'
import type { Settlement } from './settlement.ts'
import { actorsTrusted, frozen, trusted } from './standing.ts'
import { objection, underWeakerTerms, weakerTerms } from './still-approved.ts'

export type Dispatcher = ClaimedWork

export type DispatcherDeps = {
  readonly db: Db
  readonly sealer: ApprovalSealer
  readonly sealed: () => boolean
  readonly replicaId: ReplicaId
  readonly publicUrl: string
  readonly gate: Gate
  readonly policies: PolicyReader
  readonly providers: ReadonlyMap<string, ProviderAdapter>
  readonly evaluator: Evaluator
  readonly forwarder: Forwarder
  readonly isRevoked: (capabilityId: string) => boolean
  readonly confirm: () => boolean | Promise<boolean>
  readonly askFor: AskFor
  readonly sharedNow: SharedClock
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** How many are sent at once. */
const mostAtOnce = 8
const readAtOnce = 500

export function createDispatcher(deps: DispatcherDeps): Dispatcher {
  const { db, now, sharedNow, replicaId } = deps
  const record: RecordChange = (tx, approval) =>
    appendWithin(tx, { ...endEntry(approval, now()), correlationId: newId('correlation', now()) })

  /** What was revoked, disabled or frozen takes along what was parked under it; I8 does not wait for its sending. */
  async function stopRevoked(): Promise<void> {
    let after = ''
    for (;;) {
      const open = await listApprovals(db, {
        limit: readAtOnce,
        after,
        states: ['pending', 'approved', 'held'],
      })
      for (const approval of open) {
        const reason = await inForce(approval)
        if (reason !== undefined) await stop(approval, reason)
      }
      const last = open.at(-1)
      if (last === undefined || open.length < readAtOnce) return
      after = last.id
    }
  }

  async function stop(approval: Approval, reason: string): Promise<void> {
    const why = { by: 'broker', reason, now: now() }
    await db
      .transaction()
      .execute((tx) => cancelWhere(tx, stopsWith(approval, reason), why, record))
  }

  /** Why it may not be sent, as things are now; undefined where it may. */
  async function inForce(approval: Approval): Promise<string | undefined> {
    if ([approval.capabilityId, ...approval.ancestors].some(deps.isRevoked))
      return revokedCapability
    const policy = await deps.policies.policyOf(approval.grantId, approval.actors)
    if (policy === undefined || policy.state !== 'active' || policy.expiresAt <= now())
      return 'the grant, or something it rests on, is not in force any more'
    if (!trusted(policy, approval.ruleId) || !actorsTrusted(policy, approval.actorRules))
      return untrustedRule
    if (policy.grant.requireDpop && !approval.bound) return unbound
    const stopped = frozen(policy)
    if (stopped !== undefined) return `an operator has frozen ${stopped}`
    if (
      policy.credential.id !== approval.credential.id ||
      policy.credential.version !== approval.credential.version
    )
      return anotherCredential
    if (underWeakerTerms(approval, policy)) return weakerTerms
    return undefined
  }

  async function send(approval: Approval): Promise<void> {
    const release = deps.gate.hold(approval)
    try {
      await deps.gate.settle(approval, await attempt(approval))
    } catch {
      // Its lease runs out, and it is shown as unknown: whether anything left cannot be told here.
    } finally {
      release()
    }
  }

  async function attempt(approval: Approval): Promise<Settlement> {
    const stopped = (reason: string): Settlement => ({ kind: 'not_sent', reason })
    if (!(await deps.confirm())) return stopped('the broker could not hear whether it was revoked')
    const reason = await inForce(approval)
    if (reason !== undefined) return stopped(reason)
    const policy = await deps.policies.policyOf(approval.grantId, approval.actors)
    const adapter = deps.providers.get(approval.provider)
    const request = await openRequest(db, deps.sealer, approval)
    if (policy === undefined || adapter === undefined || request === undefined)
      return stopped('the request that was approved could not be opened')
    const { requestDigest: digest } = approval.document
    const asked = { requestDigest: digest, policy, now: await sharedNow(db) }
    const doubt = await objection(deps, approval, asked)
    if (doubt !== undefined) return stopped(doubt)
    const correlationId = newId('correlation', now())
    const queryAt = request.target.indexOf('?')
    const arrived: ProviderRequest = {
      method: request.method,
      path: queryAt === -1 ? request.target : request.target.slice(0, queryAt),
      query: queryAt === -1 ? undefined : request.target.slice(queryAt + 1),
      headers: { ...request.headers, ...request.readBy },
      body: request.body ?? Buffer.alloc(0),
    }
    const evaluation = await deps.evaluator.evaluate(
      adapter,
      { policy, capability: undefined, verbs: policy.grant.verbs, now: now() },
      arrived,
      correlationId,
    )
    if (evaluation.kind !== 'decided' || evaluation.decision.kind === 'deny')
      return stopped('what it touches is not what it touched when it was asked for')
    const again = approvableRequest(adapter, policy, evaluation.request)
    if (requestDigest(again) !== digest)
      return stopped('it would leave as another request than the one that was approved')
    const understood = { adapter, policy, correlationId, evaluation }
    const unmet = await unmetCondition(deps.askFor, understood)
    if (unmet !== undefined) return stopped(unmet.details.detail)
    const keeper = new AnswerKeeper()
    const { idempotencyHeader } = adapter
    const forwarding = deps.forwarder.forward(
      {
        adapter,
        policy,
        subject: {
          policy,
          capabilityId: approval.capabilityId,
          correlationId,
          provider: adapter.name,
          ruleId: approval.ruleId ?? undefined,
          ancestors: approval.ancestors,
        },
        evaluation: {
          ...evaluation,
          request:
            idempotencyHeader === undefined
              ? evaluation.request
              : {
                  ...evaluation.request,
                  headers: { ...evaluation.request.headers, [idempotencyHeader]: approval.id },
                },
        },
        method: request.method,
        path: arrived.path,
        approvalId: approval.id,
        askedAt: () => arrived.path,
        startedAt: performance.now(),
      },
      () => keeper,
    )
    let failure
    try {
      failure = await forwarding
    } catch (error) {
      if (error instanceof AuditUnavailable)
        return stopped('it could not be recorded, so it was not sent')
      throw error
    }
    return failure === undefined
      ? { kind: 'answered', answer: keeper.answer }
      : { kind: 'failed', failure }
  }

  return createClaimedWork({
    mostAtOnce,
    sealed: deps.sealed,
    async sweep() {
      await db.transaction().execute(async (tx) => {
        await sweep(tx, await sharedNow(tx), record)
        await expireAccessRequests(tx, now())
      })
      await stopRevoked()
    },
    take: () =>
      db.transaction().execute(async (tx) => {
        const at = await sharedNow(tx)
        return claimDue(tx, { replicaId, leaseUntil: at + leaseMs, now: at }, record)
      }),
    work: send,
  })
}

const anotherCredential = 'the credential is another than the one it was approved for'
const untrustedRule = 'the trust rule it was asked under holds no more'
const unbound =
  'its capability is not bound to a key, and the grant asks for that now: send it again with one that is'
const revokedCapability = 'the capability it was asked with was revoked'

/**
 * What goes with it. Those of another credential, of a rule that holds no more, of a bearer's capability or of older terms
 * go alone: the grant may have others that are as they should be. What stops whoever acts for the agent need not stop the agent; each of theirs is
 * looked at on its own, and an ancestor's revocation is found at each of what came of it.
 */
function stopsWith(approval: Approval, reason: string): CancelScope {
  const { id, capabilityId, grantId } = approval
  if (approval.actors.length > 0) return { kind: 'approval', id }
  switch (reason) {
    case anotherCredential:
    case untrustedRule:
    case unbound:
    case weakerTerms:
      return { kind: 'approval', id }
    case revokedCapability:
      return { kind: 'capability', id: capabilityId }
    default:
      return { kind: 'grant', id: grantId }
  }
}
