/**
 * Whether what a lease was given by still stands: its capability and all that this came of, its grant, agent, environment,
 * credential and trust rule, as they are by now, and no freeze. Asked before it is answered, and for as long as it lives:
 * whatever becomes narrower than the lease ends it.
 */
import { verbWithin } from '../core/grant.ts'
import type { Policy, PolicyReader } from '../directory/policy.ts'
import { actorsTrusted, frozen, trusted } from '../proxy/standing.ts'
import { mintFacts } from './kinds.ts'
import type { Lease } from './lease.ts'
import { handOutObjection, reachOf, type HandOutFacts } from './terms.ts'

export type StandingDeps = {
  readonly policies: Pick<PolicyReader, 'policyOf'>
  readonly isRevoked: (capabilityId: string) => boolean
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Why it has to end, in a sentence; undefined where it may live on. */
export async function objectionTo(deps: StandingDeps, lease: Lease): Promise<string | undefined> {
  const { grantId, capabilityId } = lease
  if (grantId === null || capabilityId === null) return undefined
  if ([capabilityId, ...lease.ancestors].some(deps.isRevoked))
    return 'the capability that it was asked with was revoked'
  const policy = await deps.policies.policyOf(grantId, lease.actors)
  if (policy === undefined || policy.state !== 'active' || policy.expiresAt <= deps.now())
    return 'the grant, or something it rests on, is not in force any more'
  if (!trusted(policy, lease.ruleId) || !actorsTrusted(policy, lease.actorRules))
    return 'a trust rule that it was asked under holds no more'
  const stopped = frozen(policy)
  if (stopped !== undefined) return `an operator has frozen ${stopped}`
  const { grant, credential } = policy
  if (credential.id !== lease.credential.id || credential.version !== lease.credential.version)
    return 'the credential that minted it is another by now'
  if (policy.binding !== lease.binding) return 'its environment was bound anew'
  if (!grant.handOut) return 'the grant does not hand credentials out any more'
  if (grant.requireDpop && !lease.bound)
    return 'the grant asks for a capability that is bound to a key by now'
  const objection = handOutObjection(handOutFacts(policy, lease.narrowing.bindings.length))
  if (objection !== undefined) return `the grant cannot be handed out any more: ${objection}`
  if (!within(lease.verbs, grant.verbs)) return 'the grant allows less by now'
  if (reachOf(lease.verbs) === 'everything' ? lease.narrowing.readOnly : !lease.narrowing.readOnly)
    return 'it is wider than the capability that it was asked with'
  if (lease.endsAt.getTime() > policy.expiresAt && Number.isFinite(policy.expiresAt))
    return 'the grant ends before it by now'
  if (lease.narrowing.seconds > grant.maxLifetimeSeconds)
    return 'the grant allows a shorter life by now'
  return undefined
}

/** Effect sets only, which is all that can be handed out: no catalogue is needed to compare them. */
export function within(asked: readonly string[], granted: readonly string[]): boolean {
  return asked.every((verb) => verbWithin(verb, granted, () => undefined))
}

/** `bound`: how many things its environment is bound to at this provider. */
export function handOutFacts(policy: Policy, bound: number): HandOutFacts {
  const { grant, environment, askedUnder, credential } = policy
  return {
    ...mintFacts(credential.mint),
    verbs: grant.verbs,
    constraints: grant.constraints,
    approval: grant.approval,
    minted: grant.minted,
    protected: environment.protected,
    forATime: askedUnder !== undefined,
    bound,
  }
}
