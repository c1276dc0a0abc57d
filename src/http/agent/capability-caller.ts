/**
 * The agents' door to what is their own: what they asked for, and what came of it. A capability opens it, and says which
 * agent asks and under which grant, so that neither can be claimed. From where the caller is known on, whatever is
 * refused is refused on record (I2).
 */
import type { FastifyRequest } from 'fastify'
import type { AdminEntry } from '../../audit/entry.ts'
import { actorsOf } from '../../capability/attenuate.ts'
import type { CapabilityClaims } from '../../capability/claims.ts'
import type { Policy } from '../../directory/policy.ts'
import type { GrantId } from '../../ids.ts'
import { Problem, problems } from '../../problem.ts'
import { inspectRequestHeaders } from '../../proxy/headers.ts'
import { createLimiter } from '../../proxy/limiter.ts'
import { frozen, inactive, unboundDetail, untrustedDetail, whoActs } from '../../proxy/standing.ts'
import { frozenDetail } from '../access-request.ts'
import type { Deps } from '../deps.ts'
import { challenge, createProofDoor } from '../dpop.ts'
import { sendProblem, toProblem } from '../error.ts'
import { createNoise } from '../noise.ts'
import type { App } from '../realm.ts'

/** Requests of one agent in a minute: enough to ask and to poll, too few to fill the log. */
const mostPerMinute = 60

export type Asking = { readonly policy: Policy; readonly claims: CapabilityClaims }

declare module 'fastify' {
  interface FastifyRequest {
    asking: Asking | undefined
  }
}

export type CapabilityDoor = {
  readonly askingOf: (request: FastifyRequest) => Asking
  /** Finds out anew who asks, after a wait: what held before it need not hold now. Throws a `Problem`. */
  readonly askingAgain: (request: FastifyRequest) => Promise<Asking>
  readonly entryOf: (
    request: FastifyRequest,
    asking: Asking,
    entry: Pick<AdminEntry, 'result' | 'reason' | 'subject' | 'change'>,
  ) => AdminEntry
}

/** Puts the door before every route of `app`. `action` is its name in the log. */
export function capabilityDoor(app: App, deps: Deps, action: string): CapabilityDoor {
  const noise = createNoise(deps, `${action}.unauthenticated`)
  const limiter = createLimiter()
  const proofs = createProofDoor(deps)
  app.decorateRequest('asking', undefined)
  app.decorateRequest('proved', false)
  app.decorateRequest('nextNonce', undefined)
  app.addHook('onClose', () => noise.close())
  app.addHook('onRequest', async (request, reply) => {
    const { policy } = await establish(request)
    const { nextNonce } = request
    if (nextNonce !== undefined) void reply.header('dpop-nonce', nextNonce)
    if (!limiter.take(policy.agent.id, mostPerMinute, deps.now()))
      throw new Problem('rate_limited', `at most ${String(mostPerMinute)} requests a minute`)
  })

  app.setErrorHandler(async (error, request, reply) => {
    const problem = toProblem(error, request)
    const { asking } = request
    if (problems[problem.code].status === 401)
      void reply.header(
        'www-authenticate',
        challenge(problem.code, request.headers.authorization, deps.publicUrl),
      )
    if (problem.code === 'dpop_nonce_required')
      void reply.header('dpop-nonce', deps.dpop.nonce(deps.now()))
    if (asking === undefined) {
      noise.count(problem.code)
    } else if (problems[problem.code].status < 500) {
      // I2: an agent that is known is refused on record, or told that nothing can be done.
      try {
        await deps.audit.append(
          entryOf(request, asking, { result: 'refused', reason: problem.code }),
        )
      } catch (failure) {
        return sendProblem(reply, toProblem(failure, request), request.id)
      }
    }
    return sendProblem(reply, problem, request.id)
  })

  /** Throws a `Problem`. From where `asking` is set on, whatever is refused is refused on record. */
  async function establish(request: FastifyRequest): Promise<Asking> {
    if (deps.keyring() === undefined)
      throw new Problem('sealed', 'the broker is sealed; its operator must unseal it')
    const inspected = inspectRequestHeaders(request.raw.rawHeaders)
    const { authorization = '' } = inspected.headers
    const [, scheme = '', token] = /^(Bearer|DPoP) +(\S+)$/i.exec(authorization) ?? []
    if (token === undefined) {
      if (!inspected.ok) throw new Problem(inspected.refusal.code, inspected.refusal.detail)
      throw new Problem(
        'capability_missing',
        'send a capability, from /oauth/token, as Authorization: Bearer …',
      )
    }
    if (!(await deps.feed.confirm()))
      throw new Problem('unavailable', 'the broker cannot hear whether this capability was revoked')
    const now = deps.now()
    const verified = deps.verifier.cached(token, now) ?? (await deps.verifier.verify(token, now))
    const refusal = verified.ok
      ? undefined
      : new Problem(verified.refusal.code, verified.refusal.detail)
    const { claims } = verified
    if (claims === undefined) throw refusal ?? new Problem('capability_invalid', 'it has no claims')
    const policy = await deps.policies.policyOf(claims.grant as GrantId, actorsOf(claims))
    if (policy === undefined || policy.agent.id !== claims.sub)
      throw new Problem('capability_invalid', 'it does not agree with its grant')
    const asking = { policy, claims }
    request.asking = asking
    if (refusal !== undefined) throw refusal
    const unproved = claims.cnf === undefined && scheme.toLowerCase() === 'bearer'
    const uri = () => `${deps.publicUrl}${request.originalUrl}`
    const proof = unproved
      ? undefined
      : await proofs.check(request, { token, claims, authorization, uri })
    if (!inspected.ok) throw new Problem(inspected.refusal.code, inspected.refusal.detail)
    const stale = inactive(policy, claims, now)
    if (stale === 'unbound') throw new Problem('capability_invalid', unboundDetail)
    if (stale === 'rebound') {
      throw new Problem(
        'capability_revoked',
        'its environment was bound anew since it was issued; ask for a new one',
      )
    }
    if (stale === 'untrusted') throw new Problem('capability_revoked', untrustedDetail)
    if (stale !== undefined)
      throw new Problem('grant_inactive', `the grant, or something it rests on, is ${stale}`)
    const stopped = frozen(policy)
    if (stopped !== undefined) throw new Problem('frozen', frozenDetail(stopped))
    if (proof !== undefined) await proofs.use(request, proof, policy)
    return asking
  }

  function askingOf(request: FastifyRequest): Asking {
    if (request.asking === undefined)
      throw new Problem('capability_missing', 'a capability is needed')
    return request.asking
  }

  function entryOf(
    request: FastifyRequest,
    { policy, claims }: Asking,
    entry: Pick<AdminEntry, 'result' | 'reason' | 'subject' | 'change'>,
  ): AdminEntry {
    const { environment, grant } = policy
    return {
      kind: 'admin',
      at: deps.now(),
      correlationId: request.id,
      ...whoActs(policy, claims.rule),
      environment: { id: environment.id, name: environment.name },
      provider: grant.provider,
      grantId: grant.id,
      capabilityId: claims.jti,
      action: request.routeOptions.config.action ?? action,
      ...entry,
    }
  }

  return { askingOf, askingAgain: establish, entryOf }
}
