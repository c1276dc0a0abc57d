/**
 * Break-glass over REST (docs/break-glass.md). One admin asks; another confirms, in a browser, with the password again and
 * with a touch of their passkey as soon as an admin has one: neither a stored bearer, nor one person with two of them,
 * puts it into force. Ending it asks for nothing but the role.
 */
import Type from 'typebox'
import { cancelWhere } from '../../approval/ending.ts'
import { appendWithin } from '../../audit/log.ts'
import { confirmableFor, longestBreakGlass } from '../../core/break-glass.ts'
import {
  askBreakGlass,
  confirmBreakGlass,
  endBreakGlass,
  listBreakGlasses,
  readBreakGlass,
  stateOf,
  subjectActive,
  type BreakGlassRecord,
  type ConfirmRefusal,
} from '../../directory/break-glass.ts'
import { readEnvironment } from '../../directory/environment.ts'
import { readGrant } from '../../directory/grant.ts'
import { newId, type BreakGlassId, type EnvironmentId, type GrantId } from '../../ids.ts'
import { Problem, type ProblemCode } from '../../problem.ts'
import { endEntry } from '../../proxy/approval-entry.ts'
import { pageOf } from '../cursor.ts'
import { AssertionBody } from '../decision-proof.ts'
import type { Deps } from '../deps.ts'
import { operatorOf, requireBrowser, requirePassword } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { answers, closed, id, idParams, page, PageQuery, Password, Timestamp } from '../schemas.ts'
import { commit } from './change.ts'
import { requirePresence, usePresence } from './presence.ts'

const OrNull = <S extends Parameters<typeof Type.Union>[0][number]>(schema: S) =>
  Type.Union([schema, Type.Null()])
const BreakGlassView = closed({
  id: id('breakGlass'),
  state: Type.Union(
    (['asked', 'expired', 'in_force', 'over', 'ended'] as const).map((state) =>
      Type.Literal(state),
    ),
  ),
  grant: OrNull(id('grant')),
  environment: id('environment'),
  reason: Type.String(),
  minutes: Type.Integer(),
  asked_by: id('operator'),
  asked_at: Timestamp,
  confirm_until: Timestamp,
  confirmed_by: OrNull(id('operator')),
  confirmed_at: OrNull(Timestamp),
  ends_at: OrNull(Timestamp),
  ended_by: OrNull(id('operator')),
  ended_at: OrNull(Timestamp),
})

function viewAt(now: number) {
  return (record: BreakGlassRecord) => ({
    id: record.id,
    state: stateOf(record, now),
    grant: record.grantId,
    environment: record.environmentId,
    reason: record.reason,
    minutes: record.seconds / 60,
    asked_by: record.askedBy,
    asked_at: record.askedAt.toISOString(),
    confirm_until: new Date(record.askedAt.getTime() + confirmableFor).toISOString(),
    confirmed_by: record.confirmedBy,
    confirmed_at: record.confirmedAt?.toISOString() ?? null,
    ends_at: record.endsAt?.toISOString() ?? null,
    ended_by: record.endedBy,
    ended_at: record.endedAt?.toISOString() ?? null,
  })
}

const said: Readonly<Record<ConfirmRefusal, readonly [ProblemCode, string]>> = {
  not_found: ['not_found', 'there is no break-glass of this id'],
  own: ['forbidden', 'another admin must confirm it: you asked for it'],
  not_admin: ['forbidden', 'you are no admin any more'],
  asker_not_admin: ['forbidden', 'whoever asked for it is no admin any more'],
  not_asked: ['conflict', 'it was confirmed or ended before, or asked for too long ago'],
  subject_inactive: ['conflict', 'what it is for is disabled, revoked or expired'],
}

export function breakGlassRoutes(app: App, deps: Deps): void {
  async function environmentOf(environmentId: EnvironmentId) {
    const environment = await readEnvironment(deps.db, environmentId)
    if (environment === undefined)
      throw new Problem('not_found', 'there is no environment of this id')
    return { id: environmentId, name: environment.name }
  }

  async function subjectOf(body: { readonly grant?: string; readonly environment?: string }) {
    if ((body.grant === undefined) === (body.environment === undefined))
      throw new Problem('invalid_request', {
        detail: 'it is for one grant or for one environment: exactly one of them',
        errors: [{ pointer: '/grant', detail: 'or /environment must be there, and not both' }],
      })
    if (body.grant === undefined)
      return { grantId: null, environmentId: body.environment as EnvironmentId }
    const grant = await readGrant(deps.db, body.grant as GrantId)
    if (grant === undefined) throw new Problem('not_found', 'there is no grant of this id')
    return { grantId: grant.id, environmentId: grant.environmentId }
  }

  app.post(
    '/v1/break-glass',
    {
      config: { action: 'break_glass.ask', roles: ['admin'] },
      schema: {
        operationId: 'askBreakGlass',
        summary: 'Ask that a grant, or an environment, does without approvals for a while',
        description: 'Nothing happens until another admin confirms it, within fifteen minutes.',
        body: closed({
          grant: Type.Optional(id('grant')),
          environment: Type.Optional(id('environment')),
          reason: Type.String({ minLength: 1, maxLength: 500 }),
          minutes: Type.Optional(
            Type.Integer({
              minimum: 1,
              maximum: longestBreakGlass / 60,
              description: 'How long once it is confirmed; 30 by default.',
            }),
          ),
          password: Password,
        }),
        response: answers(201, BreakGlassView),
      },
    },
    async (request, reply) => {
      await requirePassword(deps, request, request.body.password)
      const { reason, minutes = longestBreakGlass / 60 } = request.body
      const subject = await subjectOf(request.body)
      const environment = await environmentOf(subject.environmentId)
      const askedBy = operatorOf(request).id
      const asked = await commit(deps, request, async (tx) => {
        const now = deps.now()
        if (!(await subjectActive(tx, subject, now))) throw problemOf('subject_inactive')
        const value = await askBreakGlass(tx, {
          ...subject,
          reason,
          seconds: minutes * 60,
          askedBy,
          now,
        })
        const change = { grant: subject.grantId, minutes, reason }
        return { value, subject: value.id, environment, change }
      })
      void reply.code(201)
      return viewAt(deps.now())(asked)
    },
  )

  app.get(
    '/v1/break-glass',
    {
      config: { action: 'break_glass.list', roles: ['admin', 'auditor', 'approver'] },
      schema: {
        operationId: 'listBreakGlass',
        summary: 'List what was asked for, is in force, and was',
        querystring: closed(PageQuery),
        response: answers(200, page(BreakGlassView)),
      },
    },
    (request) =>
      pageOf(
        deps.cursors,
        'break-glass',
        request.query,
        (asked) => listBreakGlasses(deps.db, asked),
        viewAt(deps.now()),
      ),
  )

  app.post(
    '/v1/break-glass/:id/confirm',
    {
      config: { action: 'break_glass.confirm', roles: ['admin'] },
      schema: {
        operationId: 'confirmBreakGlass',
        summary: 'Put into force what another admin has asked for, in a browser',
        description:
          'As soon as an admin has a passkey, this needs the touch of an admin’s: `prepareTouch`. Requests that wait for an approval, or for their undo window to end, are stopped: they can be sent again.',
        params: idParams('breakGlass'),
        body: closed({ password: Password, assertion: Type.Optional(AssertionBody) }),
        response: answers(200, BreakGlassView),
      },
    },
    async (request) => {
      requireBrowser(request)
      const { password, assertion } = request.body
      await requirePassword(deps, request, password)
      const breakGlassId = request.params.id as BreakGlassId
      const asked = await readBreakGlass(deps.db, breakGlassId)
      if (asked === undefined) throw problemOf('not_found')
      const by = operatorOf(request).id
      // Said before they touch anything; what counts is asked again in the transaction.
      if (asked.askedBy === by) throw problemOf('own')
      const environment = await environmentOf(asked.environmentId)
      const use = await requirePresence(deps, request, {
        act: 'break_glass.confirm',
        subject: breakGlassId,
        of: 'admins',
        assertion,
      })
      const confirmed = await commit(deps, request, async (tx) => {
        await usePresence(tx, deps, request, use, 'admins')
        const now = deps.now()
        const value = await confirmBreakGlass(tx, { id: breakGlassId, by, now })
        if (typeof value === 'string') throw problemOf(value)
        const { grantId, endsAt, reason, askedBy } = value
        // What is parked now could be approved later, and go a second time beside what goes without.
        const stopped = await cancelWhere(
          tx,
          grantId === null
            ? { kind: 'environment', id: value.environmentId }
            : { kind: 'grant', id: grantId },
          { by, reason: `break-glass ${breakGlassId} is in force`, now },
          (within, approval) =>
            appendWithin(within, {
              ...endEntry(approval, now),
              correlationId: newId('correlation', now),
            }),
        )
        const change = {
          grant: grantId,
          until: endsAt?.toISOString() ?? '',
          reason,
          asked_by: askedBy,
          stopped: stopped.length,
        }
        return { value, subject: breakGlassId, environment, change }
      })
      return viewAt(deps.now())(confirmed)
    },
  )

  app.post(
    '/v1/break-glass/:id/end',
    {
      config: { action: 'break_glass.end', roles: ['admin', 'approver'] },
      schema: {
        operationId: 'endBreakGlass',
        summary: 'End it now, on every replica, or take back what was only asked for',
        params: idParams('breakGlass'),
        body: closed({}),
        response: answers(200, BreakGlassView),
      },
    },
    async (request) => {
      const by = operatorOf(request).id
      const ended = await commit(deps, request, async (tx) => {
        const ending = { id: request.params.id as BreakGlassId, by, now: deps.now() }
        const value = await endBreakGlass(tx, ending)
        if (value === undefined)
          throw new Problem('not_found', 'there is no such break-glass, or it was ended before')
        const change = { grant: value.grantId, was_in_force: value.confirmedAt !== null }
        return { value, subject: value.id, change }
      })
      return viewAt(deps.now())(ended)
    },
  )
}

function problemOf(refusal: ConfirmRefusal): Problem {
  const [code, detail] = said[refusal]
  return new Problem(code, detail)
}
