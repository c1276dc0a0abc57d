/**
 * A request that needs a person, at the agents' door: parked, held open for as long as was asked, sent once where it is
 * approved. After each wait everything is established anew, because what held before it need not hold now.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Approval } from '../approval/store.ts'
import { AuditUnavailable } from '../audit/log.ts'
import { actorRulesOf } from '../capability/attenuate.ts'
import { longestWait } from '../core/approval-terms.ts'
import { Problem, type ProblemCode, type ProblemDetails } from '../problem.ts'
import type { Denial } from '../proxy/denial.ts'
import type { Evaluation } from '../proxy/evaluate.ts'
import type { Failure } from '../proxy/failure.ts'
import type { Gated, Verdict } from '../proxy/gate.ts'
import type { Caller } from './caller.ts'
import type { Deps } from './deps.ts'

export type Decided = Extract<Evaluation, { kind: 'decided' }>
type Refused = Exclude<Decided['decision'], { kind: 'allow' }>

/** What the door does with any request, and with these too. */
export type Door = {
  authenticate(request: FastifyRequest): Promise<void>
  evaluate(request: FastifyRequest, caller: Caller): Evaluation | Promise<Evaluation>
  forward(
    request: FastifyRequest,
    reply: FastifyReply,
    caller: Caller,
    evaluation: Decided,
    startedAt: number,
    approvalId?: string,
  ): Promise<Failure | undefined>
  failed(request: FastifyRequest, reply: FastifyReply, failure: Failure): FastifyReply
  recordDecision(
    request: FastifyRequest,
    caller: Caller,
    evaluation: Decided,
    decision: Refused,
    approvalId?: string,
  ): Promise<void>
  denied(
    request: FastifyRequest,
    reply: FastifyReply,
    caller: Caller,
    evaluation: Decided,
    decision: Refused,
    denial?: Denial,
  ): Promise<FastifyReply>
  refuse(
    request: FastifyRequest,
    reply: FastifyReply,
    code: ProblemCode,
    details: ProblemDetails,
  ): Promise<FastifyReply>
  send(request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply
}

export function createGatekeeper(deps: Deps, door: Door) {
  const open = new Map<string, number>()

  async function sendApproved(
    request: FastifyRequest,
    reply: FastifyReply,
    caller: Caller,
    evaluation: Decided,
    approval: Approval,
  ): Promise<FastifyReply> {
    const release = deps.gate.hold(approval)
    request.caller = undefined
    try {
      const failure = await door.forward(
        request,
        reply,
        caller,
        evaluation,
        performance.now(),
        approval.id,
      )
      await deps.gate.settle(
        approval,
        failure === undefined ? { kind: 'answered' } : { kind: 'failed', failure },
      )
      return failure === undefined ? reply : door.failed(request, reply, failure)
    } catch (error) {
      if (error instanceof AuditUnavailable)
        await deps.gate
          .settle(approval, { kind: 'not_sent', reason: 'it could not be recorded' })
          .catch(() => undefined)
      throw error
    } finally {
      release()
    }
  }

  /** While a break-glass is in force, which the intent on record names. */
  async function sendWithout(
    request: FastifyRequest,
    reply: FastifyReply,
    caller: Caller,
    evaluation: Decided,
  ): Promise<FastifyReply> {
    request.caller = undefined
    const failure = await door.forward(request, reply, caller, evaluation, performance.now())
    return failure === undefined ? reply : door.failed(request, reply, failure)
  }

  /** The answer that the broker kept. */
  async function replay(
    request: FastifyRequest,
    reply: FastifyReply,
    caller: Caller,
    evaluation: Decided,
    decision: Refused,
    { approval, answer }: Extract<Verdict, { kind: 'answered' }>,
  ): Promise<FastifyReply> {
    await door.recordDecision(request, caller, evaluation, decision, approval.id)
    const { body } = answer
    if (body === undefined) {
      void reply.header('valetkey-decision', decision.kind)
      const detail = 'it was sent; its answer was too long to be kept, or broke off'
      return door.send(request, reply, new Problem('approval_used', detail))
    }
    reply.hijack()
    reply.raw.writeHead(answer.status, [...answer.headers])
    reply.raw.end(request.method === 'HEAD' ? '' : body)
    return reply
  }

  return async function throughGate(
    request: FastifyRequest,
    reply: FastifyReply,
    first: { caller: Caller; evaluation: Decided },
  ): Promise<FastifyReply> {
    let { caller, evaluation } = first
    let because: readonly string[] = []
    let waitedFor: Approval | undefined
    const { policy, headers } = caller
    const wait = Math.max(preferredWait(headers['prefer']), policy.approvalTerms.waitSeconds)
    const until = deps.now() + Math.min(wait, longestWait) * 1000
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    for (;;) {
      const { decision } = evaluation
      // A rule that was weakened meanwhile does not let through what was asked under the stricter one.
      if (decision.kind === 'needs_approval') because = decision.because
      const broken = decision.kind === 'allow' ? decision.breakGlass : undefined
      if (broken !== undefined) because = broken.because
      const refusal: Refused =
        decision.kind === 'deny' ? decision : { kind: 'needs_approval', because }
      const gated = {
        adapter: caller.adapter,
        policy: caller.policy,
        capabilityId: caller.claims.jti,
        ancestors: caller.claims.ancestors,
        ruleId: caller.subject.ruleId,
        actorRules: [...actorRulesOf(caller.claims).values()],
        bound: caller.claims.cnf !== undefined,
        correlationId: request.id,
        evaluation,
        because,
        reason: wordsOf(headers['valetkey-reason']),
        waitedFor,
      }
      const verdict =
        refusal.kind === 'deny'
          ? await recall(refusal, gated)
          : // It takes the place of asking a person, not of what one has said: a no stays one, and nothing goes twice.
            await (broken === undefined ? deps.gate.consider(gated) : deps.gate.standing(gated))
      if (verdict === undefined && broken !== undefined)
        return sendWithout(request, reply, caller, evaluation)
      if (verdict === undefined) return door.denied(request, reply, caller, evaluation, refusal)
      if (verdict.kind === 'go')
        return sendApproved(request, reply, caller, evaluation, verdict.approval)
      if (verdict.kind === 'answered')
        return replay(request, reply, caller, evaluation, refusal, verdict)
      const { denial } = verdict
      if (verdict.kind === 'refused' || deps.now() >= until)
        return door.denied(request, reply, caller, evaluation, refusal, denial)
      waitedFor = verdict.approval
      const { id: agentId } = caller.policy.agent
      if (
        !(await held(agentId, () => deps.approvalChanges.of(verdict.approval, until, gone.signal)))
      )
        return door.denied(request, reply, caller, evaluation, refusal, denial)
      await door.authenticate(request)
      if (request.caller === undefined) throw new Problem('capability_missing', 'it is gone')
      caller = request.caller
      const anew = await door.evaluate(request, caller)
      if (anew.kind === 'not_understood')
        return door.refuse(request, reply, anew.refusal.code, { detail: anew.refusal.detail })
      evaluation = anew
      // Nobody would hear what came of it, and the agent may have given it up: it is not sent for its sake any more.
      if (gone.signal.aborted)
        return door.denied(request, reply, caller, evaluation, refusal, denial)
    }
  }

  /** What was sent may have taken away what it is located by: it is known again by its digest. */
  function recall(
    { reason }: Extract<Refused, { kind: 'deny' }>,
    gated: Gated,
  ): Promise<Verdict | undefined> | undefined {
    switch (reason.kind) {
      case 'unresolved':
      case 'nothing_located':
      case 'outside':
        return deps.gate.recall(gated)
      default:
        return undefined
    }
  }

  /** False where this agent has as many calls open as it may: each keeps its request in memory. */
  async function held(agentId: string, wait: () => Promise<void>): Promise<boolean> {
    const already = open.get(agentId) ?? 0
    if (already >= mostHeld) return false
    open.set(agentId, already + 1)
    try {
      await wait()
      return true
    } finally {
      const left = (open.get(agentId) ?? 1) - 1
      if (left === 0) open.delete(agentId)
      else open.set(agentId, left)
    }
  }
}

/** How many calls of one agent are held open at once, on one replica. Those beyond are answered at once. */
const mostHeld = 32

/** RFC 7240 §4.3: how many seconds the agent is ready to wait; none where it does not say. */
export function preferredWait(prefer: string | undefined): number {
  const match = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,4})(?![\d.])/i.exec(prefer ?? '')
  return match === null ? 0 : Number(match[1])
}

/**
 * The agent's own reason. Node reads the bytes of a field as latin1, and clients write what is not ASCII as UTF-8: bytes
 * that are no UTF-8 are taken as they came. A field of 32 KiB at most, of which park.ts keeps the first 500 characters.
 */
export function wordsOf(field: string | undefined): string | undefined {
  if (field === undefined) return undefined
  try {
    return utf8.decode(Buffer.from(field, 'latin1'))
  } catch {
    return field
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
