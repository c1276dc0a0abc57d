/**
 * The agents' endpoints: token (RFC 6749 §4.4 with RFC 9396 authorization details), revocation (RFC 7009) and
 * introspection (RFC 7662). Errors have OAuth's own form (RFC 6749 §5.2).
 */
import Type from 'typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { actorsOf } from '../../capability/attenuate.ts'
import type { CapabilityClaims } from '../../capability/claims.ts'
import type { Proof } from '../../capability/dpop.ts'
import { appendWithin, AuditUnavailable } from '../../audit/log.ts'
import type { IssuanceEntry } from '../../audit/entry.ts'
import { revokeCapability } from '../../capability/revocation.ts'
import type { Verified } from '../../capability/verify.ts'
import { bumpRevision } from '../../db/feed.ts'
import { grantsOfAgent, type Grant } from '../../directory/grant.ts'
import { createTrustReader } from '../../directory/trust.ts'
import type { AgentId, GrantId, TrustRuleId } from '../../ids.ts'
import { frozen, inactive } from '../../proxy/standing.ts'
import type { Deps } from '../deps.ts'
import { proofsOf } from '../dpop.ts'
import { toProblem, sendProblem } from '../error.ts'
import { createNoise } from '../noise.ts'
import type { App } from '../realm.ts'
import { closed } from '../schemas.ts'
import { ownedBy } from './capability-holder.ts'
import { clientChallenge } from './client-challenge.ts'
import { createClientReader, OAuthError, showsKey, type Client } from './client.ts'
import { readForm } from './form.ts'
import { issuanceStart } from './issue.ts'
import { createTokenEndpoint } from './token.ts'

export const OAuthProblem = closed({ error: Type.String(), error_description: Type.String() })
const Token = Type.Object({
  access_token: Type.String(),
  token_type: Type.Union([Type.Literal('Bearer'), Type.Literal('DPoP')]),
  expires_in: Type.Integer({ description: 'Seconds.' }),
  issued_token_type: Type.Optional(
    Type.String({ description: 'Of what was exchanged for (RFC 8693 §2.2.1).' }),
  ),
  authorization_details: Type.Array(Type.Object({}, { additionalProperties: true })),
})
const Introspection = Type.Object({ active: Type.Boolean() }, { additionalProperties: true })
/** Refused before it was known who asks. */
const unknownCaller: ReadonlySet<string> = new Set([
  'invalid_client',
  'invalid_dpop_proof',
  'use_dpop_nonce',
])
const Form = Type.Object({}, { additionalProperties: true })

export function oauthRoutes(app: App, deps: Deps): void {
  const clients = createClientReader(deps)
  const trust = createTrustReader(deps.db)
  deps.feed.onChange((scope) => {
    if (scope === 'directory') {
      clients.clear()
      grants.clear()
      trust.clear()
    }
    return Promise.resolve()
  })
  // An agent's grants, kept until the directory changes: issuance then costs one insert and one signature.
  const grants = new Map<AgentId, readonly Grant[]>()

  // Forms only (RFC 6749 §4.4.2): in JSON a parameter could be an array, or come twice unseen.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: 65_536 },
    (_request, body, done) => {
      const form = readForm(String(body))
      if ('error' in form) done(new OAuthError('invalid_request', form.error), undefined)
      else done(null, form.fields)
    },
  )
  const noise = createNoise(deps, 'oauth.unauthenticated')
  app.addHook('onClose', () => noise.close())
  app.setErrorHandler(async (error, request, reply) => {
    // Who that was is not known: counted, as at the proxy.
    if (error instanceof OAuthError && error.agent === undefined && unknownCaller.has(error.code))
      noise.count(error.code)
    return oauthError(deps, error, request, reply)
  })

  async function grantsOf(agentId: AgentId): Promise<readonly Grant[]> {
    const known = grants.get(agentId)
    if (known !== undefined) return known
    const revision = deps.feed.revision('directory')
    const found = await grantsOfAgent(deps.db, agentId)
    if (grants.size > 10_000) grants.clear()
    if (revision === deps.feed.revision('directory')) grants.set(agentId, found)
    return found
  }

  const answerTokenRequest = createTokenEndpoint({
    deps,
    clients,
    trust,
    grantsOf,
    noise: (reason, sample) => noise.count(reason, sample),
  })

  async function ready(): Promise<void> {
    if (deps.keyring() === undefined)
      throw new OAuthError('temporarily_unavailable', 'the broker is sealed')
    if (!(await deps.feed.confirm()))
      throw new OAuthError('temporarily_unavailable', 'the broker cannot hear its database')
  }

  const routeSchema = (
    operationId: string,
    summary: string,
    ok: Parameters<typeof Type.Array>[0],
  ) => ({
    operationId,
    summary,
    consumes: ['application/x-www-form-urlencoded'],
    body: Form,
    response: { 200: ok, default: OAuthProblem },
  })

  app.post(
    '/oauth/token',
    {
      bodyLimit: 65_536,
      schema: routeSchema(
        'issueCapability',
        'Issue a capability (client credentials, or token exchange)',
        Token,
      ),
    },
    async (request, reply) => {
      await ready()
      const form = request.body as Record<string, string>
      const proof = await proofOf(deps, request)
      const issued = await answerTokenRequest({
        proof,
        form,
        authorization: request.headers.authorization,
        correlationId: request.id,
      })
      void reply.header('cache-control', 'no-store').header('pragma', 'no-cache')
      if (proof?.nextNonce !== undefined) void reply.header('dpop-nonce', proof.nextNonce)
      return issued
    },
  )

  /** Who asks about which token: a client that shows its key; of a workload's own, which has none, whoever holds it. */
  async function asked(
    authorization: string | undefined,
    form: Record<string, string>,
  ): Promise<{ readonly client: Client; readonly verified: Verified }> {
    const { token } = form
    if (token !== undefined && !showsKey(authorization, form)) {
      const verified = await deps.verifier.verify(token, deps.now())
      const client = verified.ok ? await workloadOf(verified.claims) : undefined
      if (client !== undefined) return { client, verified }
    }
    const client = await clients.authenticate(authorization, form)
    if (token === undefined)
      throw new OAuthError('invalid_request', 'token is missing', { agent: client })
    return { client, verified: await deps.verifier.verify(token, deps.now()) }
  }

  async function workloadOf(claims: CapabilityClaims): Promise<Client | undefined> {
    if (claims.rule === undefined || claims.act !== undefined) return undefined
    const policy = await deps.policies.policyOf(claims.grant as GrantId)
    if (policy === undefined || policy.agent.id !== claims.sub) return undefined
    const { id, name } = policy.agent
    return { id, name, ruleId: claims.rule as TrustRuleId }
  }

  app.post(
    '/oauth/revoke',
    {
      bodyLimit: 65_536,
      schema: routeSchema(
        'revokeOwnCapability',
        'Revoke a capability of one’s own (RFC 7009)',
        closed({}),
      ),
    },
    async (request) => {
      await ready()
      const form = request.body as Record<string, string>
      const { client, verified } = await asked(request.headers.authorization, form)
      // RFC 7009 §2.2: a token that is not valid, or not the caller's, is answered like one that was revoked.
      if (!verified.ok || !ownedBy(verified.claims, client.id)) return {}
      const { claims } = verified
      await deps.db.transaction().execute(async (tx) => {
        await revokeCapability(tx, claims.jti, deps.now())
        await appendWithin(tx, {
          ...issuanceStart(deps, client, request.id),
          kind: 'admin',
          result: 'done',
          action: 'capability.revoke',
          subject: claims.jti,
        })
        await bumpRevision(tx, 'revocation')
      })
      await deps.feed.refresh()
      return {}
    },
  )

  app.post(
    '/oauth/introspect',
    {
      bodyLimit: 65_536,
      schema: routeSchema(
        'introspectCapability',
        'Read a capability of one’s own (RFC 7662)',
        Introspection,
      ),
    },
    async (request) => {
      await ready()
      const form = request.body as Record<string, string>
      const now = deps.now()
      const { client, verified } = await asked(request.headers.authorization, form)
      if (!verified.ok || !ownedBy(verified.claims, client.id)) return { active: false }
      const policy = await deps.policies.policyOf(
        verified.claims.grant as GrantId,
        actorsOf(verified.claims),
      )
      if (
        policy === undefined ||
        inactive(policy, verified.claims, now) !== undefined ||
        frozen(policy) !== undefined
      )
        return { active: false }
      return {
        active: true,
        token_type: verified.claims.cnf === undefined ? 'Bearer' : 'DPoP',
        ...verified.claims,
      }
    },
  )
}

/**
 * The DPoP proof of a token request (RFC 9449 §5); undefined where none came. Looked at before the client: what a client
 * shows once only, such as an assertion, must not be used up by a request that is sent again for its nonce.
 */
async function proofOf(deps: Deps, request: FastifyRequest): Promise<Proof | undefined> {
  const given = proofsOf(request.raw.rawHeaders)
  if (given.length === 0) return undefined
  const uri = `${deps.publicUrl}/oauth/token`
  const expected = { method: request.method, uri, capability: undefined }
  const checked = await deps.dpop.check(given, expected, deps.now())
  if (checked.ok) return checked.proof
  throw new OAuthError(
    checked.reason === 'nonce' ? 'use_dpop_nonce' : 'invalid_dpop_proof',
    checked.detail,
  )
}

async function oauthError(
  deps: Deps,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  let oauth: OAuthError
  if (error instanceof OAuthError) oauth = error
  else {
    const problem = toProblem(error, request)
    if (problem.code === 'unavailable' || problem.code === 'sealed') {
      oauth = new OAuthError('temporarily_unavailable', problem.details.detail)
    } else if (problem.code === 'internal') return sendProblem(reply, problem, request.id)
    else if (problem.code === 'unsupported_media_type') {
      const detail = 'send the parameters as application/x-www-form-urlencoded'
      oauth = new OAuthError('invalid_request', detail, { status: 415 })
    } else oauth = new OAuthError('invalid_request', problem.details.detail, { status: 400 })
  }
  if (oauth.agent !== undefined) {
    const entry: IssuanceEntry = {
      ...issuanceStart(deps, oauth.agent, request.id),
      kind: 'issuance',
      result: 'refused',
      reason: oauth.code,
    }
    try {
      await deps.audit.append(entry)
    } catch (failure) {
      if (!(failure instanceof AuditUnavailable)) throw failure
      oauth = new OAuthError('temporarily_unavailable', 'the audit log cannot be written')
    }
  }
  if (oauth.status === 401)
    void reply.header('www-authenticate', clientChallenge(request.headers.authorization))
  if (oauth.code === 'use_dpop_nonce') void reply.header('dpop-nonce', deps.dpop.nonce(deps.now()))
  return reply
    .code(oauth.status)
    .header('cache-control', 'no-store')
    .header('pragma', 'no-cache')
    .send({ error: oauth.code, error_description: oauth.message })
}
