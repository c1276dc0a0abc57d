/**
 * Trust rules over REST: whose tokens act as which agent. A rule is never changed, because what was issued under it
 * holds by what it said: revoke it, and make another.
 */
import Type, { type Static } from 'typebox'
import { longestLifetime } from '../../capability/claims.ts'
import {
  longestClaimPath,
  longestClaimValue,
  mostClaimValues,
  type ClaimCondition,
} from '../../core/claim-condition.ts'
import { mostConditions, mostExchanges, ruleFault } from '../../core/trust-rule.ts'
import { readAgent } from '../../directory/agent.ts'
import { setState } from '../../directory/state.ts'
import {
  createTrustRule,
  listTrustRules,
  readTrustIssuer,
  readTrustRule,
  type TrustRule,
} from '../../directory/trust.ts'
import type { AgentId, TrustIssuerId, TrustRuleId } from '../../ids.ts'
import { Problem } from '../../problem.ts'
import { pageOf } from '../cursor.ts'
import type { Deps } from '../deps.ts'
import { operatorOf, requirePassword } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import {
  answers,
  closed,
  id,
  idParams,
  Name,
  page,
  PageQuery,
  Password,
  State,
  Timestamp,
} from '../schemas.ts'
import { commit } from './change.ts'
import { stateRoutes } from './state-routes.ts'

const Scalar = Type.Union([
  Type.String({ minLength: 1, maxLength: longestClaimValue }),
  Type.Integer(),
  Type.Boolean(),
])
const Condition = closed({
  claim: Type.String({
    minLength: 1,
    maxLength: longestClaimPath,
    description:
      'The claim’s exact name, dots and all, or a JSON Pointer to one further in: repository_id, /kubernetes.io/namespace.',
  }),
  equals: Type.Optional(Scalar),
  oneOf: Type.Optional(Type.Array(Scalar, { minItems: 1, maxItems: mostClaimValues })),
  prefix: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: longestClaimValue,
      description: 'Must end with / or :, so that it ends where a name ends.',
    }),
  ),
})
const Conditions = Type.Array(Condition, {
  minItems: 1,
  maxItems: mostConditions,
  description: 'What the token must say: all of it. Texts, numbers and booleans are never equal.',
})
const Audience = Type.String({
  minLength: 1,
  maxLength: 500,
  description: 'The aud of the token, alone; this broker’s own URL by default.',
})
const MaxLifetime = Type.Integer({
  minimum: 1,
  maximum: longestLifetime,
  description: 'Seconds a capability may live; the grant’s and the token’s own end hold besides.',
})
const Exchanges = Type.Integer({
  minimum: 1,
  maximum: mostExchanges,
  description:
    'How often one token may be exchanged: 1 where its holder can get a new one at will.',
})

const TrustRuleView = closed({
  id: id('trustRule'),
  name: Name,
  issuer: id('trustIssuer'),
  agent: id('agent'),
  audience: Audience,
  conditions: Conditions,
  max_lifetime_seconds: Type.Union([MaxLifetime, Type.Null()]),
  exchanges_per_token: Exchanges,
  state: State,
  created_by: id('operator'),
  created_at: Timestamp,
})

function refuse(pointer: string, detail: string): Problem {
  return new Problem('invalid_request', {
    detail: `${pointer.slice(1)}: ${detail}`,
    errors: [{ pointer, detail }],
  })
}

export function trustRuleRoutes(app: App, deps: Deps): void {
  const view = (rule: TrustRule) => ({
    id: rule.id,
    name: rule.name,
    issuer: rule.issuerId,
    agent: rule.agentId,
    audience: rule.audience ?? deps.publicUrl,
    conditions: rule.conditions as Static<typeof Conditions>,
    max_lifetime_seconds: rule.maxLifetimeSeconds,
    exchanges_per_token: rule.exchangesPerToken,
    state: rule.state,
    created_by: rule.createdBy,
    created_at: rule.createdAt.toISOString(),
  })

  async function read(ruleId: string) {
    const rule = await readTrustRule(deps.db, ruleId as TrustRuleId)
    if (rule === undefined) throw new Problem('not_found', 'there is no trust rule of this id')
    return view(rule)
  }

  app.post(
    '/v1/trust-rules',
    {
      config: { action: 'trust_rule.create', roles: ['admin'] },
      schema: {
        operationId: 'createTrustRule',
        summary: 'Let the holders of an issuer’s tokens, by what they say, act as an agent',
        body: closed({
          name: Name,
          issuer: id('trustIssuer'),
          agent: id('agent'),
          audience: Type.Optional(Audience),
          conditions: Conditions,
          max_lifetime_seconds: Type.Optional(MaxLifetime),
          exchanges_per_token: Type.Optional(Exchanges),
          password: Password,
        }),
        response: answers(201, TrustRuleView),
      },
    },
    async (request, reply) => {
      const { body } = request
      await requirePassword(deps, request, body.password)
      const issuer = await readTrustIssuer(deps.db, body.issuer as TrustIssuerId)
      if (issuer === undefined || issuer.state === 'revoked')
        throw refuse('/issuer', 'there is no such trust issuer, or it was revoked')
      const agent = await readAgent(deps.db, body.agent as AgentId)
      if (agent === undefined || agent.state === 'revoked')
        throw refuse('/agent', 'there is no such agent, or it was revoked')
      const conditions: readonly ClaimCondition[] = body.conditions
      const own = body.audience === undefined || body.audience === deps.publicUrl
      const audience = own ? null : (body.audience ?? null)
      const fault = ruleFault(issuer.platform, { conditions, audience })
      if (fault !== undefined) throw refuse(fault.pointer, fault.detail)
      const rule = {
        name: body.name,
        issuerId: issuer.id,
        agentId: agent.id,
        audience,
        conditions,
        maxLifetimeSeconds: body.max_lifetime_seconds ?? null,
        exchangesPerToken: body.exchanges_per_token ?? 1,
        createdBy: operatorOf(request).id,
      }
      const ruleId = await commit(deps, request, async (tx) => {
        const created = await createTrustRule(tx, rule, deps.now())
        const { createdBy: _, ...change } = rule
        return {
          value: created,
          subject: created,
          change: { ...change, conditions: body.conditions, issuer: issuer.issuer },
        }
      })
      void reply.code(201)
      return read(ruleId)
    },
  )

  app.get(
    '/v1/trust-rules',
    {
      config: { action: 'trust_rule.list', roles: ['admin', 'auditor', 'approver'] },
      schema: {
        operationId: 'listTrustRules',
        summary: 'List trust rules',
        querystring: closed({
          ...PageQuery,
          issuer: Type.Optional(id('trustIssuer')),
          agent: Type.Optional(id('agent')),
        }),
        response: answers(200, page(TrustRuleView)),
      },
    },
    (request) => {
      const { issuer, agent } = request.query
      const list = `trust-rules ${issuer ?? ''} ${agent ?? ''}`
      const filters = {
        issuerId: issuer as TrustIssuerId | undefined,
        agentId: agent as AgentId | undefined,
      }
      return pageOf(
        deps.cursors,
        list,
        request.query,
        (asked) => listTrustRules(deps.db, { ...asked, ...filters }),
        view,
      )
    },
  )

  app.get(
    '/v1/trust-rules/:id',
    {
      config: { action: 'trust_rule.read', roles: ['admin', 'auditor', 'approver'] },
      schema: {
        operationId: 'readTrustRule',
        summary: 'Read a trust rule',
        params: idParams('trustRule'),
        response: answers(200, TrustRuleView),
      },
    },
    (request) => read(request.params.id),
  )

  stateRoutes(app, deps, {
    kind: 'trustRule',
    path: '/v1/trust-rules',
    set: (tx, subject, state) => setState(tx, 'trust_rule', subject, state),
  })
}
