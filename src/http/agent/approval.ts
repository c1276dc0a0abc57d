/**
 * What became of what an agent asked a person for, and the answer that the broker keeps where it sent the request itself.
 * Guarantees, against an agent with whatever id it has come by: it is told of the approvals of its own grant only, and
 * another's is answered as one that does not exist; an answer is handed to a capability that covers what was asked, so
 * that a narrower one cannot read by it what it may not ask; and each is on record before it is handed out. Nothing here
 * changes anything.
 */
import Type from 'typebox'
import type { FastifyReply } from 'fastify'
import { readApproval, type Approval } from '../../approval/store.ts'
import type { CapabilityClaims } from '../../capability/claims.ts'
import { approvalStates } from '../../core/approval.ts'
import { longestWait } from '../../core/approval-terms.ts'
import { verbCovers } from '../../core/grant.ts'
import type { Policy } from '../../directory/policy.ts'
import type { ApprovalId } from '../../ids.ts'
import { Problem } from '../../problem.ts'
import type { ProviderAdapter } from '../../provider/adapter.ts'
import { approvalMember } from '../../proxy/approval-words.ts'
import type { KeptAnswer } from '../../proxy/kept-answer.ts'
import { adapterOf } from '../access-request.ts'
import { stateAt } from '../approval.ts'
import type { Deps } from '../deps.ts'
import { preferredWait } from '../proxy-gate.ts'
import type { App } from '../realm.ts'
import { answers, closed, id, idParams, Timestamp } from '../schemas.ts'
import { capabilityDoor } from './capability-caller.ts'

/** Calls of one agent that are held open at once. One more is answered at once: a preference is not a promise. */
const mostWaiting = 8

const OwnApproval = closed({
  id: id('approval'),
  state: Type.Union(approvalStates.map((state) => Type.Literal(state))),
  sentence: Type.String({ description: 'What a person is asked, drawn by the broker.' }),
  execute: Type.Union([Type.Literal('agent'), Type.Literal('broker')], {
    description:
      'Who sends it once it is approved: the agent, by sending the same request again, or the broker.',
  }),
  expires_at: Type.String({
    format: 'date-time',
    description:
      'While it is pending: when silence becomes a no. Once it is approved: until when it may be sent.',
  }),
  held_until: Type.Optional(Timestamp),
  cancel_reason: Type.Optional(
    Type.String({ description: 'Once the broker has cancelled it: why, and what to do.' }),
  ),
  url: Type.String({ description: 'This.' }),
  page: Type.String({ description: 'Where a person decides.' }),
  answer: Type.Optional(
    Type.String({ description: 'Where the answer is, once the broker has sent it and keeps one.' }),
  ),
})

const KeptAnswerView = closed({
  status: Type.Integer({ description: 'The provider’s.' }),
  headers: Type.Array(closed({ name: Type.String(), value: Type.String() })),
  body: Type.Union([Type.String(), Type.Null()], {
    description: 'Null where it was longer than is kept, or broke off.',
  }),
  encoding: Type.Union([Type.Literal('utf-8'), Type.Literal('base64')], {
    description: 'Of `body`.',
  }),
})

function ownView(deps: Deps, approval: Approval, now: number) {
  return {
    ...approvalMember(deps.publicUrl, approval),
    state: stateAt(approval, now),
    execute: approval.execute,
    // An operator's own reason is for operators.
    ...(approval.cancelledBy === 'broker' && approval.cancelReason !== null
      ? { cancel_reason: approval.cancelReason }
      : {}),
  }
}

/** In an envelope: what a provider wrote, in whatever form, must not pose as an answer of this host. */
function answerView({ status, headers, body }: KeptAnswer) {
  const named = []
  for (let i = 0; i + 1 < headers.length; i += 2)
    named.push({ name: headers[i] ?? '', value: headers[i + 1] ?? '' })
  const text = body === undefined ? null : textOf(body)
  return {
    status,
    headers: named,
    body: text ?? body?.toString('base64') ?? null,
    encoding: text === undefined ? ('base64' as const) : ('utf-8' as const),
  }
}

function textOf(body: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch {
    return undefined
  }
}

/** Whether these verbs cover all that was asked for, as the catalogue knows it today. */
function covered(claims: CapabilityClaims, adapter: ProviderAdapter, approval: Approval): boolean {
  const verbs = claims.authorization_details[0]?.verbs ?? []
  return approval.document.operations.every(({ name, effects }) => {
    const entry = adapter.find(name)
    if (entry === undefined || entry === 'ambiguous') return false
    const invocation = {
      operation: entry.name,
      ...(entry.root === undefined ? {} : { root: entry.root }),
      effects: entry.effects,
      added: effects.filter((effect) => !entry.effects.includes(effect)),
      scope: entry.scope,
      arguments: {},
      resources: [],
      widens: [],
    }
    return verbs.some((verb) => verbCovers(verb, invocation))
  })
}

/** Whether something may yet happen to it without the agent's doing. */
function moves({ execute }: Approval, state: Approval['state']): boolean {
  switch (state) {
    case 'pending':
    case 'held':
    case 'sending':
      return true
    case 'approved':
      return execute === 'broker'
    case 'done':
    case 'unknown':
    case 'denied':
    case 'expired':
    case 'cancelled':
      return false
  }
}

export function ownApprovalRoutes(app: App, deps: Deps): void {
  const { askingOf, askingAgain, entryOf } = capabilityDoor(app, deps, 'approval')
  const waiting = new Map<string, number>()

  async function own(policy: Policy, approvalId: string): Promise<Approval> {
    const found = await readApproval(deps.db, approvalId as ApprovalId)
    // Another's is answered like none: ids tell nothing. Whoever acts for the agent, or is acted for, is another.
    const actors = (policy.actors ?? []).map(({ id }) => id).join()
    if (
      found?.agentId !== policy.agent.id ||
      found.grantId !== policy.grant.id ||
      found.actors.join() !== actors
    )
      throw new Problem('not_found', 'there is no such approval of this agent under this grant')
    return found
  }

  /** Until it has come to something else, or the agent has waited for as long as it wished, or has gone away. */
  async function changed(
    reply: FastifyReply,
    approval: Approval,
    milliseconds: number,
  ): Promise<void> {
    const { agentId } = approval
    const already = waiting.get(agentId) ?? 0
    if (already >= mostWaiting) return
    waiting.set(agentId, already + 1)
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    try {
      await deps.approvalChanges.of(approval, deps.now() + milliseconds, gone.signal)
    } finally {
      const left = (waiting.get(agentId) ?? 1) - 1
      if (left === 0) waiting.delete(agentId)
      else waiting.set(agentId, left)
    }
  }

  app.get(
    '/agent/approvals/:id',
    {
      config: { action: 'approval.read_own' },
      schema: {
        operationId: 'readOwnApproval',
        summary: 'What became of a request that a person had to approve',
        description:
          'With `Prefer: wait=N` (RFC 7240) it is answered when the state changes, or after N seconds.',
        params: idParams('approval'),
        response: answers(200, OwnApproval),
      },
    },
    async (request, reply) => {
      const { policy } = askingOf(request)
      const approval = await own(policy, request.params.id)
      const wait = Math.min(preferredWait(preferOf(request.headers['prefer'])), longestWait)
      if (wait === 0 || !moves(approval, stateAt(approval, deps.now())))
        return ownView(deps, approval, deps.now())
      await changed(reply, approval, wait * 1000)
      const again = await askingAgain(request)
      return ownView(deps, await own(again.policy, approval.id), deps.now())
    },
  )

  app.get(
    '/agent/approvals/:id/answer',
    {
      config: { action: 'approval.read_answer' },
      schema: {
        operationId: 'readOwnApprovalAnswer',
        summary: 'The provider’s answer to an approved request that the broker has sent',
        params: idParams('approval'),
        response: answers(200, KeptAnswerView),
      },
    },
    async (request) => {
      const asking = askingOf(request)
      const approval = await own(asking.policy, request.params.id)
      if (!covered(asking.claims, adapterOf(deps, asking.policy), approval)) {
        throw new Problem('verb_missing', {
          detail: 'this capability does not cover what was asked: use one that does',
          members: { ask: '/oauth/token' },
        })
      }
      const answer = await deps.gate.answerOf(approval)
      if (answer === undefined)
        throw new Problem('not_found', 'no answer is kept: see the state of the approval')
      await deps.audit.append(entryOf(request, asking, { result: 'done', subject: approval.id }))
      return answerView(answer)
    },
  )
}

function preferOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header
}
