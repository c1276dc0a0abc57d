/** Trusted issuers over REST: whose tokens are looked at, and where their keys are fetched from. */
import Type from 'typebox'
import { platformOf, platforms } from '../../core/trust-rule.ts'
import {
  createTrustIssuer,
  listTrustIssuers,
  readTrustIssuer,
  type TrustIssuer,
} from '../../directory/trust.ts'
import { setState } from '../../directory/state.ts'
import { complaintAboutIssuer } from '../../federation/issuer.ts'
import type { TrustIssuerId } from '../../ids.ts'
import { Problem } from '../../problem.ts'
import { isPublicAddress } from '../../proxy/address.ts'
import type { Deps } from '../deps.ts'
import { operatorOf, requirePassword } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { answers, closed, id, idParams, Password, State, Timestamp } from '../schemas.ts'
import { commit } from './change.ts'
import { listRoute } from './list-route.ts'
import { stateRoutes } from './state-routes.ts'

const Issuer = Type.String({
  minLength: 1,
  maxLength: 500,
  description: 'The iss of its tokens, to the letter: a trailing slash makes another issuer.',
})
const JwksUri = Type.String({
  minLength: 1,
  maxLength: 500,
  description: 'Where its keys are; by default its own metadata says it.',
})
const Internal = Type.Boolean({
  description:
    'It may lie in a private network, or be plain HTTP on loopback. Otherwise it is fetched from public addresses only.',
})
const Platform = Type.Union(
  platforms.map((platform) => Type.Literal(platform)),
  {
    description:
      'What its rules must condition on. GitHub’s and GitLab’s own are known by their URL; declare those that you host.',
  },
)

const TrustIssuerView = closed({
  id: id('trustIssuer'),
  issuer: Issuer,
  jwks_uri: Type.Union([JwksUri, Type.Null()]),
  internal: Internal,
  platform: Platform,
  state: State,
  created_by: id('operator'),
  created_at: Timestamp,
})

function view(issuer: TrustIssuer) {
  return {
    id: issuer.id,
    issuer: issuer.issuer,
    jwks_uri: issuer.jwksUri,
    internal: issuer.internal,
    platform: issuer.platform,
    state: issuer.state,
    created_by: issuer.createdBy,
    created_at: issuer.createdAt.toISOString(),
  }
}

function refuse(pointer: string, detail: string): Problem {
  return new Problem('invalid_request', {
    detail: `${pointer.slice(1)}: ${detail}`,
    errors: [{ pointer, detail }],
  })
}

export function trustIssuerRoutes(app: App, deps: Deps): void {
  async function read(issuerId: string) {
    const issuer = await readTrustIssuer(deps.db, issuerId as TrustIssuerId)
    if (issuer === undefined) throw new Problem('not_found', 'there is no trust issuer of this id')
    return view(issuer)
  }

  app.post(
    '/v1/trust-issuers',
    {
      config: { action: 'trust_issuer.create', roles: ['admin'] },
      schema: {
        operationId: 'createTrustIssuer',
        summary: 'Trust an issuer to say who holds its tokens; what they may do, rules say',
        body: closed({
          issuer: Issuer,
          jwks_uri: Type.Optional(JwksUri),
          internal: Type.Optional(Internal),
          platform: Type.Optional(Platform),
          password: Password,
        }),
        response: answers(201, TrustIssuerView),
      },
    },
    async (request, reply) => {
      const { issuer, jwks_uri: jwksUri, internal = false, platform, password } = request.body
      await requirePassword(deps, request, password)
      const trusted = { issuer, internal, ...(jwksUri === undefined ? {} : { jwksUri }) }
      const complaint = complaintAboutIssuer(trusted, isPublicAddress)
      if (complaint !== undefined)
        throw refuse(complaint.startsWith('its keys') ? '/jwks_uri' : '/issuer', complaint)
      if (issuer === deps.publicUrl)
        throw refuse('/issuer', 'this broker’s own capabilities are not exchanged by trust rules')
      const known = platformOf(issuer)
      // A self-declared "other" would be a way around what rules for GitHub must name.
      if (known !== undefined && platform !== undefined && platform !== known)
        throw refuse('/platform', `this issuer is ${known}’s`)
      const kept = {
        issuer,
        jwksUri: jwksUri ?? null,
        internal,
        platform: known ?? platform ?? 'other',
        createdBy: operatorOf(request).id,
      }
      const issuerId = await commit(deps, request, async (tx) => {
        const created = await createTrustIssuer(tx, kept, deps.now())
        if (created === undefined) throw new Problem('conflict', 'this issuer is trusted already')
        const { createdBy: _, ...change } = kept
        return { value: created, subject: created, change }
      })
      void reply.code(201)
      return read(issuerId)
    },
  )

  listRoute(app, deps, {
    noun: 'trust-issuers',
    action: 'trust_issuer.list',
    roles: ['admin', 'auditor', 'approver'],
    operationId: 'listTrustIssuers',
    summary: 'List trusted issuers',
    schema: TrustIssuerView,
    rows: (asked) => listTrustIssuers(deps.db, asked),
    view,
  })

  app.get(
    '/v1/trust-issuers/:id',
    {
      config: { action: 'trust_issuer.read', roles: ['admin', 'auditor', 'approver'] },
      schema: {
        operationId: 'readTrustIssuer',
        summary: 'Read a trusted issuer',
        params: idParams('trustIssuer'),
        response: answers(200, TrustIssuerView),
      },
    },
    (request) => read(request.params.id),
  )

  stateRoutes(app, deps, {
    kind: 'trustIssuer',
    path: '/v1/trust-issuers',
    set: (tx, subject, state) => setState(tx, 'trust_issuer', subject, state),
  })
}
