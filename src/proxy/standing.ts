/** Whether a capability that verifies is still good: what its grant rests on may have changed since it was issued. */
import type { CapabilityClaims } from '../capability/claims.ts'
import type { FreezeScope } from '../core/decide.ts'
import { frozenScope } from '../directory/freeze.ts'
import type { Policy } from '../directory/policy.ts'

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

/** Which freeze, if any, stops what this policy allows. */
export function frozen(policy: Policy): FreezeScope | undefined {
  const { provider, environmentId } = policy.grant
  return frozenScope(policy.freezes, { provider, environmentId, agentId: policy.agent.id })
}
