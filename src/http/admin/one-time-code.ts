/**
 * One-time codes over REST: the fallback of who has no passkey, and an admin's switch for it. As with passkeys, what gives
 * a means to decide needs a browser's sign-in and more than the password: a touch of a passkey by who has one, and the
 * permit for a first one by who has none (passkey-permit.ts). The permit is used up when the first code puts the secret
 * into force; a secret that was made under one is gone once there is a passkey. Taking codes away is open to an admin as
 * well.
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
import { lockOperator } from '../../approval/passkey.ts'
import { isPermitted, takePermit } from '../../approval/passkey-permit.ts'
import { hasPasskey } from '../../approval/presence.ts'
import type { OperatorId } from '../../ids.ts'
import { Problem } from '../../problem.ts'
import { AssertionBody, CodeBody, refusedProof } from '../decision-proof.ts'
import type { Deps } from '../deps.ts'
import { operatorOf, requireBrowser, requirePassword } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { answers, closed, Empty, id, Password } from '../schemas.ts'
import { commit } from './change.ts'
import { requirePresence, usePresence } from './presence.ts'

const Switch = Type.Union([Type.Literal('on'), Type.Literal('off')])
const Settings = closed({ one_time_codes: Switch })

function notPermitted(): Problem {
  return new Problem(
    'forbidden',
    'without a passkey this needs another admin’s permit, good for a day and for one means: POST /v1/operators/…/allow-passkey',
  )
}

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
        description:
          'Who has a passkey touches it for this: `prepareTouch`, with their own id. Who has none needs the permit for a first one, which the codes use up.',
        body: closed({ password: Password, assertion: Type.Optional(AssertionBody) }),
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
      const { password, assertion } = request.body
      await requirePassword(deps, request, password)
      if (!(await oneTimeCodesOn(deps.db)))
        throw new Problem('conflict', 'an admin must switch one-time codes on first')
      const operator = operatorOf(request)
      const taken = new Problem('conflict', 'one-time codes are set up already: remove them first')
      if ((await readCodeState(deps.db, operator.id)).state === 'enrolled') throw taken
      const presence = { act: 'one_time_code.enrol', subject: operator.id, assertion } as const
      const use = await requirePresence(deps, request, { ...presence, of: 'self' })
      const { codeSealer, publicUrl } = deps
      const { secret, uri, sealed } = await newCodeSecret(codeSealer, operator, publicUrl)
      await commit(deps, request, async (tx) => {
        await lockOperator(tx, operator.id)
        await usePresence(tx, deps, request, use, 'self')
        // Said before they scan anything; it is used up with the first code.
        if (use === undefined && !(await isPermitted(tx, operator.id, deps.now())))
          throw notPermitted()
        if (!(await enrolCode(tx, operator.id, sealed, codeSealer.kekId()))) throw taken
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
        // One permit is not good for a passkey and a code at once.
        await lockOperator(tx, operatorId)
        // Who has a passkey touched it for this secret: one that was made before went when the passkey came.
        if (!(await hasPasskey(tx, operatorId)) && !(await takePermit(tx, operatorId, deps.now())))
          throw notPermitted()
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
