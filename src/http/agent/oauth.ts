/**
 * The agents' endpoints: token (RFC 6749 §4.4 with RFC 9396 authorization details), revocation (RFC 7009),
 * introspection (RFC 7662), metadata (RFC 8414) and keys (RFC 7517).
 */
import Type from 'typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AuditUnavailable } from '../../audit/log.ts'
import type { IssuanceEntry } from '../../audit/entry.ts'
import { detailsType, type CapabilityClaims } from '../../capability/claims.ts'
import { issueCapability, narrow } from '../../capability/issue.ts'
import { revokeCapability } from '../../capability/revocation.ts'
import { appendWithin } from '../../audit/log.ts'
import { bumpRevision } from '../../db/feed.ts'
import { grantsOfAgent, type Grant } from '../../directory/grant.ts'
import { frozenScope } from '../../directory/freeze.ts'
import type { Policy } from '../../directory/policy.ts'
import type { AgentId, GrantId } from '../../ids.ts'
import type { ProviderAdapter } from '../../provider/adapter.ts'
import { Problem } from '../../problem.ts'
import type { Deps } from '../deps.ts'
import { toProblem, sendProblem } from '../error.ts'
import { createNoise } from '../noise.ts'
import type { App } from '../realm.ts'
import { closed } from '../schemas.ts'
import { readAuthorizationDetails, type AskedDetails } from './authorization-details.ts'
import { createClientReader, OAuthError, type Client } from './client.ts'
import { readForm } from './form.ts'

const OAuthProblem = closed({ error: Type.String(), error_description: Type.String() })
const Token = Type.Object({
  access_token: Type.String(),
  token_type: Type.Literal('Bearer'),
  expires_in: Type.Integer({ description: 'Seconds.' }),
  authorization_details: Type.Array(Type.Object({}, { additionalProperties: true })),
})
const Introspection = Type.Object({ active: Type.Boolean() }, { additionalProperties: true })
const Form = Type.Object({}, { additionalProperties: true })

export function oauthRoutes(app: App, deps: Deps): void {
  const clients = createClientReader(deps.db, deps.now)
  deps.feed.onChange((scope) => {
    if (scope === 'directory') {
      clients.clear()
      grants.clear()
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
    if (error instanceof OAuthError && error.code === 'invalid_client') noise.count(error.code)
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
      schema: routeSchema('issueCapability', 'Issue a capability (client credentials)', Token),
    },
    async (request, reply) => {
      await ready()
      const form = request.body as Record<string, string>
      const client = await clients.authenticate(request.headers.authorization, form)
      const issued = await issue(deps, client, form, await grantsOf(client.id), request.id)
      void reply.header('cache-control', 'no-store').header('pragma', 'no-cache')
      return issued
    },
  )

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
      const client = await clients.authenticate(request.headers.authorization, form)
      const token = form['token']
      if (token === undefined)
        throw new OAuthError('invalid_request', 'token is missing', { agent: client })
      const verified = await deps.verifier.verify(token, deps.now())
      // RFC 7009 §2.2: a token that is not valid, or not the caller's, is answered like one that was revoked.
      if (!verified.ok || verified.claims.client_id !== client.id) return {}
      const { claims } = verified
      await deps.db.transaction().execute(async (tx) => {
        await revokeCapability(tx, claims.jti, claims.exp)
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
      const client = await clients.authenticate(request.headers.authorization, form)
      const token = form['token']
      if (token === undefined)
        throw new OAuthError('invalid_request', 'token is missing', { agent: client })
      const now = deps.now()
      const verified = await deps.verifier.verify(token, now)
      if (!verified.ok || verified.claims.client_id !== client.id) return { active: false }
      const policy = await deps.policies.policyOf(verified.claims.grant as GrantId)
      if (policy === undefined || inactive(policy, verified.claims, now) !== undefined)
        return { active: false }
      return { active: true, token_type: 'Bearer', ...verified.claims }
    },
  )
}

/** Why a capability is not good although it verifies; undefined where it is. */
export function inactive(
  policy: Policy,
  claims: CapabilityClaims,
  now: number,
): string | undefined {
  if (policy.state !== 'active') return policy.state
  if (policy.expiresAt <= now) return 'expired'
  if (policy.agent.id !== claims.sub) return 'another agent'
  if (claims.binding !== policy.binding) return 'rebound'
  return undefined
}

function issuanceStart(deps: Deps, client: Client, correlationId: string) {
  return {
    at: deps.now(),
    correlationId,
    actor: { kind: 'agent', id: client.id, name: client.name },
  } as const
}

async function issue(
  deps: Deps,
  client: Client,
  form: Record<string, string>,
  grants: readonly Grant[],
  correlationId: string,
) {
  if (form['grant_type'] === undefined)
    throw new OAuthError('invalid_request', 'grant_type is missing', { agent: client })
  if (form['grant_type'] !== 'client_credentials') {
    throw new OAuthError('unsupported_grant_type', 'grant_type must be client_credentials', {
      agent: client,
    })
  }
  if (form['scope'] !== undefined) {
    throw new OAuthError(
      'invalid_scope',
      'say what you want in authorization_details (RFC 9396), not in scope',
      { agent: client },
    )
  }
  const asked = readAuthorizationDetails(form['authorization_details'])
  if ('error' in asked)
    throw new OAuthError('invalid_authorization_details', asked.error, { agent: client })

  const now = deps.now()
  const { policy, adapter } = await chooseGrant(deps, client, asked.details, grants, now)
  const { grant } = policy
  const narrowed = narrow(asked.details?.verbs, grant.verbs, (name) => {
    const found = adapter.find(name)
    return found === undefined || found === 'ambiguous'
      ? found
      : { ...found, operation: found.name }
  })
  if (!narrowed.ok) {
    throw new OAuthError(
      'invalid_authorization_details',
      `the grant does not cover ${narrowed.wider.slice(0, 5).join(', ')}; it covers ${grant.verbs.slice(0, 20).join(', ')}`,
      { agent: client },
    )
  }
  const frozen = frozenScope(policy.freezes, {
    provider: grant.provider,
    environmentId: grant.environmentId,
    agentId: client.id,
  })
  if (frozen !== undefined) {
    throw new OAuthError(
      'invalid_grant',
      frozen === 'everything' ? 'everything is frozen' : `this ${frozen} is frozen`,
      { agent: client },
    )
  }
  const left = Math.floor((policy.expiresAt - now) / 1000)
  const lifetime = Math.min(
    asked.details?.lifetime ?? Number.POSITIVE_INFINITY,
    grant.maxLifetimeSeconds,
    left,
  )
  if (lifetime < 1)
    throw new OAuthError('invalid_grant', 'the grant is about to expire', { agent: client })
  const keyring = deps.keyring()
  if (keyring === undefined) throw new OAuthError('temporarily_unavailable', 'the broker is sealed')
  const issued = await issueCapability(keyring, deps.publicUrl, {
    agentId: client.id,
    grantId: grant.id,
    provider: grant.provider,
    environmentId: grant.environmentId,
    binding: policy.binding,
    verbs: narrowed.verbs,
    lifetime,
    now,
  })
  await deps.audit.append({
    ...issuanceStart(deps, client, correlationId),
    kind: 'issuance',
    result: 'issued',
    environment: { id: policy.environment.id, name: policy.environment.name },
    provider: grant.provider,
    grantId: grant.id,
    capabilityId: issued.id,
    verbs: narrowed.verbs,
    expiresAt: issued.expiresAt,
  })
  return {
    access_token: issued.token,
    token_type: 'Bearer' as const,
    expires_in: lifetime,
    authorization_details: issued.claims.authorization_details,
  }
}

/** The one grant that the request means. Two that would do are an error: a capability comes from one. */
async function chooseGrant(
  deps: Deps,
  client: Client,
  asked: AskedDetails | undefined,
  grants: readonly Grant[],
  now: number,
): Promise<{ policy: Policy; adapter: ProviderAdapter }> {
  const usable: Policy[] = []
  for (const grant of grants) {
    if (asked?.grant !== undefined && grant.id !== asked.grant) continue
    if (asked?.provider !== undefined && grant.provider !== asked.provider) continue
    const policy = deps.policies.cached(grant.id) ?? (await deps.policies.policyOf(grant.id))
    if (policy === undefined || policy.state !== 'active' || policy.expiresAt <= now) continue
    const environment = asked?.environment
    if (
      environment !== undefined &&
      environment !== policy.environment.id &&
      environment !== policy.environment.name
    )
      continue
    usable.push(policy)
  }
  const [only, second] = usable
  if (only === undefined) {
    throw new OAuthError(
      asked === undefined ? 'unauthorized_client' : 'invalid_authorization_details',
      'no active grant of this agent is for what was asked; an admin mints grants',
      { agent: client },
    )
  }
  if (second !== undefined) {
    const choices = usable
      .slice(0, 10)
      .map(
        (policy) => `${policy.grant.provider} in ${policy.environment.name} (${policy.grant.id})`,
      )
    throw new OAuthError(
      'invalid_authorization_details',
      `several grants would do: name provider and environment, or the grant, in authorization_details: ${choices.join('; ')}`,
      { agent: client },
    )
  }
  const adapter = deps.providers.get(only.grant.provider)
  if (adapter === undefined)
    throw new OAuthError('invalid_target', 'this broker does not know the grant’s provider', {
      agent: client,
    })
  return { policy: only, adapter }
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
  if (oauth.status === 401) void reply.header('www-authenticate', 'Basic realm="valetkey"')
  return reply
    .code(oauth.status)
    .header('cache-control', 'no-store')
    .header('pragma', 'no-cache')
    .send({ error: oauth.code, error_description: oauth.message })
}

/** RFC 8414 metadata and the keys. */
export function metadataRoutes(app: App, deps: Deps): void {
  const any = Type.Object({}, { additionalProperties: true })
  const methods = ['client_secret_basic', 'client_secret_post']
  const metadata = {
    issuer: deps.publicUrl,
    token_endpoint: `${deps.publicUrl}/oauth/token`,
    jwks_uri: `${deps.publicUrl}/.well-known/jwks.json`,
    revocation_endpoint: `${deps.publicUrl}/oauth/revoke`,
    introspection_endpoint: `${deps.publicUrl}/oauth/introspect`,
    // RFC 8414 §2 asks for it; there is no authorization endpoint, hence no response type.
    response_types_supported: [],
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: methods,
    revocation_endpoint_auth_methods_supported: methods,
    introspection_endpoint_auth_methods_supported: methods,
    authorization_details_types_supported: [detailsType],
  }
  app.get(
    '/.well-known/oauth-authorization-server',
    {
      schema: {
        operationId: 'metadata',
        summary: 'Authorization server metadata (RFC 8414)',
        response: { 200: any, default: OAuthProblem },
      },
    },
    () => metadata,
  )
  app.get(
    '/.well-known/jwks.json',
    {
      schema: {
        operationId: 'jwks',
        summary: 'The keys that capabilities are signed with (RFC 7517)',
        response: { 200: any, default: OAuthProblem },
      },
    },
    (_request, reply) => {
      const keyring = deps.keyring()
      if (keyring === undefined) throw new Problem('sealed', 'the broker is sealed')
      void reply.header('cache-control', 'public, max-age=60')
      return keyring.jwks(deps.now())
    },
  )
}
