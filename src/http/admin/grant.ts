/** Grants over REST. */
import Type from 'typebox'
import { defaultLifetime } from '../../capability/claims.ts'
import { notWeaker } from '../../core/approval-terms.ts'
import type { ApprovalRule } from '../../core/grant.ts'
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
import { readCredential } from '../../vault/store.ts'
import { pageOf } from '../cursor.ts'
import type { Deps } from '../deps.ts'
import { operatorOf, requirePassword } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { answers, closed, id, idParams, page, PageQuery, Password } from '../schemas.ts'
import { GrantTerms, grantTerms } from './approval-terms.ts'
import { commit } from './change.ts'
import {
  Approval,
  checkConstraints,
  checkVerbs,
  Constraints,
  ExpiresAt,
  GrantView,
  grantView,
  HandOut,
  MaxLifetime,
  Minted,
  Rate,
  refuse,
  RequireDpop,
  Verbs,
} from './grant-shape.ts'
import { objectionToHandingOut } from './hand-out.ts'
import { stateRoutes } from './state-routes.ts'

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

  /**
   * What is said of handing out is held against all that is said. A change that leaves a grant such that it could not be
   * handed out any more ends that with it: nobody is kept from making a grant stricter.
   */
  async function withoutHandingOut<
    B extends {
      hand_out?: boolean
      verbs?: string[]
      constraints?: readonly unknown[]
      approval?: ApprovalRule
    },
  >(grant: Grant, body: B): Promise<B> {
    if (!(body.hand_out ?? grant.handOut)) return body
    const { verbs, constraints, approval } = { ...grant, ...body }
    const objection = await objectionToHandingOut(deps, { ...grant, verbs, constraints, approval })
    if (objection === undefined) return body
    if (body.hand_out === true) throw refuse('/hand_out', objection)
    return { ...body, hand_out: false }
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
          hand_out: Type.Optional(HandOut),
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
        handOut: body.hand_out ?? false,
        catalogueVersion: adapter.catalogueVersion,
        expiresAt: expiry(body.expires_at) ?? null,
        createdBy: operatorOf(request).id,
      } as const
      if (grant.handOut) {
        const objection = await objectionToHandingOut(deps, { ...grant, id: undefined })
        if (objection !== undefined) throw refuse('/hand_out', objection)
      }
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
    (request) => {
      const { agent, environment } = request.query
      const list = `grants ${agent ?? ''} ${environment ?? ''}`
      const filters = {
        agentId: agent as AgentId | undefined,
        environmentId: environment as EnvironmentId | undefined,
      }
      return pageOf(
        deps.cursors,
        list,
        request.query,
        (asked) => listGrants(deps.db, { ...asked, ...filters }),
        view,
      )
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
          hand_out: Type.Optional(HandOut),
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
        Object.keys(body).every((member) =>
          /^(approval(_terms)?|require_dpop|hand_out)$/.test(member),
        ) &&
        body.require_dpop !== false &&
        body.hand_out !== true &&
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
      const changed = await withoutHandingOut(grant, body)
      await commit(deps, request, async (tx) => {
        await updateGrant(tx, grant.id, {
          verbs: body.verbs,
          constraints: body.constraints,
          approval: body.approval,
          approvalTerms,
          maxLifetimeSeconds: body.max_lifetime_seconds,
          requestsPerMinute: body.requests_per_minute,
          requireDpop: body.require_dpop,
          handOut: changed.hand_out,
          expiresAt,
        })
        return { value: undefined, subject: grant.id, change: changed }
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
