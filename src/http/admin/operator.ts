/**
 * Operators over REST. Guarantee, against whoever has an admin's password and cookie, but not their authenticator: once
 * that admin has a passkey, nobody becomes an admin or an approver, loses a role, is disabled, enabled or reset without a
 * touch of it; nor is any of this done to an admin with a passkey by one who has none.
 */
import Type from 'typebox'
import {
  createOperator,
  listOperators,
  newSetupSecret,
  readOperator,
  resetOperator,
  updateOperator,
  type Operator,
} from '../../directory/operator.ts'
import { identityOf, tieOperator } from '../../directory/operator-identity.ts'
import type { OperatorId } from '../../ids.ts'
import { Problem } from '../../problem.ts'
import { AssertionBody } from '../decision-proof.ts'
import type { Deps } from '../deps.ts'
import { operatorOf, requirePassword } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import {
  answers,
  closed,
  id,
  idParams,
  Name,
  Password,
  Role,
  State,
  Timestamp,
} from '../schemas.ts'
import { commit } from './change.ts'
import { listRoute } from './list-route.ts'
import { changeOf, requirePresence, usePresence } from './presence.ts'

const Identity = Type.Object(
  {
    issuer: Type.String({ minLength: 1, maxLength: 1_024 }),
    subject: Type.String({ minLength: 1, maxLength: 255, pattern: '^[!-~]+$' }),
  },
  {
    additionalProperties: false,
    description: 'Who they are at the identity provider, where they sign in there.',
  },
)
const OperatorView = closed({
  id: id('operator'),
  name: Name,
  roles: Type.Array(Role),
  state: State,
  ready: Type.Boolean({
    description: 'Whether they can sign in: a password has been set, or there is an identity.',
  }),
  identity: Type.Optional(Identity),
  created_at: Timestamp,
})
const Roles = Type.Array(Role, { minItems: 1, maxItems: 3, uniqueItems: true })
const touched =
  'As soon as the admin who does it, or an admin to whom it is done, has a passkey, this needs an admin’s touch: `prepareTouch`.'
const WithSetupSecret = closed({
  operator: OperatorView,
  setup_secret: Type.String({
    description: 'Shown this once; sets the password within a day, at /v1/setup.',
  }),
})

function view(operator: Operator) {
  const { createdAt, roles, identity, ...rest } = operator
  return {
    ...rest,
    ...(identity === undefined ? {} : { identity }),
    roles: [...roles],
    created_at: createdAt.toISOString(),
  }
}

export function operatorRoutes(app: App, deps: Deps): void {
  async function read(operatorId: string) {
    const operator = await readOperator(deps.db, operatorId as OperatorId)
    if (operator === undefined) throw new Problem('not_found', 'there is no operator of this id')
    return view(operator)
  }

  app.post(
    '/v1/operators',
    {
      config: { action: 'operator.create', roles: ['admin'] },
      schema: {
        operationId: 'createOperator',
        summary: 'Add an operator',
        description:
          'As soon as who does it has a passkey, a new admin or approver needs a touch of it: `prepareTouch`.',
        body: closed({
          name: Name,
          roles: Roles,
          password: Password,
          assertion: Type.Optional(AssertionBody),
        }),
        response: answers(201, WithSetupSecret),
      },
    },
    async (request, reply) => {
      await requirePassword(deps, request, request.body.password)
      const setupSecret = newSetupSecret()
      const { name, roles, assertion } = request.body
      if (!deps.localPasswords)
        throw new Problem(
          'passwords_off',
          'passwords are switched off here: who is in a group of the identity provider becomes an operator when they sign in',
        )
      // An auditor changes nothing and decides nothing.
      const grave = roles.some((role) => role !== 'auditor')
      const asked = { act: 'operator.create', subject: name, change: changeOf({ roles }) } as const
      const use = grave
        ? await requirePresence(deps, request, { ...asked, of: 'self', assertion })
        : undefined
      const operatorId = await commit(deps, request, async (tx) => {
        if (grave) await usePresence(tx, deps, request, use, 'self')
        const created = await createOperator(tx, { name, roles, setupSecret, now: deps.now() })
        return { value: created, subject: created, change: { name, roles } }
      })
      void reply.code(201)
      return { operator: await read(operatorId), setup_secret: setupSecret }
    },
  )

  listRoute(app, deps, {
    noun: 'operators',
    action: 'operator.list',
    roles: ['admin', 'auditor'],
    operationId: 'listOperators',
    summary: 'List operators',
    schema: OperatorView,
    rows: (asked) => listOperators(deps.db, asked),
    view,
  })

  app.get(
    '/v1/operators/:id',
    {
      config: { action: 'operator.read', roles: ['admin', 'auditor'] },
      schema: {
        operationId: 'readOperator',
        summary: 'Read an operator',
        params: idParams('operator'),
        response: answers(200, OperatorView),
      },
    },
    (request) => read(request.params.id),
  )

  app.patch(
    '/v1/operators/:id',
    {
      config: { action: 'operator.update', roles: ['admin'] },
      schema: {
        operationId: 'updateOperator',
        summary: 'Change roles or state; ends the operator’s sign-ins',
        description: touched,
        params: idParams('operator'),
        body: closed({
          roles: Type.Optional(Roles),
          state: Type.Optional(State),
          password: Password,
          assertion: Type.Optional(AssertionBody),
        }),
        response: answers(200, OperatorView),
      },
    },
    async (request) => {
      await requirePassword(deps, request, request.body.password)
      const { roles, state, assertion } = request.body
      const operatorId = request.params.id as OperatorId
      const of = { orAdmin: operatorId }
      const change = changeOf({ roles, state })
      const asked = { act: 'operator.update', subject: operatorId, change } as const
      if (roles !== undefined && (await identityOf(deps.db, operatorId)) !== undefined)
        throw new Problem(
          'conflict',
          'their roles are those of their groups at the identity provider: change the groups',
        )
      const use = await requirePresence(deps, request, { ...asked, of, assertion })
      await commit(deps, request, async (tx) => {
        await usePresence(tx, deps, request, use, of)
        const result = await updateOperator(tx, operatorId, { roles, state })
        if (result === 'not_found')
          throw new Problem('not_found', 'there is no such operator, or it was revoked')
        if (result === 'last_admin')
          throw new Problem('conflict', 'this would leave nobody who can administer the broker')
        return { value: undefined, subject: operatorId, change: { roles, state } }
      })
      return read(operatorId)
    },
  )

  app.post(
    '/v1/operators/:id/reset',
    {
      config: { action: 'operator.reset', roles: ['admin'] },
      schema: {
        operationId: 'resetOperator',
        summary: 'Take away the password and make a new setup secret',
        description: touched,
        params: idParams('operator'),
        body: closed({ password: Password, assertion: Type.Optional(AssertionBody) }),
        response: answers(200, WithSetupSecret),
      },
    },
    async (request) => {
      await requirePassword(deps, request, request.body.password)
      const setupSecret = newSetupSecret()
      const operatorId = request.params.id as OperatorId
      const of = { orAdmin: operatorId }
      const { assertion } = request.body
      if (!deps.localPasswords || (await identityOf(deps.db, operatorId)) !== undefined)
        throw new Problem(
          'passwords_off',
          'they sign in at the identity provider, and have no password to take away: disable them instead',
        )
      const asked = { act: 'operator.reset', subject: operatorId } as const
      const use = await requirePresence(deps, request, { ...asked, of, assertion })
      await commit(deps, request, async (tx) => {
        await usePresence(tx, deps, request, use, of)
        if (!(await resetOperator(tx, operatorId, setupSecret, deps.now()))) {
          throw new Problem('not_found', 'there is no operator of this id')
        }
        return { value: undefined, subject: operatorId }
      })
      return { operator: await read(operatorId), setup_secret: setupSecret }
    },
  )

  app.post(
    '/v1/operators/:id/identity',
    {
      config: { action: 'operator.tie', roles: ['admin'] },
      schema: {
        operationId: 'tieOperator',
        summary: 'Let an operator sign in at the identity provider, and no longer with a password',
        description: `${touched} Ends their sign-ins. Their roles are those of their groups from then on.`,
        params: idParams('operator'),
        body: closed({
          issuer: Type.String({ minLength: 1, maxLength: 1_024 }),
          subject: Type.String({ minLength: 1, maxLength: 255, pattern: '^[!-~]+$' }),
          password: Password,
          assertion: Type.Optional(AssertionBody),
        }),
        response: answers(200, OperatorView),
      },
    },
    async (request) => {
      const { issuer, subject, password, assertion } = request.body
      await requirePassword(deps, request, password)
      if (issuer !== deps.identity?.provider.issuer)
        throw new Problem('conflict', 'operators do not sign in at this issuer here')
      const operatorId = request.params.id as OperatorId
      const of = { orAdmin: operatorId }
      const change = changeOf({ person: { issuer, subject } })
      const asked = { act: 'operator.tie', subject: operatorId, change } as const
      const use = await requirePresence(deps, request, { ...asked, of, assertion })
      await commit(deps, request, async (tx) => {
        await usePresence(tx, deps, request, use, of)
        const by = operatorOf(request).id
        const result = await tieOperator(tx, operatorId, { issuer, subject }, by)
        if (result === 'not_found')
          throw new Problem('not_found', 'there is no such operator, or it was revoked')
        if (result === 'taken')
          throw new Problem('conflict', 'this person is another operator already')
        return { value: undefined, subject: operatorId, change: { person: { issuer, subject } } }
      })
      return read(operatorId)
    },
  )
}
