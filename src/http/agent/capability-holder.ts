/** Who holds a capability that is shown at an OAuth endpoint, and why one is refused there. */
import { actorsOf, relationTo } from '../../capability/attenuate.ts'
import type { CapabilityClaims } from '../../capability/claims.ts'
import type { Verified } from '../../capability/verify.ts'
import type { Policy } from '../../directory/policy.ts'
import type { AgentId, TrustRuleId } from '../../ids.ts'
import { unboundDetail, untrustedDetail, whoActs } from '../../proxy/standing.ts'
import { OAuthError, type Client } from './client.ts'

/** Exchanges of one grant's capabilities in a minute without a key: each is an entry in the log. */
export const mostPerMinute = 60

/** What those are counted by: whoever has a copy of one that was revoked must not use up what is left to the others. */
export function limitOf({ grant }: Policy, { ok }: Verified): string {
  return ok ? grant.id : `revoked under ${grant.id}`
}

/** Whether it is this agent's, or came of one that was: that of the agent whose grant it is, and of each that acted for it. */
export function ownedBy(claims: CapabilityClaims, agentId: AgentId): boolean {
  return claims.sub === agentId || actorsOf(claims).includes(agentId)
}

/** Who asks, as the log is to name it: the workload whose capability it is, where nobody showed a key. */
export function clientOf(
  agent: Client | undefined,
  claims: CapabilityClaims,
  policy: Policy,
): Client {
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

export function staleDetail(stale: string): string {
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
export function refused(detail: string, agent: Client | undefined): OAuthError {
  return new OAuthError('invalid_request', detail, agent === undefined ? {} : { agent })
}
