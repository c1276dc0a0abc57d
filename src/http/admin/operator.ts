/** Operators over REST. */
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
import type { OperatorId } from '../../ids.ts'
import { Problem } from '../../problem.ts'
import type { Deps } from '../deps.ts'
import { requirePassword } from '../operator-auth.ts'
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

const OperatorView = closed({
  id: id('operator'),
  name: Name,
  roles: Type.Array(Role),
  state: State,
  ready: Type.Boolean({ description: 'Whether a password has been set.' }),
  created_at: Timestamp,
})
const Roles = Type.Array(Role, { minItems: 1, maxItems: 3, uniqueItems: true })
const WithSetupSecret = closed({
  operator: OperatorView,
  setup_secret: Type.String({
    description: 'Shown this once; sets the password within a day, at /v1/setup.',
  }),
})

function view(operator: Operator) {
  const { createdAt, roles, ...rest } = operator
  return { ...rest, roles: [...roles], created_at: createdAt.toISOString() }
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
        body: closed({ name: Name, roles: Roles, password: Password }),
        response: answers(201, WithSetupSecret),
      },
    },
    async (request, reply) => {
      await requirePassword(deps, request, request.body.password)
      const setupSecret = newSetupSecret()
      const { name, roles } = request.body
      const operatorId = await commit(deps, request, async (tx) => {
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
        params: idParams('operator'),
        body: closed({
          roles: Type.Optional(Roles),
          state: Type.Optional(State),
          password: Password,
        }),
        response: answers(200, OperatorView),
      },
    },
    async (request) => {
      await requirePassword(deps, request, request.body.password)
      const { roles, state } = request.body
      const operatorId = request.params.id as OperatorId
      await commit(deps, request, async (tx) => {
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
        params: idParams('operator'),
        body: closed({ password: Password }),
        response: answers(200, WithSetupSecret),
      },
    },
    async (request) => {
      await requirePassword(deps, request, request.body.password)
      const setupSecret = newSetupSecret()
      const operatorId = request.params.id as OperatorId
      await commit(deps, request, async (tx) => {
        if (!(await resetOperator(tx, operatorId, setupSecret, deps.now()))) {
          throw new Problem('not_found', 'there is no operator of this id')
        }
        return { value: undefined, subject: operatorId }
      })
      return { operator: await read(operatorId), setup_secret: setupSecret }
    },
  )
}
