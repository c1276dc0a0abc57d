/**
 * The agents' door to the providers. It authenticates, hands what arrived to `evaluate`, records what was decided, and
 * lets `forward` send what was allowed. The target is read from the request line as it was sent: the router has seen
 * only a constant (app.ts), so that no decoding of its own can make two paths out of one.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AuditUnavailable } from '../audit/log.ts'
import type { CapabilityClaims } from '../capability/claims.ts'
import type { Policy } from '../directory/policy.ts'
import type { GrantId } from '../ids.ts'
import { Problem, problems, type ProblemCode, type ProblemDetails } from '../problem.ts'
import type { CarrierStyle, ProviderAdapter } from '../provider/adapter.ts'
import { denialOf } from '../proxy/denial.ts'
import type { Evaluation } from '../proxy/evaluate.ts'
import { inspectRequestHeaders } from '../proxy/headers.ts'
import { createLimiter } from '../proxy/limiter.ts'
import { decisionEntry, type Subject } from '../proxy/record.ts'
import { inactive } from '../proxy/standing.ts'
import { forClientsOf } from './client-error.ts'
import type { Deps } from './deps.ts'
import { sendProblem, toProblem } from './error.ts'
import { createNoise } from './noise.ts'
import { providerHosts } from './host.ts'
import type { App } from './realm.ts'
import { closed, ProblemRef } from './schemas.ts'

/** The largest body that is read, in bytes; an adapter may allow less. */
export const largestBody = 2 * 1024 * 1024
const longestTarget = 16_384

type Authenticated = {
  readonly adapter: ProviderAdapter
  readonly policy: Policy
  readonly claims: CapabilityClaims
  readonly headers: Readonly<Record<string, string>>
  readonly subject: Subject
  /** Path and query as sent, without our own prefix. */
  readonly target: string
}

declare module 'fastify' {
  interface FastifyRequest {
    caller: Authenticated | undefined
  }
}

const bearer: CarrierStyle = { name: 'bearer', header: 'authorization', prefix: 'Bearer ' }

export function proxyRoutes(app: App, deps: Deps): void {
  const hosts = providerHosts(deps)
  const limiter = createLimiter()
  const noise = createNoise(deps, 'proxy.unauthenticated')
  app.decorateRequest('caller', undefined)
  app.addHook('onClose', () => noise.close())

  app.removeAllContentTypeParsers()
  // Whatever its media type: the adapter decides what it reads, and refuses the rest with a hint.
  app.addContentTypeParser(
    '*',
    { parseAs: 'buffer', bodyLimit: largestBody },
    (_request, body, done) => done(null, body),
  )

  app.setErrorHandler(async (error, request, reply) => {
    const problem = toProblem(error, request)
    return refuse(request, reply, problem.code, problem.details)
  })

  /** Answers with a problem; where the caller is known, only after the refusal is on record (I2). */
  async function refuse(
    request: FastifyRequest,
    reply: FastifyReply,
    code: ProblemCode,
    details: ProblemDetails,
  ): Promise<FastifyReply> {
    let problem = new Problem(code, details)
    const { caller } = request
    if (caller === undefined) {
      if (problems[code].status === 401) void reply.header('www-authenticate', challenge(code))
      noise.count(code)
    } else if (code !== 'unavailable' && code !== 'sealed') {
      problem = await recorded(request, caller, problem)
    }
    void reply.header('valetkey-decision', 'deny')
    return send(request, reply, problem)
  }

  /** As the clients of the provider that was meant read it: they must not take it for an answer of the provider's. */
  function send(request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
    const { name } = splitTarget(request.originalUrl, hosts.get(request.headers.host ?? ''))
    const adapter = name === undefined ? undefined : deps.providers.get(name)
    return sendProblem(reply, forClientsOf(adapter, problem), request.id, (body) =>
      adapter?.errorAnswer?.(body, inspectRequestHeaders(request.raw.rawHeaders).headers),
    )
  }

  async function recorded(
    request: FastifyRequest,
    caller: Authenticated,
    problem: Problem,
  ): Promise<Problem> {
    try {
      await deps.audit.append(
        decisionEntry(caller.subject, deps.now(), {
          decision: { kind: 'deny', code: problem.code },
          operations: [],
          method: request.method,
          path: pathOf(caller.target),
          body: undefined,
        }),
      )
      return problem
    } catch (error) {
      if (error instanceof AuditUnavailable) return toProblem(error, request)
      throw error
    }
  }

  /** Who calls, for which provider. Throws a `Problem`. At once, without awaiting, when the capability was seen before. */
  async function authenticate(request: FastifyRequest): Promise<void> {
    if (deps.keyring() === undefined)
      throw new Problem('sealed', 'the broker is sealed; its operator must unseal it')
    const inspected = inspectRequestHeaders(request.raw.rawHeaders)
    const { name, target } = splitTarget(request.originalUrl, hosts.get(request.headers.host ?? ''))
    const adapter = name === undefined ? undefined : deps.providers.get(name)
    const { headers } = inspected
    const carriers = adapter?.carriers ?? [bearer]
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
    const policy = deps.policies.cached(grantId) ?? (await deps.policies.policyOf(grantId))
    if (policy === undefined) throw new Problem('capability_invalid', 'its grant is not there')
    if (policy.agent.id !== claims.sub)
      throw new Problem('capability_invalid', 'it is not its grant’s agent’s')
    const subject: Subject = {
      policy,
      capabilityId: claims.jti,
      correlationId: request.id,
      provider: adapter?.name ?? 'unknown',
    }
    const caller = { adapter: adapter ?? unknownProvider, policy, claims, headers, subject, target }
    // From here on the caller is known, and whatever is refused is refused on record.
    request.caller = caller
    if (refusal !== undefined) throw refusal
    if (inactive(policy, claims, now) === 'rebound') {
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
    if (!limiter.take(policy.grant.id, policy.grant.requestsPerMinute, now)) {
      throw new Problem(
        'rate_limited',
        `the grant allows ${String(policy.grant.requestsPerMinute)} requests a minute`,
      )
    }
  }

  app.addHook('onRequest', authenticate)

  app.all(
    '/proxy',
    {
      schema: {
        hide: true,
        response: { '2xx': closed({}), default: ProblemRef },
      },
    },
    async (request, reply) => {
      const { caller } = request
      if (caller === undefined) throw new Problem('capability_missing', 'a capability is needed')
      const { adapter, policy, claims, subject, headers, target } = caller
      const [details] = claims.authorization_details
      const queryAt = target.indexOf('?')
      const path = queryAt === -1 ? target : target.slice(0, queryAt)
      const startedAt = performance.now()
      const pending = deps.evaluator.evaluate(
        adapter,
        { policy, capability: claims, verbs: details?.verbs ?? [], now: deps.now() },
        {
          method: request.method,
          path: withoutPrefix(path, adapter.pathPrefixes),
          query: queryAt === -1 ? undefined : target.slice(queryAt + 1),
          headers,
          body: Buffer.isBuffer(request.body) ? request.body : empty,
        },
        request.id,
      )
      const evaluation = pending instanceof Promise ? await pending : pending
      if (evaluation.kind === 'not_understood') {
        return refuse(request, reply, evaluation.refusal.code, {
          detail: evaluation.refusal.detail,
        })
      }
      const { decision } = evaluation
      if (decision.kind !== 'allow') return denied(request, reply, caller, evaluation, decision)
      // What is recorded from here on is the forwarder's: a second decision must not follow the intent.
      request.caller = undefined
      const failure = await deps.forwarder.forward(
        {
          adapter,
          policy,
          subject,
          evaluation,
          method: request.method,
          path,
          startedAt,
          askedAt: () => `${baseOf(deps, request)}${pathOf(request.originalUrl)}`,
        },
        () => {
          reply.hijack()
          return reply.raw
        },
      )
      if (failure === undefined) return reply
      void reply.header('valetkey-decision', 'allow')
      return send(request, reply, new Problem(failure.code, failure.details))
    },
  )

  async function denied(
    request: FastifyRequest,
    reply: FastifyReply,
    caller: Authenticated,
    evaluation: Extract<Evaluation, { kind: 'decided' }>,
    decision: Exclude<typeof evaluation.decision, { kind: 'allow' }>,
  ): Promise<FastifyReply> {
    await deps.audit
      .append(
        decisionEntry(caller.subject, deps.now(), {
          decision,
          operations: evaluation.operations,
          method: request.method,
          path: pathOf(caller.target),
          body: evaluation.request.body,
        }),
      )
      .catch((error: unknown) => {
        // The error handler must not try to record it a second time.
        request.caller = undefined
        throw error
      })
    const { code, details } = denialOf(decision, caller.policy.environment.name)
    void reply.header('valetkey-decision', decision.kind)
    return send(request, reply, new Problem(code, details))
  }
}

const empty = Buffer.alloc(0)

/** Stands where a provider is not known, so that the refusal of a known caller can be recorded. */
const unknownProvider = { name: 'unknown' } as ProviderAdapter

function challenge(code: ProblemCode): string {
  return code === 'capability_missing'
    ? 'Bearer realm="valetkey"'
    : 'Bearer realm="valetkey", error="invalid_token"'
}

/** The origin by which the agent reached us: by a name of ours, or on loopback by any. */
function baseOf(deps: Deps, request: FastifyRequest): string {
  const { protocol, host } = new URL(deps.publicUrl)
  const given = request.headers.host ?? host
  const named = given === host || given.endsWith(`.${host}`)
  return named ? `${protocol}//${given}` : `${request.protocol}://${given}`
}

function pathOf(target: string): string {
  const end = target.search(/[?#]/)
  return end === -1 ? target : target.slice(0, end)
}

/** The provider's name and its own target, from the target as sent. */
function splitTarget(
  url: string,
  hostProvider: string | undefined,
): { name: string | undefined; target: string } {
  if (hostProvider !== undefined) return { name: hostProvider, target: url }
  const match = /^\/proxy\/([a-z0-9-]{1,40})(?=[/?#]|$)/.exec(url)
  if (match === null) return { name: undefined, target: url }
  const rest = url.slice(match[0].length)
  return { name: match[1], target: rest.startsWith('/') ? rest : `/${rest}` }
}

function withoutPrefix(path: string, prefixes: readonly string[]): string {
  for (const prefix of prefixes) if (path.startsWith(`${prefix}/`)) return path.slice(prefix.length)
  return path
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
