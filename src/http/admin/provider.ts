/** What the broker knows of providers, and `explain`: what a given request would be, and what would be decided. */
import Type from 'typebox'
import { matchApproval } from '../../approval/store.ts'
import { requestDigest } from '../../core/approval.ts'
import { sentence, shownOperations, tooLongToShow } from '../../core/approval-facts.ts'
import { readGrant } from '../../directory/grant.ts'
import type { Policy } from '../../directory/policy.ts'
import type { GrantId } from '../../ids.ts'
import { Problem } from '../../problem.ts'
import type { ProviderAdapter } from '../../provider/adapter.ts'
import { denialOf } from '../../proxy/denial.ts'
import type { Evaluation } from '../../proxy/evaluate.ts'
import { approvableRequest } from '../../proxy/gate.ts'
import { pageUrl, stateAt } from '../approval.ts'
import type { Deps } from '../deps.ts'
import type { App } from '../realm.ts'
import { answers, closed, Effect, id, ProviderName, Verb } from '../schemas.ts'
import { providerImportRoutes } from './provider-import.ts'

const ProviderView = closed({
  name: ProviderName,
  origins: Type.Array(Type.String()),
  catalogue_version: Type.String(),
  styles: Type.Array(Type.String(), { description: 'How a credential can go out.' }),
  bindings: Type.Array(closed({ kind: Type.String(), example: Type.String() })),
})

const OperationView = closed({
  name: Type.String(),
  effects: Type.Array(Effect),
  scope: Type.String(),
  denied: Type.Boolean(),
})

const ExplainView = closed({
  decision: Type.Union(
    (['allow', 'needs_approval', 'deny'] as const).map((kind) => Type.Literal(kind)),
  ),
  code: Type.Optional(Type.String({ description: 'The problem code that the agent would get.' })),
  detail: Type.String(),
  /** Everything the refusal would not tell an agent; this is for operators. */
  reason: Type.Optional(Type.Object({}, { additionalProperties: true })),
  approval: Type.Optional(
    closed({
      sentence: Type.String({
        description: 'What a person would be asked, but for what the provider is asked about it.',
      }),
      not_approvable: Type.Optional(
        Type.String({ description: 'Why nobody would be asked, and the request refused instead.' }),
      ),
      standing: Type.Union(
        [
          closed({
            id: id('approval'),
            state: Type.String(),
            url: Type.String({ description: 'The page on which it is decided.' }),
          }),
          Type.Null(),
        ],
        { description: 'What this exact request of this agent has come to already.' },
      ),
    }),
  ),
  operations: Type.Array(
    closed({
      name: Type.String(),
      effects: Type.Array(Effect),
      added: Type.Array(Effect),
      scope: Type.String(),
      resources: Type.Array(
        closed({
          kind: Type.String(),
          id: Type.String(),
          role: Type.String(),
          path: Type.String(),
        }),
      ),
      places: Type.Array(Type.String()),
      unresolved: Type.Array(
        closed({ kind: Type.String(), id: Type.String(), why: Type.String() }),
      ),
    }),
  ),
})

export function providerRoutes(app: App, deps: Deps): void {
  providerImportRoutes(app, deps)

  app.get(
    '/v1/providers',
    {
      config: { action: 'provider.list' },
      schema: {
        operationId: 'listProviders',
        summary: 'List the providers this broker understands',
        response: answers(200, closed({ items: Type.Array(ProviderView) })),
      },
    },
    () => ({
      items: [...deps.providers.values()].map((adapter) => ({
        name: adapter.name,
        origins: [...deps.originsOf(adapter)],
        catalogue_version: adapter.catalogueVersion,
        styles: adapter.injections.map((style) => style.name),
        bindings: adapter.bindings.map(({ kind, example }) => ({ kind, example })),
      })),
    }),
  )

  app.get(
    '/v1/providers/:name/operations',
    {
      config: { action: 'provider.operations' },
      schema: {
        operationId: 'listOperations',
        summary: 'List a provider’s operations with their effects',
        params: closed({ name: ProviderName }),
        response: answers(200, closed({ items: Type.Array(OperationView) })),
      },
    },
    (request) => {
      const adapter = deps.providers.get(request.params.name)
      if (adapter === undefined) throw new Problem('not_found', 'there is no provider of this name')
      return {
        items: [...adapter.operations()].map((entry) => ({
          name: entry.name,
          effects: [...entry.effects],
          scope: entry.scope,
          denied: entry.denied === true,
        })),
      }
    },
  )

  app.post(
    '/v1/explain',
    {
      config: { action: 'explain', roles: ['admin', 'auditor', 'approver'] },
      schema: {
        operationId: 'explain',
        summary:
          'Say which operations a request would be, what they touch, and what would be decided; nothing is sent but look-ups',
        body: closed({
          grant: id('grant'),
          verbs: Type.Optional(
            Type.Array(Verb, {
              minItems: 1,
              maxItems: 64,
              description: 'A narrower capability; all of the grant by default.',
            }),
          ),
          method: Type.String({ pattern: '^[A-Z]{1,20}$' }),
          target: Type.String({
            minLength: 1,
            maxLength: 8_192,
            pattern: '^/',
            description: 'Path and query, without /proxy/<provider>.',
          }),
          headers: Type.Optional(
            Type.Record(
              Type.String({ pattern: '^[a-z0-9-]{1,60}$' }),
              Type.String({ maxLength: 4_096 }),
            ),
          ),
          body: Type.Optional(Type.String({ maxLength: 1_048_576 })),
        }),
        response: answers(200, ExplainView),
      },
    },
    async (request) => {
      const { body } = request
      const grant = await readGrant(deps.db, body.grant as GrantId)
      const policy = grant === undefined ? undefined : await deps.policies.policyOf(grant.id)
      const adapter = grant === undefined ? undefined : deps.providers.get(grant.provider)
      if (policy === undefined || adapter === undefined)
        throw new Problem('not_found', 'there is no grant of this id')
      const queryAt = body.target.indexOf('?')
      const evaluation = await deps.evaluator.evaluate(
        adapter,
        { policy, capability: undefined, verbs: body.verbs ?? policy.grant.verbs, now: deps.now() },
        {
          method: body.method,
          path: queryAt === -1 ? body.target : body.target.slice(0, queryAt),
          query: queryAt === -1 ? undefined : body.target.slice(queryAt + 1),
          headers: body.headers ?? {},
          body: Buffer.from(body.body ?? ''),
        },
        request.id,
      )
      return {
        ...explanation(evaluation, policy.environment.name),
        ...(await approvalOf(deps, adapter, policy, evaluation)),
      }
    },
  )
}

/** What a person would be asked, and whether one is. A dry run parks nothing, and asks nobody. */
async function approvalOf(
  deps: Deps,
  adapter: ProviderAdapter,
  policy: Policy,
  evaluation: Evaluation,
) {
  if (evaluation.kind !== 'decided' || evaluation.decision.kind !== 'needs_approval') return {}
  const { agent, environment } = policy
  const operations = shownOperations(evaluation.operations, environment, adapter.name)
  const digest = requestDigest(approvableRequest(adapter, policy, evaluation.request))
  const now = deps.now()
  const standing = await matchApproval(deps.db, { digest, agentId: agent.id }, now)
  const tooLong = tooLongToShow(evaluation.operations)
  return {
    approval: {
      ...(tooLong === undefined ? {} : { not_approvable: tooLong }),
      sentence: sentence({ operations, agent, environment, provider: adapter.name }),
      standing:
        standing === undefined
          ? null
          : {
              id: standing.id,
              state: stateAt(standing, now),
              url: pageUrl(deps, standing.id),
            },
    },
  }
}

function explanation(evaluation: Evaluation, environment: string) {
  const operations = evaluation.operations.map(({ invocation, located }) => ({
    name: invocation.operation,
    effects: [...invocation.effects],
    added: [...invocation.added],
    scope: invocation.scope,
    resources: invocation.resources.map((resource) => ({ ...resource })),
    places: [...(located?.places ?? [])],
    unresolved: (located?.unresolved ?? []).map((item) => ({ ...item })),
  }))
  switch (evaluation.kind) {
    case 'not_understood':
      return {
        decision: 'deny' as const,
        code: evaluation.refusal.code,
        detail: evaluation.refusal.detail,
        operations,
      }
    case 'decided': {
      const { decision } = evaluation
      if (decision.kind === 'allow')
        return { decision: decision.kind, detail: `allowed in ${environment}`, operations }
      const { code, details } = denialOf(decision, environment)
      return {
        decision: decision.kind,
        code,
        detail: details.detail,
        ...(decision.kind === 'deny' ? { reason: { ...decision.reason } } : {}),
        operations,
      }
    }
  }
}
