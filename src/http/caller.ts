/**
 * Who calls, for which provider: the capability, wherever the provider's clients carry it, and the grant that it stands on.
 * The target is read from the request line as it was sent.
 */
import type { FastifyRequest } from 'fastify'
import { actorsOf } from '../capability/attenuate.ts'
import type { CapabilityClaims } from '../capability/claims.ts'
import type { Policy } from '../directory/policy.ts'
import type { GrantId, TrustRuleId } from '../ids.ts'
import { Problem } from '../problem.ts'
import type { CarrierStyle, ProviderAdapter } from '../provider/adapter.ts'
import { inspectRequestHeaders } from '../proxy/headers.ts'
import { createLimiter } from '../proxy/limiter.ts'
import type { Subject } from '../proxy/record.ts'
import { inactive, unboundDetail, untrustedDetail } from '../proxy/standing.ts'
import type { Deps } from './deps.ts'
import { createProofDoor, isDpop } from './dpop.ts'
import type { ProviderHosts } from './host.ts'

const longestTarget = 16_384

export type Caller = {
  readonly adapter: ProviderAdapter
  readonly policy: Policy
  readonly claims: CapabilityClaims
  readonly headers: Readonly<Record<string, string>>
  readonly subject: Subject
  /** Path and query as sent, without our own prefix. */
  readonly target: string
}

const dpopPrefix = 'DPoP '
const bearer: CarrierStyle = { name: 'bearer', header: 'authorization', prefix: 'Bearer ' }

/**
 * Sets `request.caller`, or throws a `Problem`. Asked again, it finds out anew whether what held still holds; a call that
 * is held open counts once against the limit of its grant, however often that is.
 */
export function createAuthentication(
  deps: Deps,
  hosts: ProviderHosts,
): (request: FastifyRequest) => Promise<void> {
  const limiter = createLimiter()
  const proofs = createProofDoor(deps)
  const { protocol } = new URL(deps.publicUrl)

  /** By our own name, or by the provider's own host, whatever else it was reached by. */
  function uriOf(request: FastifyRequest): string {
    const host = request.headers.host ?? ''
    return `${hosts.has(host) ? `${protocol}//${host}` : deps.publicUrl}${request.originalUrl}`
  }

  return async function authenticate(request) {
    const counted = request.caller !== undefined
    if (deps.keyring() === undefined)
      throw new Problem('sealed', 'the broker is sealed; its operator must unseal it')
    const inspected = inspectRequestHeaders(request.raw.rawHeaders)
    const { name, target } = splitTarget(request.originalUrl, hosts.get(request.headers.host ?? ''))
    const adapter = name === undefined ? undefined : deps.providers.get(name)
    const { headers } = inspected
    const carriers = adapter?.carriers ?? [bearer]
    const authorization = carriers.some(({ header }) => header === 'authorization')
      ? headers['authorization']
      : undefined
    const found = capabilityIn(headers, carriers)
    // Of two capabilities it cannot be told which is meant, so neither can be believed: this caller is not known.
    if (found instanceof Problem) {
      throw inspected.ok ? found : new Problem(inspected.refusal.code, inspected.refusal.detail)
    }
    const token = found
    const now = deps.now()
    const confirmed = deps.feed.confirm()
    if (!(confirmed === true || (await confirmed))) {
      throw new Problem('unavailable', 'the broker cannot hear whether this capability was revoked')
    }
    const verified =
      deps.verifier.cached(token, now, request.raw.socket) ??
      (await deps.verifier.verify(token, now))
    const refusal = verified.ok
      ? undefined
      : new Problem(verified.refusal.code, verified.refusal.detail)
    const { claims } = verified
    if (claims === undefined) throw refusal ?? new Problem('capability_invalid', 'it has no claims')
    const grantId = claims.grant as GrantId
    const actors = actorsOf(claims)
    const policy =
      deps.policies.cached(grantId, actors) ?? (await deps.policies.policyOf(grantId, actors))
    if (policy === undefined) throw new Problem('capability_invalid', 'its grant is not there')
    if (policy.agent.id !== claims.sub)
      throw new Problem('capability_invalid', 'it is not its grant’s agent’s')
    const subject: Subject = {
      policy,
      capabilityId: claims.jti,
      correlationId: request.id,
      provider: adapter?.name ?? 'unknown',
      ruleId: claims.rule as TrustRuleId | undefined,
      ancestors: claims.ancestors,
    }
    const caller = { adapter: adapter ?? unknownProvider, policy, claims, headers, subject, target }
    // From here on the caller is known, and whatever is refused is refused on record.
    request.caller = caller
    if (refusal !== undefined) throw refusal
    // What is bound to nothing has nothing to prove, and does not wait.
    const unproved =
      claims.cnf === undefined && !(authorization !== undefined && isDpop(authorization))
    const proof = unproved
      ? undefined
      : await proofs.check(request, {
          token,
          claims,
          authorization,
          uri: () => uriOf(request),
        })
    const stale = inactive(policy, claims, now)
    if (stale === 'unbound') throw new Problem('capability_invalid', unboundDetail)
    if (stale === 'untrusted') throw new Problem('capability_revoked', untrustedDetail)
    if (stale === 'rebound') {
      throw new Problem(
        'capability_revoked',
        'its environment was bound anew since it was issued; ask for a new one',
      )
    }
    if (adapter === undefined) {
      throw new Problem(
        'not_found',
        `there is no such provider here; there are ${[...deps.providers.keys()].map((known) => `/proxy/${known}`).join(', ')}`,
      )
    }
    if (!inspected.ok) throw new Problem(inspected.refusal.code, inspected.refusal.detail)
    const bodyless = request.method === 'GET' || request.method === 'HEAD'
    const hasBody =
      headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
    if (bodyless && hasBody)
      throw new Problem('not_understood', `a ${request.method} request has no body here`)
    if (target.length > longestTarget)
      throw new Problem('uri_too_long', 'the target is longer than is read here')
    if (!counted && !limiter.take(policy.grant.id, policy.grant.requestsPerMinute, now)) {
      throw new Problem(
        'rate_limited',
        `the grant allows ${String(policy.grant.requestsPerMinute)} requests a minute`,
      )
    }
    // Last: a request that is refused for another reason leaves nothing to be remembered.
    if (proof !== undefined) await proofs.use(request, proof, policy)
  }
}

/** Stands where a provider is not known, so that the refusal of a known caller can be recorded. */
const unknownProvider = { name: 'unknown' } as ProviderAdapter

/** The provider's name and its own target, from the target as sent. */
export function splitTarget(
  url: string,
  hostProvider: string | undefined,
): { name: string | undefined; target: string } {
  if (hostProvider !== undefined) return { name: hostProvider, target: url }
  const match = /^\/proxy\/([a-z0-9-]{1,40})(?=[/?#]|$)/.exec(url)
  if (match === null) return { name: undefined, target: url }
  const rest = url.slice(match[0].length)
  return { name: match[1], target: rest.startsWith('/') ? rest : `/${rest}` }
}

/** RFC 6750 §2: exactly one carrier. Two are two identities, and which one is meant cannot be told. */
function capabilityIn(
  headers: Readonly<Record<string, string>>,
  carriers: readonly CarrierStyle[],
): string | Problem {
  let found: string | undefined
  const seen = new Set<string>()
  for (const carrier of carriers) {
    const value = headers[carrier.header]
    if (value === undefined) continue
    seen.add(carrier.header)
    const { prefix } = carrier
    if (
      value.length > prefix.length &&
      value.slice(0, prefix.length).toLowerCase() === prefix.toLowerCase()
    ) {
      found ??= value.slice(prefix.length)
    } else if (carrier.header === 'authorization' && isDpop(value)) {
      found ??= value.slice(dpopPrefix.length)
    }
  }
  if (seen.size > 1) {
    return new Problem(
      'capability_invalid',
      `send the capability once: ${[...seen].join(' and ')} both came`,
    )
  }
  if (found === undefined || found === '') {
    return new Problem(
      'capability_missing',
      'send a capability, from /oauth/token, where this provider’s clients send their token: Authorization: Bearer …',
    )
  }
  return found
}
