/**
 * One-time codes over REST: the fallback of who has no passkey, and an admin's switch for it. As with passkeys, what gives
 * a means to decide needs a browser's sign-in and the password again; taking one away is open to an admin as well.
 */
import Type from 'typebox'
import type { FastifyRequest } from 'fastify'
import {
  checkCode,
  confirmCode,
  enrolCode,
  newCodeSecret,
  oneTimeCodesOn,
  readCodeState,
  removeCode,
  switchOneTimeCodes,
} from '../../approval/one-time-code.ts'
import type { OperatorId } from '../../ids.ts'
import { Problem } from '../../problem.ts'
import { CodeBody, refusedProof } from '../decision-proof.ts'
import type { Deps } from '../deps.ts'
import { operatorOf, requireBrowser, requirePassword } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { answers, closed, Empty, id, Password } from '../schemas.ts'
import { commit } from './change.ts'

const Switch = Type.Union([Type.Literal('on'), Type.Literal('off')])
const Settings = closed({ one_time_codes: Switch })

function requireSelfOrAdmin(request: FastifyRequest, operatorId: OperatorId): void {
  const operator = operatorOf(request)
  if (operator.id !== operatorId && !operator.roles.includes('admin'))
    throw new Problem('forbidden', 'that is another operator’s, and this needs the role admin')
}

export function oneTimeCodeRoutes(app: App, deps: Deps): void {
  app.get(
    '/v1/approval-settings',
    {
      config: { action: 'approval_setting.read' },
      schema: {
        operationId: 'readApprovalSettings',
        summary: 'Whether one-time codes are accepted beside passkeys',
        querystring: Empty,
        response: answers(200, Settings),
      },
    },
    async () => ({
      one_time_codes: (await oneTimeCodesOn(deps.db)) ? ('on' as const) : ('off' as const),
    }),
  )

  app.patch(
    '/v1/approval-settings',
    {
      config: { action: 'approval_setting.update', roles: ['admin'] },
      schema: {
        operationId: 'updateApprovalSettings',
        summary: 'Switch one-time codes on or off, for environments that are not protected',
        body: closed({ one_time_codes: Switch, password: Password }),
        response: answers(200, Settings),
      },
    },
    async (request) => {
      await requirePassword(deps, request, request.body.password)
      const value = request.body.one_time_codes
      await commit(deps, request, async (tx) => {
        await switchOneTimeCodes(tx, value, deps.now())
        return { value: undefined, subject: 'one_time_codes', change: { one_time_codes: value } }
      })
      return { one_time_codes: value }
    },
  )

  app.get(
    '/v1/one-time-code',
    {
      config: { action: 'one_time_code.read' },
      schema: {
        operationId: 'readOneTimeCode',
        summary: 'Whether one-time codes are set up for whoever is signed in',
        querystring: Empty,
        response: answers(
          200,
          closed({
            state: Type.Union([
              Type.Literal('none'),
              Type.Literal('waiting'),
              Type.Literal('enrolled'),
            ]),
          }),
        ),
      },
    },
    (request) => readCodeState(deps.db, operatorOf(request).id),
  )

  app.post(
    '/v1/one-time-code',
    {
      config: { action: 'one_time_code.prepare' },
      schema: {
        operationId: 'prepareOneTimeCode',
        summary: 'Make a secret for one-time codes, in a browser; in force with its first code',
        body: closed({ password: Password }),
        response: answers(
          201,
          closed({
            secret: Type.String({ description: 'Base32. Shown this once.' }),
            uri: Type.String({ description: 'otpauth://, for a QR code. Shown this once.' }),
          }),
        ),
      },
    },
    async (request, reply) => {
      requireBrowser(request)
      await requirePassword(deps, request, request.body.password)
      if (!(await oneTimeCodesOn(deps.db)))
        throw new Problem('conflict', 'an admin must switch one-time codes on first')
      const operator = operatorOf(request)
      const { codeSealer, publicUrl } = deps
      const { secret, uri, sealed } = await newCodeSecret(codeSealer, operator, publicUrl)
      await commit(deps, request, async (tx) => {
        if (!(await enrolCode(tx, operator.id, sealed, codeSealer.kekId())))
          throw new Problem('conflict', 'one-time codes are set up already: remove them first')
        return { value: undefined, subject: operator.id }
      })
      void reply.code(201)
      return { secret, uri }
    },
  )

  app.post(
    '/v1/one-time-code/confirm',
    {
      config: { action: 'one_time_code.enrol' },
      schema: {
        operationId: 'enrolOneTimeCode',
        summary: 'Put the secret into force with a code of it',
        body: closed({ code: CodeBody }),
        response: answers(200, Empty),
      },
    },
    async (request) => {
      requireBrowser(request)
      const operatorId = operatorOf(request).id
      const now = deps.now()
      const { code } = request.body
      const checked = await checkCode(deps.db, deps.codeSealer, {
        operatorId,
        code,
        state: 'waiting',
        now,
      })
      if (!checked.ok) throw await refusedProof(deps, request, checked, operatorId)
      await commit(deps, request, async (tx) => {
        if (!(await confirmCode(tx, operatorId, checked, now)))
          throw new Problem('conflict', 'the secret was replaced a moment ago')
        return { value: undefined, subject: operatorId }
      })
      return {}
    },
  )

  app.post(
    '/v1/one-time-code/remove',
    {
      config: { action: 'one_time_code.remove' },
      schema: {
        operationId: 'removeOneTimeCode',
        summary: 'Remove one’s own one-time codes, or as an admin another operator’s',
        body: closed({ operator: Type.Optional(id('operator')), password: Password }),
        response: answers(200, Empty),
      },
    },
    async (request) => {
      const operatorId = (request.body.operator ?? operatorOf(request).id) as OperatorId
      requireSelfOrAdmin(request, operatorId)
      await requirePassword(deps, request, request.body.password)
      await commit(deps, request, async (tx) => {
        if (!(await removeCode(tx, operatorId)))
          throw new Problem('not_found', 'no one-time codes are set up')
        return { value: undefined, subject: operatorId }
      })
      return {}
    },
  )
}
