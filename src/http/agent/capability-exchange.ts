/**
 * A capability of ours, exchanged for a narrower one (RFC 8693): by whoever holds it, or by another agent that its `may_act`
 * names and that then acts for the holder. Who asks shows a key of its own; a workload has none, and what it holds is its
 * proof. There is no impersonation: what another agent gets names it, in `client_id` and in `act`, wherever it is used.
 */
import { actorsOf, relationTo } from '../../capability/attenuate.ts'
import type { CapabilityClaims } from '../../capability/claims.ts'
import type { GrantId, TrustRuleId } from '../../ids.ts'
import { createLimiter } from '../../proxy/limiter.ts'
import { inactive, unboundDetail, untrustedDetail, whoActs } from '../../proxy/standing.ts'
import type { Policy } from '../../directory/policy.ts'
import { OAuthError, showsKey, type Client } from './client.ts'
import { issue } from './issue.ts'
import type { TokenEndpoint, TokenRequest } from './token-request.ts'

export const accessToken = 'urn:ietf:params:oauth:token-type:access_token'

/** Exchanges of one grant's capabilities in a minute without a key: each is an entry in the log. */
const mostPerMinute = 60

export function createCapabilityExchange({ deps, clients, noise }: TokenEndpoint) {
  const limiter = createLimiter()

  return async function exchange(request: TokenRequest, subjectToken: string) {
    const { form, authorization, correlationId, proof } = request
    const agent = showsKey(authorization, form)
      ? await clients.authenticate(authorization, form)
      : undefined
    const verified = await deps.verifier.verify(subjectToken, deps.now())
    const { claims } = verified
    // It says nothing yet of who asks, where no key was shown.
    if (claims === undefined || (agent === undefined && !verified.ok)) {
      const detail = verified.ok
        ? ''
        : `the subject token is not accepted: ${verified.refusal.detail}`
      if (agent === undefined) noise('subject_token invalid')
      throw refused(detail, agent)
    }
    const policy = await deps.policies.policyOf(claims.grant as GrantId, actorsOf(claims))
    if (policy === undefined || policy.agent.id !== claims.sub)
      throw refused('the subject token does not agree with its grant', agent)
    if (agent === undefined && !limiter.take(policy.grant.id, mostPerMinute, deps.now())) {
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
      parent: { claims, clientId: agent?.id },
    })
    return { ...issued, issued_token_type: accessToken }
  }
}

/** Who asks, as the log is to name it: the workload whose capability it is, where nobody showed a key. */
function clientOf(agent: Client | undefined, claims: CapabilityClaims, policy: Policy): Client {
  const { actor, onBehalfOf = [] } = whoActs(policy, claims.rule)
  if (agent === undefined) {
    // An agent without its key, to be refused, is on record as who it says it is: the holder.
    const ruleId = actor.kind === 'workload' ? (claims.rule as TrustRuleId) : undefined
    return {
      id: claims.client_id as Client['id'],
      name: actor.name ?? actor.id,
      ruleId,
      onBehalfOf: onBehalfOf.length === 0 ? undefined : onBehalfOf,
    }
  }
  const chain = relationTo(claims, agent.id) === 'delegated' ? [actor, ...onBehalfOf] : onBehalfOf
  return relationTo(claims, agent.id) === undefined || chain.length === 0
    ? agent
    : { ...agent, onBehalfOf: chain }
}

function staleDetail(stale: string): string {
  switch (stale) {
    case 'unbound':
      return unboundDetail
    case 'untrusted':
      return untrustedDetail
    case 'rebound':
      return 'its environment was bound anew since it was issued'
    default:
      return `the grant, or something it rests on, is ${stale}`
  }
}

/** RFC 8693 §2.2.2. */
function refused(detail: string, agent: Client | undefined): OAuthError {
  return new OAuthError('invalid_request', detail, agent === undefined ? {} : { agent })
}
