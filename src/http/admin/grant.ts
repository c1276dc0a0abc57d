/** Grants over REST. */
import Type, { type Static } from 'typebox'
import { longestLifetime, defaultLifetime, mostVerbs } from '../../capability/claims.ts'
import { testsSomething } from '../../core/condition.ts'
import { notWeaker } from '../../core/approval-terms.ts'
import { parseVerb, type ApprovalRule } from '../../core/grant.ts'
import { reviewedVersion } from '../../core/reviewed.ts'
import { readAgent } from '../../directory/agent.ts'
import {
  createGrant,
  listGrants,
  readGrant,
  updateGrant,
  type Grant,
} from '../../directory/grant.ts'
import { keepCatalogueVersion } from '../../directory/provider.ts'
import { setState } from '../../directory/state.ts'
import type { AgentId, CredentialId, EnvironmentId, GrantId } from '../../ids.ts'
import { Problem } from '../../problem.ts'
import type { ProviderAdapter } from '../../provider/adapter.ts'
import { readCredential } from '../../vault/store.ts'
import { pageLimit, toPage } from '../cursor.ts'
import type { Deps } from '../deps.ts'
import { operatorOf, requirePassword } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import {
  answers,
  closed,
  id,
  idParams,
  page,
  PageQuery,
  Password,
  ProviderName,
  State,
  Timestamp,
  Verb,
} from '../schemas.ts'
import { GrantTerms, grantTerms, termsView } from './approval-terms.ts'
import { commit } from './change.ts'
import { stateRoutes } from './state-routes.ts'

const Scalar = Type.Union([
  Type.String({ maxLength: 1000 }),
  Type.Number(),
  Type.Boolean(),
  Type.Null(),
])
const ConstraintShape = closed({
  path: Type.String({
    pattern: '^[A-Za-z0-9_-]+(\\.([A-Za-z0-9_-]+|\\*))*$',
    maxLength: 200,
    description: 'Into the arguments: input.environmentId, body.rules.*.port; * is every member.',
  }),
  operations: Type.Optional(
    Type.Array(Type.String({ maxLength: 200 }), { minItems: 1, maxItems: 50 }),
  ),
  equals: Type.Optional(Scalar),
  oneOf: Type.Optional(Type.Array(Scalar, { minItems: 1, maxItems: 100 })),
  noneOf: Type.Optional(Type.Array(Scalar, { minItems: 1, maxItems: 100 })),
  max: Type.Optional(Type.Number()),
  min: Type.Optional(Type.Number()),
})
const Verbs = Type.Array(Verb, {
  minItems: 1,
  maxItems: mostVerbs,
  uniqueItems: true,
  description: 'Operations, operation+effect, effect sets, or prefix*. [read] by default.',
})
const Approval = Type.Union([
  Type.Literal('never'),
  Type.Literal('destructive'),
  Type.Literal('always'),
])
const Constraints = Type.Array(ConstraintShape, { maxItems: 50 })
const MaxLifetime = Type.Integer({
  minimum: 1,
  maximum: longestLifetime,
  description: 'Seconds a capability may live.',
})
const Rate = Type.Union([Type.Integer({ minimum: 1, maximum: 1_000_000 }), Type.Null()], {
  description: 'Requests in a minute, on each replica; null for no limit.',
})
const ExpiresAt = Type.Union([Timestamp, Type.Null()])
const Minted = Type.Union([Type.Literal('redact'), Type.Literal('seal'), Type.Literal('reveal')], {
  description:
    'What becomes of a credential that the provider mints in an answer: redacted, sealed in the vault (and redacted), or shown to the agent.',
})
const RequireDpop = Type.Boolean({
  description:
    'Only capabilities that are bound to a key (DPoP, RFC 9449) are issued, and accepted, those issued before included.',
})

export const GrantView = closed({
  id: id('grant'),
  agent: id('agent'),
  environment: id('environment'),
  credential: id('credential'),
  provider: ProviderName,
  verbs: Type.Array(Verb),
  constraints: Constraints,
  approval: Approval,
  approval_terms: GrantTerms,
  max_lifetime_seconds: MaxLifetime,
  requests_per_minute: Rate,
  minted: Minted,
  require_dpop: RequireDpop,
  catalogue_version: Type.String({ description: 'The catalogue it was reviewed against.' }),
  catalogue_current: Type.Boolean({
    description:
      'Whether that is the present one. What came or changed since is covered by a verb that names it, and by no other, until the grant is reviewed.',
  }),
  expires_at: ExpiresAt,
  state: State,
  created_by: id('operator'),
  created_at: Timestamp,
})

export function grantView(deps: Pick<Deps, 'providers'>, grant: Grant) {
  return {
    id: grant.id,
    agent: grant.agentId,
    environment: grant.environmentId,
    credential: grant.credentialId,
    provider: grant.provider,
    verbs: [...grant.verbs],
    constraints: grant.constraints as Static<typeof Constraints>,
    approval: grant.approval,
    approval_terms: termsView(grant.approvalTerms),
    max_lifetime_seconds: grant.maxLifetimeSeconds,
    requests_per_minute: grant.requestsPerMinute,
    minted: grant.minted,
    require_dpop: grant.requireDpop,
    catalogue_version: grant.catalogueVersion,
    catalogue_current:
      deps.providers.get(grant.provider)?.catalogueVersion === grant.catalogueVersion,
    expires_at: grant.expiresAt?.toISOString() ?? null,
    state: grant.state,
    created_by: grant.createdBy,
    created_at: grant.createdAt.toISOString(),
  }
}

function refuse(pointer: string, detail: string): Problem {
  return new Problem('invalid_request', {
    detail: `${pointer.slice(1)}: ${detail}`,
    errors: [{ pointer, detail }],
  })
}

/** A verb that names nothing would be refused for ever without a word; the admin is told now. */
function checkVerbs(adapter: ProviderAdapter, verbs: readonly string[]): void {
  for (const [i, verb] of verbs.entries()) {
    const pointer = `/verbs/${String(i)}`
    const parsed = parseVerb(verb)
    if ('error' in parsed) throw refuse(pointer, parsed.error)
    if (parsed.kind !== 'operation') continue
    const name = parsed.root === undefined ? parsed.name : `${parsed.root}:${parsed.name}`
    const found = adapter.find(name)
    if (found === 'ambiguous')
      throw refuse(
        pointer,
        `"${name}" is both a query and a mutation: write query:${name} or mutation:${name}`,
      )
    if (found === undefined) throw refuse(pointer, `${adapter.name} has no operation "${name}"`)
    if (found.denied === true)
      throw refuse(pointer, `"${name}" has not been reviewed, and is denied to everyone`)
  }
}

function checkConstraints(constraints: Static<typeof Constraints>): void {
  for (const [i, constraint] of constraints.entries()) {
    if (!testsSomething(constraint)) {
      throw refuse(
        `/constraints/${String(i)}`,
        'it tests nothing: give equals, oneOf, noneOf, max or min',
      )
    }
  }
}

const strictness: Record<ApprovalRule, number> = { never: 0, destructive: 1, always: 2 }

export function grantRoutes(app: App, deps: Deps): void {
  const view = (grant: Grant) => grantView(deps, grant)
  async function find(grantId: string): Promise<Grant> {
    const grant = await readGrant(deps.db, grantId as GrantId)
    if (grant === undefined) throw new Problem('not_found', 'there is no grant of this id')
    return grant
  }

  function expiry(text: string | null | undefined): Date | null | undefined {
    if (text === undefined || text === null) return text
    const date = new Date(text)
    if (!(date.getTime() > deps.now())) throw refuse('/expires_at', 'it must be in the future')
    return date
  }

  app.post(
    '/v1/grants',
    {
      config: { action: 'grant.create', roles: ['admin'] },
      schema: {
        operationId: 'createGrant',
        summary: 'Mint a grant: what an agent may do, where, with which credential',
        body: closed({
          agent: id('agent'),
          credential: id('credential'),
          environment: Type.Optional(id('environment')),
          verbs: Type.Optional(Verbs),
          constraints: Type.Optional(Constraints),
          approval: Type.Optional(Approval),
          approval_terms: Type.Optional(GrantTerms),
          max_lifetime_seconds: Type.Optional(MaxLifetime),
          requests_per_minute: Type.Optional(Rate),
          minted: Type.Optional(Minted),
          require_dpop: Type.Optional(RequireDpop),
          expires_at: Type.Optional(ExpiresAt),
          password: Password,
        }),
        response: answers(201, GrantView),
      },
    },
    async (request, reply) => {
      const body = request.body
      await requirePassword(deps, request, body.password)
      const credential = await readCredential(deps.db, body.credential as CredentialId)
      if (credential === undefined || credential.state === 'revoked')
        throw refuse('/credential', 'there is no such credential, or it was revoked')
      if (credential.use === 'lookups')
        throw refuse('/credential', 'it answers look-ups only, and no request goes out with it')
      // A credential belongs to one environment; a grant cannot carry it into another.
      if (body.environment !== undefined && body.environment !== credential.environmentId) {
        throw refuse('/environment', 'the credential belongs to another environment')
      }
      const agent = await readAgent(deps.db, body.agent as AgentId)
      if (agent === undefined || agent.state === 'revoked')
        throw refuse('/agent', 'there is no such agent, or it was revoked')
      const adapter = deps.providers.get(credential.provider)
      if (adapter === undefined)
        throw refuse('/credential', `this broker has no provider "${credential.provider}"`)
      const verbs = body.verbs ?? ['read']
      const constraints = body.constraints ?? []
      checkVerbs(adapter, verbs)
      checkConstraints(constraints)
      const grant = {
        agentId: agent.id,
        environmentId: credential.environmentId,
        credentialId: credential.id,
        provider: credential.provider,
        verbs,
        constraints,
        approval: body.approval ?? 'destructive',
        approvalTerms: grantTerms(body.approval_terms ?? {}),
        maxLifetimeSeconds: body.max_lifetime_seconds ?? defaultLifetime,
        requestsPerMinute: body.requests_per_minute ?? null,
        minted: body.minted ?? 'redact',
        requireDpop: body.require_dpop ?? false,
        catalogueVersion: adapter.catalogueVersion,
        expiresAt: expiry(body.expires_at) ?? null,
        createdBy: operatorOf(request).id,
      } as const
      const grantId = await commit(deps, request, async (tx) => {
        const created = await createGrant(tx, grant, deps.now())
        const { name, catalogueVersion } = adapter
        await keepCatalogueVersion(
          tx,
          name,
          catalogueVersion,
          reviewedVersion(adapter.operations()),
        )
        const { expiresAt, ...rest } = grant
        return {
          value: created,
          subject: created,
          change: {
            ...rest,
            constraints,
            approvalTerms: { ...grant.approvalTerms },
            expiresAt: expiresAt?.toISOString() ?? null,
          },
        }
      })
      void reply.code(201)
      return view(await find(grantId))
    },
  )

  app.get(
    '/v1/grants',
    {
      config: { action: 'grant.list', roles: ['admin', 'auditor', 'approver'] },
      schema: {
        operationId: 'listGrants',
        summary: 'List grants',
        querystring: closed({
          ...PageQuery,
          agent: Type.Optional(id('agent')),
          environment: Type.Optional(id('environment')),
        }),
        response: answers(200, page(GrantView)),
      },
    },
    async (request) => {
      const { agent, environment } = request.query
      const limit = pageLimit(request.query.limit)
      const list = `grants ${agent ?? ''} ${environment ?? ''}`
      const after = deps.cursors.read(list, request.query.cursor) ?? ''
      const rows = await listGrants(deps.db, {
        limit: limit + 1,
        after,
        agentId: agent as AgentId | undefined,
        environmentId: environment as EnvironmentId | undefined,
      })
      return toPage(rows, limit, view, (last) => deps.cursors.make(list, last.id))
    },
  )

  app.get(
    '/v1/grants/:id',
    {
      config: { action: 'grant.read', roles: ['admin', 'auditor', 'approver'] },
      schema: {
        operationId: 'readGrant',
        summary: 'Read a grant',
        params: idParams('grant'),
        response: answers(200, GrantView),
      },
    },
    async (request) => view(await find(request.params.id)),
  )

  app.patch(
    '/v1/grants/:id',
    {
      config: { action: 'grant.update', roles: ['admin'] },
      schema: {
        operationId: 'updateGrant',
        summary: 'Change a grant; all but what makes it stricter asks for the password',
        params: idParams('grant'),
        body: closed({
          verbs: Type.Optional(Verbs),
          constraints: Type.Optional(Constraints),
          approval: Type.Optional(Approval),
          approval_terms: Type.Optional(GrantTerms),
          max_lifetime_seconds: Type.Optional(MaxLifetime),
          requests_per_minute: Type.Optional(Rate),
          require_dpop: Type.Optional(RequireDpop),
          expires_at: Type.Optional(ExpiresAt),
          password: Type.Optional(Password),
        }),
        response: answers(200, GrantView),
      },
    },
    async (request) => {
      const { password, ...body } = request.body
      const grant = await find(request.params.id)
      const approvalTerms =
        body.approval_terms === undefined ? undefined : grantTerms(body.approval_terms)
      const onlyStricter =
        Object.keys(body).every((member) => /^(approval(_terms)?|require_dpop)$/.test(member)) &&
        body.require_dpop !== false &&
        strictness[body.approval ?? grant.approval] >= strictness[grant.approval] &&
        (approvalTerms === undefined || notWeaker(grant.approvalTerms, approvalTerms))
      if (!onlyStricter) await requirePassword(deps, request, password)
      if (grant.state === 'revoked')
        throw new Problem('conflict', 'this grant was revoked, which is for ever: make a new one')
      const adapter = deps.providers.get(grant.provider)
      if (adapter === undefined)
        throw new Problem('conflict', `this broker has no provider "${grant.provider}"`)
      if (body.verbs !== undefined) checkVerbs(adapter, body.verbs)
      if (body.constraints !== undefined) checkConstraints(body.constraints)
      const expiresAt = expiry(body.expires_at)
      await commit(deps, request, async (tx) => {
        await updateGrant(tx, grant.id, {
          verbs: body.verbs,
          constraints: body.constraints,
          approval: body.approval,
          approvalTerms,
          maxLifetimeSeconds: body.max_lifetime_seconds,
          requestsPerMinute: body.requests_per_minute,
          requireDpop: body.require_dpop,
          expiresAt,
        })
        return { value: undefined, subject: grant.id, change: body }
      })
      return view(await find(grant.id))
    },
  )

  stateRoutes(app, deps, {
    kind: 'grant',
    path: '/v1/grants',
    set: (tx, subject, state) => setState(tx, 'grant', subject, state),
  })
}
