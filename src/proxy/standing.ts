/** Whether a capability that verifies is still good: what its grant rests on may have changed since it was issued. */
import type { Actor } from '../audit/entry.ts'
import { actorRulesOf, actorsOf } from '../capability/attenuate.ts'
import type { CapabilityClaims } from '../capability/claims.ts'
import type { FreezeScope } from '../core/decide.ts'
import { frozenScope } from '../directory/freeze.ts'
import type { Policy } from '../directory/policy.ts'
import type { TrustRuleId } from '../ids.ts'

/** Why a capability is not good although it verifies; undefined where it is. */
export function inactive(
  policy: Policy,
  claims: CapabilityClaims,
  now: number,
): string | undefined {
  if (policy.state !== 'active') return policy.state
  if (policy.expiresAt <= now) return 'expired'
  if (policy.agent.id !== claims.sub) return 'another agent'
  // Whoever read the policy forgot who acts: nothing would stop with them.
  const actors = actorsOf(claims)
  const known = policy.actors ?? []
  if (known.length !== actors.length || known.some(({ id }, i) => id !== actors[i]))
    return 'another actor'
  if (claims.binding !== policy.binding) return 'rebound'
  if (!trusted(policy, claims.rule)) return 'untrusted'
  if (!actorsTrusted(policy, actorRulesOf(claims).values())) return 'untrusted'
  // Also where it was issued before the grant asked for it.
  if (policy.grant.requireDpop && claims.cnf === undefined) return 'unbound'
  return undefined
}

/** Whether the rule, by which a workload came by what it has, still holds; for an agent's own there is none. */
export function trusted(policy: Policy, ruleId: string | null | undefined): boolean {
  return ruleId == null || policy.trustRules?.has(ruleId as TrustRuleId) === true
}

/** Whether the rules, by which those who act in it showed who they are, all hold still. */
export function actorsTrusted(policy: Policy, rules: Iterable<TrustRuleId>): boolean {
  for (const id of rules) if (policy.actorRules?.has(id) !== true) return false
  return true
}

/** Why a capability of a rule that holds no more is refused. */
export const untrustedDetail = 'a trust rule that it was issued under holds no more'

/** Why a bearer's capability is refused under a grant that asks for more. */
export const unboundDetail =
  'its grant allows only what is bound to a key: ask for another with a DPoP proof'

/** Which freeze, if any, stops what this policy allows: one of its agent, or of any that acts for it, is enough. */
export function frozen(policy: Policy): FreezeScope | undefined {
  if (policy.freezes.length === 0) return undefined
  const { provider, environmentId } = policy.grant
  for (const { id: agentId } of [policy.agent, ...(policy.actors ?? [])]) {
    const scope = frozenScope(policy.freezes, { provider, environmentId, agentId })
    if (scope !== undefined) return scope
  }
  return undefined
}

type Named = Pick<Policy['agent'], 'id' | 'name'>

/** Who acts, and on whose behalf: the last of these is the principal whose grant it is. For the audit log. */
export function whoActs(
  { agent, actors = [] }: { readonly agent: Named; readonly actors?: readonly Named[] },
  ruleId: string | null | undefined,
): { readonly actor: Actor; readonly onBehalfOf?: readonly Actor[] } {
  const principal: Actor = {
    kind: ruleId == null ? 'agent' : 'workload',
    id: agent.id,
    name: agent.name,
  }
  const [acting, ...others] = actors
  // Nearly every request, twice each.
  if (acting === undefined) return { actor: principal }
  return { actor: asAgent(acting), onBehalfOf: [...others.map(asAgent), principal] }
}

function asAgent({ id, name }: Named): Actor {
  return { kind: 'agent', id, name }
}
