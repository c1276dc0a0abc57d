/**
 * The agents' door to the providers. It authenticates, hands what arrived to `evaluate`, records what was decided, and
 * lets `forward` send what was allowed. The target is read from the request line as it was sent: the router has seen
 * only a constant (app.ts), so that no decoding of its own can make two paths out of one.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AuditUnavailable } from '../audit/log.ts'
import { Problem, problems, type ProblemCode, type ProblemDetails } from '../problem.ts'
import { denialOf, type Denial } from '../proxy/denial.ts'
import type { Failure } from '../proxy/failure.ts'
import { inspectRequestHeaders } from '../proxy/headers.ts'
import { decisionEntry } from '../proxy/record.ts'
import { createAuthentication, splitTarget, type Caller } from './caller.ts'
import { forClientsOf } from './client-error.ts'
import type { Deps } from './deps.ts'
import { challenge } from './dpop.ts'
import { sendProblem, toProblem } from './error.ts'
import { providerHosts } from './host.ts'
import { createNoise } from './noise.ts'
import { createGatekeeper, type Decided } from './proxy-gate.ts'
import type { App } from './realm.ts'
import { closed, ProblemRef } from './schemas.ts'

/** The largest body that is read, in bytes; an adapter may allow less. */
export const largestBody = 2 * 1024 * 1024

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | undefined
  }
}

export function proxyRoutes(app: App, deps: Deps): void {
  const hosts = providerHosts(deps)
  const noise = createNoise(deps, 'proxy.unauthenticated')
  app.decorateRequest('caller', undefined)
  app.decorateRequest('proved', false)
  app.decorateRequest('nextNonce', undefined)
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
    if (problems[code].status === 401)
      void reply.header(
        'www-authenticate',
        challenge(code, request.headers.authorization, deps.publicUrl),
      )
    if (code === 'dpop_nonce_required') void reply.header('dpop-nonce', deps.dpop.nonce(deps.now()))
    if (caller === undefined) {
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
    if (request.nextNonce !== undefined) void reply.header('dpop-nonce', request.nextNonce)
    return sendProblem(reply, forClientsOf(adapter, problem), request.id, (body) =>
      adapter?.errorAnswer?.(body, inspectRequestHeaders(request.raw.rawHeaders).headers),
    )
  }

  async function recorded(
    request: FastifyRequest,
    caller: Caller,
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

  const authenticate = createAuthentication(deps, hosts)
  const throughGate = createGatekeeper(deps, {
    authenticate,
    evaluate,
    forward,
    failed,
    recordDecision,
    denied,
    refuse,
    send,
  })
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
      const startedAt = performance.now()
      const pending = evaluate(request, caller)
      const evaluation = pending instanceof Promise ? await pending : pending
      if (evaluation.kind === 'not_understood') {
        return refuse(request, reply, evaluation.refusal.code, {
          detail: evaluation.refusal.detail,
        })
      }
      const { decision } = evaluation
      if (decision.kind !== 'allow' || decision.breakGlass !== undefined)
        return throughGate(request, reply, { caller, evaluation })
      // What is recorded from here on is the forwarder's: a second decision must not follow the intent.
      request.caller = undefined
      const failure = await forward(request, reply, caller, evaluation, startedAt)
      return failure === undefined ? reply : failed(request, reply, failure)
    },
  )

  function evaluate(request: FastifyRequest, caller: Caller) {
    const { adapter, policy, claims, headers, target } = caller
    const [details] = claims.authorization_details
    const queryAt = target.indexOf('?')
    const path = queryAt === -1 ? target : target.slice(0, queryAt)
    return deps.evaluator.evaluate(
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
  }

  function forward(
    request: FastifyRequest,
    reply: FastifyReply,
    caller: Caller,
    evaluation: Decided,
    startedAt: number,
    approvalId?: string,
  ): Promise<Failure | undefined> {
    const { adapter, policy, subject, target } = caller
    return deps.forwarder.forward(
      {
        adapter,
        policy,
        subject,
        evaluation,
        method: request.method,
        path: pathOf(target),
        startedAt,
        approvalId,
        askedAt: () => `${baseOf(deps, request)}${pathOf(request.originalUrl)}`,
      },
      () => {
        reply.hijack()
        // RFC 9449 §8.2: told in time, a client never has to send a request twice for it.
        if (request.nextNonce !== undefined) reply.raw.setHeader('dpop-nonce', request.nextNonce)
        return reply.raw
      },
    )
  }

  function failed(request: FastifyRequest, reply: FastifyReply, failure: Failure): FastifyReply {
    void reply.header('valetkey-decision', 'allow')
    return send(request, reply, new Problem(failure.code, failure.details))
  }

  async function recordDecision(
    request: FastifyRequest,
    caller: Caller,
    evaluation: Decided,
    decision: Exclude<Decided['decision'], { kind: 'allow' }>,
    approvalId?: string,
  ): Promise<void> {
    await deps.audit
      .append(
        decisionEntry(caller.subject, deps.now(), {
          decision,
          operations: evaluation.operations,
          method: request.method,
          path: pathOf(caller.target),
          body: evaluation.request.body,
          approvalId,
        }),
      )
      .catch((error: unknown) => {
        // The error handler must not try to record it a second time.
        request.caller = undefined
        throw error
      })
  }

  async function denied(
    request: FastifyRequest,
    reply: FastifyReply,
    caller: Caller,
    evaluation: Decided,
    decision: Exclude<Decided['decision'], { kind: 'allow' }>,
    denial: Denial = denialOf(decision, caller.policy.environment.name),
  ): Promise<FastifyReply> {
    await recordDecision(request, caller, evaluation, decision)
    void reply.header('valetkey-decision', decision.kind)
    return send(request, reply, new Problem(denial.code, denial.details))
  }
}

const empty = Buffer.alloc(0)

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

function withoutPrefix(path: string, prefixes: readonly string[]): string {
  for (const prefix of prefixes) if (path.startsWith(`${prefix}/`)) return path.slice(prefix.length)
  return path
}
