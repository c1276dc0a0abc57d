/**
 * The permit for an operator's first passkey, or for one-time codes in its place, over REST. Whoever gets hold of a password could otherwise make themselves
 * an approver's means to decide; so another person says first that there is to be one. The log shows it as it shows a
 * break-glass: it is how somebody comes to decide.
 */
import Type from 'typebox'
import { permitPasskey } from '../../approval/passkey-permit.ts'
import { hasPasskey } from '../../approval/presence.ts'
import { readOperator } from '../../directory/operator.ts'
import type { OperatorId } from '../../ids.ts'
import { Problem } from '../../problem.ts'
import { AssertionBody } from '../decision-proof.ts'
import type { Deps } from '../deps.ts'
import { operatorOf, requirePassword } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { answers, closed, idParams, Password, Timestamp } from '../schemas.ts'
import { commit } from './change.ts'
import { requirePresence, usePresence } from './presence.ts'

export function passkeyPermitRoutes(app: App, deps: Deps): void {
  app.post(
    '/v1/operators/:id/allow-passkey',
    {
      config: { action: 'passkey.allow', roles: ['admin'] },
      schema: {
        operationId: 'allowPasskey',
        summary:
          'Allow another operator their first passkey, or one-time codes in its place, within a day',
        description:
          'As soon as an admin has a passkey, this needs the touch of an admin’s: `prepareTouch`.',
        params: idParams('operator'),
        body: closed({ password: Password, assertion: Type.Optional(AssertionBody) }),
        response: answers(200, closed({ until: Timestamp })),
      },
    },
    async (request) => {
      const { password, assertion } = request.body
      await requirePassword(deps, request, password)
      const self = operatorOf(request).id
      const operatorId = request.params.id as OperatorId
      if (operatorId === self)
        throw new Problem('forbidden', 'another admin must allow it: nobody allows their own')
      const use = await requirePresence(deps, request, {
        act: 'passkey.allow',
        subject: operatorId,
        of: 'admins',
        assertion,
      })
      const until = await commit(deps, request, async (tx) => {
        await usePresence(tx, deps, request, use, 'admins')
        const operator = await readOperator(tx, operatorId)
        if (operator?.state !== 'active')
          throw new Problem('not_found', 'there is no active operator of this id')
        if (await hasPasskey(tx, operatorId))
          throw new Problem('conflict', 'they have a passkey, with which they can add another')
        const value = await permitPasskey(tx, operatorId, self, deps.now())
        const change = { operator: operator.name, until: value.toISOString() }
        return { value, subject: operatorId, change }
      })
      return { until: until.toISOString() }
    },
  )
}
