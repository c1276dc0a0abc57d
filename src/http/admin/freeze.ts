/** Stopping things over REST: freezes, and capabilities one by one. */
import Type from 'typebox'
import { revokeCapability } from '../../capability/revocation.ts'
import { rotateSigningKey } from '../../capability/keys.ts'
import { createFreeze, liftFreeze, listFreezes, type Freeze } from '../../directory/freeze.ts'
import type { FreezeId } from '../../ids.ts'
import { isId } from '../../ids.ts'
import { Problem } from '../../problem.ts'
import type { Deps } from '../deps.ts'
import { operatorOf, requirePassword } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { answers, closed, Empty, id, idParams, Password, Timestamp } from '../schemas.ts'
import { commit } from './change.ts'
import { listRoute } from './list-route.ts'

const Scope = Type.Union(
  (['everything', 'provider', 'environment', 'agent'] as const).map((scope) => Type.Literal(scope)),
)
const FreezeView = closed({
  id: id('freeze'),
  scope: Scope,
  subject: Type.Union([Type.String(), Type.Null()], {
    description: 'The provider’s name, or the id of the environment or agent.',
  }),
  reason: Type.String(),
  created_by: id('operator'),
  created_at: Timestamp,
  lifted_at: Type.Union([Timestamp, Type.Null()]),
})

function view(freeze: Freeze) {
  return {
    id: freeze.id,
    scope: freeze.scope,
    subject: freeze.subject,
    reason: freeze.reason,
    created_by: freeze.createdBy,
    created_at: freeze.createdAt.toISOString(),
    lifted_at: freeze.liftedAt?.toISOString() ?? null,
  }
}

export function freezeRoutes(app: App, deps: Deps): void {
  app.post(
    '/v1/freezes',
    {
      config: { action: 'freeze.create', roles: ['admin', 'approver'] },
      schema: {
        operationId: 'freeze',
        summary:
          'Stop an agent, an environment, a provider, or everything, now and on every replica',
        body: closed({
          scope: Scope,
          subject: Type.Optional(Type.String({ maxLength: 100 })),
          reason: Type.String({ minLength: 1, maxLength: 500 }),
        }),
        response: answers(201, FreezeView),
      },
    },
    async (request, reply) => {
      const { scope, subject, reason } = request.body
      const right =
        scope === 'everything'
          ? subject === undefined
          : scope === 'provider'
            ? subject !== undefined && deps.providers.has(subject)
            : isId(scope, subject)
      if (!right) {
        const detail =
          scope === 'everything'
            ? 'everything has no subject'
            : scope === 'provider'
              ? `it must be one of ${[...deps.providers.keys()].join(', ')}`
              : `it must be the id of an ${String(scope)}`
        throw new Problem('invalid_request', {
          detail: `subject: ${detail}`,
          errors: [{ pointer: '/subject', detail }],
        })
      }
      const createdBy = operatorOf(request).id
      const frozen = await commit(deps, request, async (tx) => {
        const at = deps.now()
        const created = await createFreeze(tx, {
          scope,
          subject: subject ?? null,
          reason,
          createdBy,
          now: at,
        })
        return {
          value: created,
          subject: created,
          change: { scope, subject: subject ?? null, reason },
        }
      })
      void reply.code(201)
      return {
        id: frozen,
        scope,
        subject: subject ?? null,
        reason,
        created_by: createdBy,
        created_at: new Date(deps.now()).toISOString(),
        lifted_at: null,
      }
    },
  )

  listRoute(app, deps, {
    noun: 'freezes',
    action: 'freeze.list',
    roles: ['admin', 'auditor', 'approver'],
    operationId: 'listFreezes',
    summary: 'List freezes, the lifted ones too',
    schema: FreezeView,
    rows: (asked) => listFreezes(deps.db, asked),
    view,
  })

  app.post(
    '/v1/freezes/:id/lift',
    {
      config: { action: 'freeze.lift', roles: ['admin'] },
      schema: {
        operationId: 'liftFreeze',
        summary: 'Lift a freeze',
        params: idParams('freeze'),
        body: closed({ password: Password }),
        response: answers(200, Empty),
      },
    },
    async (request) => {
      await requirePassword(deps, request, request.body.password)
      const freezeId = request.params.id as FreezeId
      await commit(deps, request, async (tx) => {
        if (!(await liftFreeze(tx, freezeId, deps.now()))) {
          throw new Problem('not_found', 'there is no such freeze, or it was lifted before')
        }
        return { value: undefined, subject: freezeId }
      })
      return {}
    },
  )

  app.post(
    '/v1/capabilities/:id/revoke',
    {
      config: { action: 'capability.revoke', roles: ['admin', 'approver'] },
      schema: {
        operationId: 'revokeCapability',
        summary: 'Revoke one capability by its jti',
        params: idParams('capability'),
        body: Empty,
        response: answers(200, Empty),
      },
    },
    async (request) => {
      const { id: capabilityId } = request.params
      await commit(
        deps,
        request,
        async (tx) => {
          await revokeCapability(tx, capabilityId, deps.now())
          return { value: undefined, subject: capabilityId }
        },
        'revocation',
      )
      return {}
    },
  )

  app.post(
    '/v1/signing-keys/rotate',
    {
      config: { action: 'signing_key.rotate', roles: ['admin'] },
      schema: {
        operationId: 'rotateSigningKey',
        summary:
          'Make a new key for capabilities; the old one verifies until what it signed has expired',
        body: closed({ password: Password }),
        response: answers(201, closed({ kid: Type.String() })),
      },
    },
    async (request, reply) => {
      await requirePassword(deps, request, request.body.password)
      const kid = await commit(deps, request, async (tx) => {
        const created = await rotateSigningKey(tx, deps.keySealer, deps.now())
        return { value: created, subject: created }
      })
      void reply.code(201)
      return { kid }
    },
  )
}
