/** Environments over REST. */
import Type, { type Static } from 'typebox'
import {
  createEnvironment,
  listEnvironments,
  readEnvironment,
  rebind,
  replaceOwners,
  setApprovalTerms,
  setProtected,
  type EnvironmentRecord,
} from '../../directory/environment.ts'
import { notWeaker } from '../../core/approval-terms.ts'
import { setState } from '../../directory/state.ts'
import type { EnvironmentId, OperatorId } from '../../ids.ts'
import { Problem } from '../../problem.ts'
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
  ProviderName,
  State,
  Timestamp,
} from '../schemas.ts'
import { EnvironmentTermsShape, environmentTerms, environmentTermsView } from './approval-terms.ts'
import { commit } from './change.ts'
import { listRoute } from './list-route.ts'
import { stateRoutes } from './state-routes.ts'

const Binding = closed({
  provider: ProviderName,
  kind: Type.String({
    maxLength: 40,
    description: 'What the provider calls it: environment, repository …',
  }),
  id: Type.String({ minLength: 1, maxLength: 300 }),
})
const Bindings = Type.Array(Binding, { maxItems: 200 })
const Owners = Type.Array(id('operator'), { maxItems: 50, uniqueItems: true })

const EnvironmentView = closed({
  id: id('environment'),
  name: Name,
  protected: Type.Boolean(),
  approval_terms: EnvironmentTermsShape,
  state: State,
  owners: Type.Array(id('operator')),
  bindings: Type.Array(Binding),
  created_at: Timestamp,
})

function view(environment: EnvironmentRecord) {
  const { createdAt, binding: _binding, owners, bindings, approvalTerms, ...rest } = environment
  return {
    ...rest,
    owners: [...owners],
    bindings: [...bindings],
    approval_terms: environmentTermsView(approvalTerms),
    created_at: createdAt.toISOString(),
  }
}

/** Every binding must be one that its provider's adapter knows how to compare with what a request touches. */
function checkBindings(deps: Deps, bindings: readonly Static<typeof Binding>[]): void {
  const seen = new Set<string>()
  for (const [i, binding] of bindings.entries()) {
    const refuse = (member: string, detail: string): Problem =>
      new Problem('invalid_request', {
        detail,
        errors: [{ pointer: `/bindings/${String(i)}/${member}`, detail }],
      })
    const adapter = deps.providers.get(binding.provider)
    if (adapter === undefined) {
      throw refuse(
        'provider',
        `there is no provider of this name; there are ${[...deps.providers.keys()].join(', ')}`,
      )
    }
    const kind = adapter.bindings.find((known) => known.kind === binding.kind)
    if (kind === undefined) {
      throw refuse(
        'kind',
        `${adapter.name} is bound by ${adapter.bindings.map((known) => known.kind).join(', ')}`,
      )
    }
    if (!new RegExp(kind.pattern).test(binding.id))
      throw refuse('id', `it must look like ${kind.example}`)
    const place = `${adapter.name} ${adapter.bindingPlace(binding.kind, binding.id)}`
    if (seen.has(place)) throw refuse('id', 'it is bound twice')
    seen.add(place)
  }
}

export function environmentRoutes(app: App, deps: Deps): void {
  async function read(environmentId: string) {
    const environment = await readEnvironment(deps.db, environmentId as EnvironmentId)
    if (environment === undefined)
      throw new Problem('not_found', 'there is no environment of this id')
    return view(environment)
  }

  app.post(
    '/v1/environments',
    {
      config: { action: 'environment.create', roles: ['admin'] },
      schema: {
        operationId: 'createEnvironment',
        summary: 'Name a blast radius, and bind the provider’s ids that belong to it',
        body: closed({
          name: Name,
          protected: Type.Optional(
            Type.Boolean({
              description: 'Destructive operations always wait for a person. False by default.',
            }),
          ),
          owners: Type.Optional(Owners),
          bindings: Type.Optional(Bindings),
        }),
        response: answers(201, EnvironmentView),
      },
    },
    async (request, reply) => {
      const { name, protected: isProtected = false, bindings = [] } = request.body
      const owners = (request.body.owners ?? [operatorOf(request).id]) as OperatorId[]
      checkBindings(deps, bindings)
      const environmentId = await commit(deps, request, async (tx) => {
        const created = await createEnvironment(tx, {
          name,
          protected: isProtected,
          owners,
          bindings,
          now: deps.now(),
        })
        return {
          value: created,
          subject: created,
          environment: { id: created, name },
          change: { name, protected: isProtected, owners, bindings },
        }
      })
      void reply.code(201)
      return read(environmentId)
    },
  )

  listRoute(app, deps, {
    noun: 'environments',
    action: 'environment.list',
    roles: ['admin', 'auditor', 'approver'],
    operationId: 'listEnvironments',
    summary: 'List environments',
    schema: EnvironmentView,
    rows: (asked) => listEnvironments(deps.db, asked),
    view,
  })

  app.get(
    '/v1/environments/:id',
    {
      config: { action: 'environment.read', roles: ['admin', 'auditor', 'approver'] },
      schema: {
        operationId: 'readEnvironment',
        summary: 'Read an environment',
        params: idParams('environment'),
        response: answers(200, EnvironmentView),
      },
    },
    (request) => read(request.params.id),
  )

  app.patch(
    '/v1/environments/:id',
    {
      config: { action: 'environment.update', roles: ['admin'] },
      schema: {
        operationId: 'updateEnvironment',
        summary: 'Protect an environment, or change its owners',
        params: idParams('environment'),
        body: closed({
          protected: Type.Optional(
            Type.Boolean({
              description: 'To unprotect it, or to change its owners, the password is needed.',
            }),
          ),
          owners: Type.Optional(Owners),
          approval_terms: Type.Optional(EnvironmentTermsShape),
          password: Type.Optional(Password),
        }),
        response: answers(200, EnvironmentView),
      },
    },
    async (request) => {
      const environmentId = request.params.id as EnvironmentId
      const { protected: isProtected, owners, approval_terms: asked, password } = request.body
      const terms = asked === undefined ? undefined : environmentTerms(asked)
      const before = await readEnvironment(deps.db, environmentId)
      // To unprotect weakens the approval rule of every grant in it, and to ask less of people weakens them too.
      const weaker =
        terms !== undefined && before !== undefined && !notWeaker(before.approvalTerms, terms)
      // Owners decide, so that to choose them is to choose who may say yes.
      if (isProtected === false || weaker || owners !== undefined)
        await requirePassword(deps, request, password)
      await read(environmentId)
      await commit(deps, request, async (tx) => {
        if (isProtected !== undefined) await setProtected(tx, environmentId, isProtected)
        if (terms !== undefined) await setApprovalTerms(tx, environmentId, terms)
        if (owners !== undefined) await replaceOwners(tx, environmentId, owners as OperatorId[])
        return {
          value: undefined,
          subject: environmentId,
          change: { protected: isProtected, owners, approval_terms: asked },
        }
      })
      return read(environmentId)
    },
  )

  app.put(
    '/v1/environments/:id/bindings',
    {
      config: { action: 'environment.bind', roles: ['admin'] },
      schema: {
        operationId: 'bindEnvironment',
        summary: 'Replace the bound ids; voids every capability issued for this environment',
        params: idParams('environment'),
        body: closed({ bindings: Bindings, password: Password }),
        response: answers(200, EnvironmentView),
      },
    },
    async (request) => {
      const { bindings, password } = request.body
      const environmentId = request.params.id as EnvironmentId
      await requirePassword(deps, request, password)
      checkBindings(deps, bindings)
      const before = await read(environmentId)
      await commit(deps, request, async (tx) => {
        await rebind(tx, environmentId, bindings)
        return {
          value: undefined,
          subject: environmentId,
          environment: { id: environmentId, name: before.name },
          change: { from: before.bindings, to: bindings },
        }
      })
      return read(environmentId)
    },
  )

  stateRoutes(app, deps, {
    kind: 'environment',
    path: '/v1/environments',
    set: (tx, subject, state) => setState(tx, 'environment', subject, state),
  })
}
