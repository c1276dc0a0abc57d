/**
 * A capability of ours, exchanged for a narrower one (RFC 8693): by whoever holds it, or by another agent that its `may_act`
 * names and that then acts for the holder. Who asks shows a key of its own; a workload has none: what it holds is its
 * proof, and where it acts for another, an `actor_token`. There is no impersonation: what another agent gets names it, in
 * `client_id` and in `act`, wherever it is used.
 */
import { actorsOf } from '../../capability/attenuate.ts'
import type { GrantId } from '../../ids.ts'
import { createLimiter } from '../../proxy/limiter.ts'
import { inactive } from '../../proxy/standing.ts'
import { createActorReader } from './actor-token.ts'
import { clientOf, limitOf, mostPerMinute, refused, staleDetail } from './capability-holder.ts'
import { showsKey } from './client.ts'
import { issue } from './issue.ts'
import { accessToken, type TokenEndpoint, type TokenRequest } from './token-request.ts'
import type { WorkloadReader } from './workload.ts'

export function createCapabilityExchange(endpoint: TokenEndpoint, workloads: WorkloadReader) {
  const { deps, clients, noise } = endpoint
  const limiter = createLimiter()
  const actorOf = createActorReader(endpoint, workloads)

  return async function exchange(request: TokenRequest, subjectToken: string) {
    const { form, authorization, correlationId, proof } = request
    const actor = await actorOf(request)
    const agent =
      actor === undefined && showsKey(authorization, form)
        ? await clients.authenticate(authorization, form)
        : actor?.client
    const verified = await deps.verifier.verify(subjectToken, deps.now())
    const { claims } = verified
    // It says nothing of who asks, where no key was shown. One that was revoked is genuine: its use is on record.
    if (claims === undefined) {
      const detail = verified.ok
        ? ''
        : `the subject token is not accepted: ${verified.refusal.detail}`
      if (agent === undefined) noise('subject_token invalid')
      throw refused(detail, agent)
    }
    const policy = await deps.policies.policyOf(claims.grant as GrantId, actorsOf(claims))
    if (policy === undefined || policy.agent.id !== claims.sub)
      throw refused('the subject token does not agree with its grant', agent)
    if (
      agent === undefined &&
      !limiter.take(limitOf(policy, verified), mostPerMinute, deps.now())
    ) {
      noise('subject_token too_often')
      throw refused(`at most ${String(mostPerMinute)} exchanges a minute without a key`, undefined)
    }
    const client = clientOf(agent, claims, policy)
    if (form['client_id'] !== undefined && form['client_id'] !== client.id)
      throw refused('client_id is not the one of the subject token', client)
    if (!verified.ok)
      throw refused(`the subject token is not accepted: ${verified.refusal.detail}`, client)
    const stale = inactive(policy, claims, deps.now())
    if (stale !== undefined) throw refused(staleDetail(stale), client)
    const issued = await issue(deps, {
      client,
      form,
      grants: [policy.grant],
      correlationId,
      proof,
      parent: { claims, clientId: agent?.id, actor: actor?.proof },
      longest: actor?.longest,
      endsBy: actor?.endsBy,
      spend: actor?.spend,
    })
    return { ...issued, issued_token_type: accessToken }
  }
}
