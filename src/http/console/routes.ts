/**
 * The pages of who is signed in. They only read: whatever they start goes through the routes under /v1, with their checks.
 */
import type { FastifyRequest } from 'fastify'
import { oneTimeCodesOn, readCodeState } from '../../approval/one-time-code.ts'
import { isPermitted } from '../../approval/passkey-permit.ts'
import { countApproversWithPasskey, listPasskeys } from '../../approval/passkey.ts'
import { askedBefore, listApprovals, type Approval } from '../../approval/store.ts'
import { passkeyObstacle } from '../../approval/ceremony.ts'
import type { ApprovalDecision, DecisionFacts } from '../../core/approval.ts'
import { decisionDigest } from '../../core/decision.ts'
import { readGrant } from '../../directory/grant.ts'
import { readOperator } from '../../directory/operator.ts'
import { isId } from '../../ids.ts'
import { problems } from '../../problem.ts'
import { findApproval, refusalText, standingOf, stateAt, type Standing } from '../approval.ts'
import { clock, outcomeOf } from '../approval-outcome.ts'
import { signedInOf } from '../admin/approval.ts'
import type { Deps } from '../deps.ts'
import { toProblem } from '../error.ts'
import { adminEntry, authenticateOperator, operatorOf } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { idParams } from '../schemas.ts'
import { accessPage } from './access-page.ts'
import { approvalBody } from './approval-page.ts'
import { breakGlassPage } from './break-glass.ts'
import { atHome, sendSignIn } from './door.ts'
import { leasePage, unrevokedNotice } from './lease-page.ts'
import { listBody } from './list-page.ts'
import { markup } from './markup.ts'
import { oneTimeCodePart } from './one-time-code-part.ts'
import { operatorPage } from './operator-page.ts'
import { sendPage } from './page.ts'
import { passkeyBody } from './passkey-page.ts'

const readers = ['admin', 'auditor', 'approver'] as const
const mostListed = 50

export function consoleRoutes(app: App, deps: Deps): void {
  app.addHook('onRequest', atHome(deps))
  app.addHook('onRequest', authenticateOperator(deps))

  // What is refused here is read by a person. I2 holds all the same: what cannot be recorded goes to the error table.
  app.setErrorHandler(async (error, request, reply) => {
    const problem = toProblem(error, request)
    if (request.signedIn === undefined) {
      if (problem.code === 'sign_in_required') return sendSignIn(deps, reply, 401)
      throw problem
    }
    const { status, title } = problems[problem.code]
    if (status >= 500) throw problem
    await deps.audit.append(adminEntry(deps, request, { result: 'refused', reason: problem.code }))
    return sendPage(reply, status, {
      title,
      operator: request.signedIn.operator.name,
      body: markup`<h1>${title}</h1><p>${problem.details.detail}</p>`,
    })
  })

  app.get(
    '/approvals',
    { config: { action: 'console.approvals', roles: readers }, schema: { hide: true } },
    async (request, reply) => {
      const signedIn = signedInOf(request.signedIn)
      const now = deps.now()
      const waiting = await listApprovals(deps.db, {
        limit: mostListed + 1,
        after: '',
        states: ['pending', 'approved', 'held'],
      })
      const mine: Approval[] = []
      const stoppable: Approval[] = []
      const others: Approval[] = []
      for (const approval of waiting.slice(0, mostListed)) {
        const state = stateAt(approval, now)
        if (state === 'approved' || state === 'held') stoppable.push(approval)
        if (state !== 'pending') continue
        const standing = await standingOf(deps.db, approval, signedIn, now)
        const may = decisions.some((each) => refusalOf(standing, each) === undefined)
        ;(may ? mine : others).push(approval)
      }
      return sendPage(reply, 200, {
        title: mine.length === 0 ? 'Approvals' : `(${String(mine.length)}) Approvals`,
        operator: signedIn.operator.name,
        body: listBody({
          mine,
          stoppable,
          others,
          now,
          more: waiting.length > mostListed,
          notice: await unrevokedNotice(deps),
        }),
      })
    },
  )

  app.get(
    '/approvals/:id',
    {
      config: { action: 'console.approval', roles: readers },
      schema: { hide: true, params: idParams('approval') },
    },
    async (request, reply) => {
      const approval = await findApproval(deps.db, request.params.id)
      const now = deps.now()
      return sendPage(reply, 200, {
        title: 'Approval',
        operator: operatorOf(request).name,
        body: approvalBody(await pageOf(request, approval, now)),
      })
    },
  )

  app.get(
    '/passkeys',
    { config: { action: 'console.passkeys' }, schema: { hide: true } },
    async (request, reply) => {
      const operator = operatorOf(request)
      const passkeys = await listPasskeys(deps.db, operator.id)
      const permitted = passkeys.length > 0 || (await isPermitted(deps.db, operator.id, deps.now()))
      const unpermitted = permitted
        ? undefined
        : 'without a passkey it needs another admin to allow it, with valetkey passkey allow'
      return sendPage(reply, 200, {
        title: 'Passkeys',
        operator: operator.name,
        body: passkeyBody({
          passkeys,
          obstacle: unpermitted ?? passkeyObstacle(deps.publicUrl),
          nobodyCanApprove: (await deps.db.transaction().execute(countApproversWithPasskey)) === 0,
          codes: oneTimeCodePart({
            on: await oneTimeCodesOn(deps.db),
            ...(await readCodeState(deps.db, operator.id)),
            touch:
              passkeys.length === 0
                ? undefined
                : { act: 'one_time_code.enrol', subject: operator.id },
            obstacle: unpermitted,
          }),
        }),
      })
    },
  )

  breakGlassPage(app, deps)
  accessPage(app, deps)
  leasePage(app, deps)
  operatorPage(app, deps)

  async function pageOf(request: FastifyRequest, approval: Approval, now: number) {
    const signedIn = signedInOf(request.signedIn)
    const { operator } = signedIn
    const standing = await standingOf(deps.db, approval, signedIn, now)
    const grant = await readGrant(deps.db, approval.grantId)
    const names = await namesOf([
      ...approval.approvedBy,
      ...[approval.deniedBy, approval.cancelledBy, standing.agentOwner].filter((id) => id !== null),
      ...standing.actorOwners,
    ])
    const nameOf = (id: string): string => names.get(id) ?? id
    const state = stateAt(approval, now)
    const mayBrake = operator.roles.some((role) => role === 'admin' || role === 'approver')
    const why = (decision: ApprovalDecision): string | undefined => {
      const refusal = refusalOf(standing, decision)
      return refusal === undefined ? undefined : refusalText(refusal, approval, now)
    }
    const challenge = (decision: ApprovalDecision): string =>
      decisionDigest(approval.document, decision, operator.id).toString('base64url')
    const { state: codes } = await readCodeState(deps.db, operator.id)
    return {
      approval: { ...approval, state },
      outcome: outcomeOf(approval, now, nameOf),
      before: await askedBefore(deps.db, approval.id),
      agentOwner: nameOf(standing.agentOwner),
      actorOwners: standing.actorOwners.map(nameOf),
      verbs: grant?.verbs,
      routing: whoDecides(approval, standing),
      now,
      decision: {
        approveRefusal: why('approve'),
        denyRefusal: why('deny'),
        hasPasskey: (await listPasskeys(deps.db, operator.id)).length > 0,
        codeAllowed:
          codes === 'enrolled' &&
          standing.refusal({ decision: 'approve', evidence: 'one_time_code' }) === undefined,
        mayStop: (state === 'approved' || state === 'held') && mayBrake,
        mayFreeze: mayBrake,
        challenges: { approve: challenge('approve'), deny: challenge('deny') },
      },
    }
  }

  async function namesOf(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const names = new Map<string, string>()
    for (const id of new Set(ids)) {
      if (!isId('operator', id)) continue
      const found = await readOperator(deps.db, id)
      if (found !== undefined) names.set(id, found.name)
    }
    return names
  }
}

const decisions = ['approve', 'deny'] as const

function refusalOf(standing: Standing, decision: DecisionFacts['decision']) {
  return standing.refusal({ decision, evidence: 'passkey' })
}

function whoDecides({ rule }: Approval, { routing }: Standing): string {
  const who =
    routing.to === 'owners'
      ? `the environment's owners; from ${clock(new Date(routing.until))} on, every approver`
      : 'every approver'
  switch (rule) {
    case 'anyone':
      return who
    case 'not_owner':
      return `${who}; not the agent's owner`
    case 'two_persons':
      return `${who}; two different persons must approve`
  }
}
