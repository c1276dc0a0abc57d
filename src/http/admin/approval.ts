/**
 * Approvals over REST, as far as reading and stopping goes: both are open to a bearer, as neither gives anybody anything.
 * The decisions are in approval-decision.ts.
 */
import Type from 'typebox'
import { cancel } from '../../approval/ending.ts'
import { askedBefore, listApprovals, type Approval } from '../../approval/store.ts'
import { approvalStates, approverRules } from '../../core/approval.ts'
import { sentence } from '../../core/approval-facts.ts'
import { Problem } from '../../problem.ts'
import { environmentOf, findApproval, pageUrl, standingOf, stateAt } from '../approval.ts'
import { outcomeOf } from '../approval-outcome.ts'
import type { Deps } from '../deps.ts'
import { operatorOf, type SignedIn } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { answers, closed, Effect, id, idParams, ProviderName, Timestamp } from '../schemas.ts'
import { askedListRoute } from './asked-list.ts'
import { commit } from './change.ts'

const State = Type.Union(approvalStates.map((state) => Type.Literal(state)))
const orNull = <T extends ReturnType<typeof Type.String>>(schema: T) =>
  Type.Union([schema, Type.Null()])
const Decision = Type.Union([Type.Literal('approve'), Type.Literal('deny')])

const ApprovalView = closed({
  id: id('approval'),
  state: State,
  sentence: Type.String({
    description: 'What would happen, drawn by the broker; text from outside is made visible.',
  }),
  url: Type.String({ description: 'The page on which it is decided.' }),
  agent: id('agent'),
  grant: id('grant'),
  environment: id('environment'),
  provider: ProviderName,
  operations: Type.Array(
    closed({
      name: Type.String(),
      effects: Type.Array(Effect),
      objects: Type.Array(Type.String()),
    }),
  ),
  request_digest: Type.String({ description: 'SHA-256 of the canonical request, in hex.' }),
  rule: Type.Union(approverRules.map((rule) => Type.Literal(rule))),
  execute: Type.Union([Type.Literal('agent'), Type.Literal('broker')], {
    description: 'Who sends it once it is approved.',
  }),
  hold_seconds: Type.Integer({ description: 'The undo window; 0 where there is none.' }),
  requested_at: Timestamp,
  expires_at: Timestamp,
  approved_by: Type.Array(id('operator')),
  denied_by: orNull(id('operator')),
  settled_at: orNull(Timestamp),
  held_until: orNull(Timestamp),
  usable_until: orNull(Timestamp),
  cancelled_by: orNull(Type.String()),
  cancel_reason: orNull(Type.String()),
  ended_at: orNull(Timestamp),
})

const Before = closed({ asked: Type.Integer(), refused: Type.Integer() })
const MayDecide = orNull(
  Type.String({ description: 'Why whoever is signed in may not; null where they may.' }),
)

export const ApprovalOne = closed({
  ...ApprovalView.properties,
  outcome: Type.String({ description: 'What has happened, and what comes next.' }),
  document: Type.Object(
    {},
    { additionalProperties: true, description: 'What an approver reads and signs, as it came.' },
  ),
  words: Type.Union([Type.String(), Type.Null()], {
    description: 'The agent’s own words. Nobody has checked them; show them apart.',
  }),
  asked_before: closed({ request: Before, operations: Before }),
  decisions: Type.Array(
    closed({
      approver: id('operator'),
      decision: Decision,
      at: Timestamp,
      proof: Type.Union([Type.Literal('passkey'), Type.Literal('one_time_code')]),
    }),
  ),
  routed_to: Type.Union([Type.Literal('owners'), Type.Literal('every_approver')]),
  refusal: closed({ approve: MayDecide, deny: MayDecide }),
})

export function view(deps: Pick<Deps, 'publicUrl'>, approval: Approval, now: number) {
  const { document } = approval
  return {
    id: approval.id,
    state: stateAt(approval, now),
    sentence: sentence(document),
    url: pageUrl(deps, approval.id),
    agent: approval.agentId,
    grant: approval.grantId,
    environment: approval.environmentId,
    provider: approval.provider,
    operations: document.operations.map(({ name, effects, objects }) => ({
      name,
      effects: [...effects],
      objects: objects.map((object) => object.id),
    })),
    request_digest: approval.requestDigest,
    rule: approval.rule,
    execute: approval.execute,
    hold_seconds: approval.holdSeconds,
    requested_at: approval.requestedAt.toISOString(),
    expires_at: approval.expiresAt.toISOString(),
    approved_by: [...approval.approvedBy],
    denied_by: approval.deniedBy,
    settled_at: approval.settledAt?.toISOString() ?? null,
    held_until: approval.heldUntil?.toISOString() ?? null,
    usable_until: approval.usableUntil?.toISOString() ?? null,
    cancelled_by: approval.cancelledBy,
    cancel_reason: approval.cancelReason,
    ended_at: approval.endedAt?.toISOString() ?? null,
  }
}

/** How a decision was proven, by what is stored with it. */
export function proofKind(evidence: unknown): 'passkey' | 'one_time_code' {
  const kind: unknown = Reflect.get(Object(evidence), 'kind')
  return kind === 'one_time_code' ? kind : 'passkey'
}

/** As `ApprovalOne`. */
export async function oneView(deps: Deps, approval: Approval, signedIn: SignedIn) {
  const now = deps.now()
  const standing = await standingOf(deps.db, approval, signedIn, now)
  const { what, next } = outcomeOf(approval, now, (id) => id)
  const refusal = (decision: 'approve' | 'deny') =>
    standing.refusal({ decision, evidence: 'passkey' }) ?? null
  return {
    ...view(deps, approval, now),
    outcome: `${what} ${next}`,
    document: { ...approval.document },
    words: approval.reason,
    asked_before: await askedBefore(deps.db, approval.id),
    decisions: approval.decisions.map(({ approverId, decision, at, evidence }) => ({
      approver: approverId,
      decision,
      at: new Date(at).toISOString(),
      proof: proofKind(evidence),
    })),
    routed_to: standing.routing.to,
    refusal: { approve: refusal('approve'), deny: refusal('deny') },
  }
}

export function approvalRoutes(app: App, deps: Deps): void {
  askedListRoute(app, deps, {
    noun: 'approvals',
    action: 'approval.list',
    operationId: 'listApprovals',
    summary: 'List approvals, oldest first',
    states: approvalStates,
    schema: ApprovalView,
    rows: ({ state, environmentId, ...asked }) =>
      listApprovals(deps.db, {
        ...asked,
        states: state === undefined ? undefined : [state],
        environmentIds: environmentId === undefined ? undefined : [environmentId],
      }),
    view: (row) => view(deps, row, deps.now()),
  })

  app.get(
    '/v1/approvals/:id',
    {
      config: { action: 'approval.read', roles: ['admin', 'auditor', 'approver'] },
      schema: {
        operationId: 'readApproval',
        summary: 'Read an approval: what it is about, and what has become of it',
        params: idParams('approval'),
        response: answers(200, ApprovalOne),
      },
    },
    async (request) =>
      oneView(deps, await findApproval(deps.db, request.params.id), signedInOf(request.signedIn)),
  )

  app.post(
    '/v1/approvals/:id/cancel',
    {
      config: { action: 'approval.cancel', roles: ['admin', 'approver'] },
      schema: {
        operationId: 'cancelApproval',
        summary: 'Stop a request that was not sent yet: waiting, approved, or in its undo window',
        params: idParams('approval'),
        body: closed({ reason: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })) }),
        response: answers(200, ApprovalOne),
      },
    },
    async (request) => {
      const found = await findApproval(deps.db, request.params.id)
      const reason = request.body.reason ?? 'an operator cancelled it'
      const stopped = await commit(
        deps,
        request,
        async (tx) => {
          const by = operatorOf(request).id
          // `commit` writes the entry, in this same transaction.
          const cancelled = await cancel(tx, { id: found.id, by, reason, now: deps.now() }, noEntry)
          if (cancelled === undefined) throw await tooLate(tx, found.id)
          const change = { agent: found.agentId, was: found.state, reason }
          const environment = environmentOf(found)
          return { value: cancelled, subject: found.id, environment, change }
        },
        'approval',
      )
      return oneView(deps, stopped, signedInOf(request.signedIn))
    },
  )

  app.get(
    '/v1/approvals/:id/evidence',
    {
      config: { action: 'approval.export', roles: ['admin', 'auditor', 'approver'] },
      schema: {
        operationId: 'exportApprovalEvidence',
        summary: 'The evidence of each decision, as the file for valetkey approval verify',
        params: idParams('approval'),
        response: answers(200, Type.Array(Type.Object({}, { additionalProperties: true }))),
      },
    },
    async (request, reply) => {
      const approval = await findApproval(deps.db, request.params.id)
      if (approval.decisions.length === 0)
        throw new Problem('not_found', 'nobody has decided about it')
      void reply.header('content-disposition', `attachment; filename="${approval.id}.json"`)
      // As it is stored, without a member lost or added: its reader is a program that is not this one.
      return approval.decisions.map(({ evidence }) => ({
        ...(evidence as Record<string, unknown>),
      }))
    },
  )

  async function tooLate(tx: Parameters<typeof findApproval>[0], approvalId: string) {
    const current = await findApproval(tx, approvalId)
    return new Problem('conflict', `it is ${current.state}: there is nothing left to stop`)
  }
}

export const noEntry = (): Promise<void> => Promise.resolve()

export function signedInOf(signedIn: SignedIn | undefined): SignedIn {
  if (signedIn === undefined) throw new Problem('sign_in_required', 'sign in at /v1/sign-in')
  return signedIn
}
