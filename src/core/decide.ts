/**
 * The rules. `decide` is pure and total, and the only place where it is settled whether a request may go: everything
 * it needs is in the facts, and nothing else counts. A fact that is missing is never in the request's favour.
 *
 * The order matters twice. Checks that need no look-up come first, so that an agent cannot make the broker ask the
 * provider about ids of a request that would be refused anyway; and verbs come before environments, so that a refusal
 * says nothing about an id to someone who could not have used it.
 */
import { inForce, type BreakGlass } from './break-glass.ts'
import { surelyHolds } from './condition.ts'
import type { Environment } from './environment.ts'
import {
  verbCovers,
  verbFor,
  verbNames,
  type ApprovalRule,
  type Constraint,
  type Verb,
} from './grant.ts'
import { changeOf, type Change, type Unreviewed } from './reviewed.ts'
import { graveEffects, type Invocation, type Located, type Unresolved } from './operation.ts'
import type { BreakGlassId, EnvironmentId, GrantId } from '../ids.ts'

export type GrantState = 'active' | 'disabled' | 'revoked' | 'expired'

export type FreezeScope = 'everything' | 'provider' | 'environment' | 'agent'

export type Facts = {
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly provider: string
  readonly capability: {
    readonly grantId: GrantId
    readonly environmentId: EnvironmentId
    readonly provider: string
    readonly verbs: readonly Verb[]
    /** Milliseconds since the epoch. */
    readonly expiresAt: number
  }
  readonly grant: {
    readonly id: GrantId
    /** The worst state of the grant, its agent, its credential and its environment. */
    readonly state: GrantState
    readonly environmentId: EnvironmentId
    readonly provider: string
    readonly verbs: readonly Verb[]
    readonly constraints: readonly Constraint[]
    readonly approval: ApprovalRule
    /** Operations that came, or changed, since the grant was reviewed: see `Change`. */
    readonly unreviewed: Unreviewed
  }
  readonly environment: Environment
  readonly frozen: FreezeScope | undefined
  /** Those that two admins have confirmed; whether one is in force for this grant now is asked here. */
  readonly breakGlass?: readonly BreakGlass[] | undefined
  readonly operations: readonly {
    readonly invocation: Invocation
    /** Absent while it has not been asked where the operation reaches. */
    readonly located: Located | undefined
  }[]
}

export type DenyReason =
  | { readonly kind: 'capability_expired' }
  | { readonly kind: 'capability_mismatch' }
  | { readonly kind: 'grant_inactive'; readonly state: Exclude<GrantState, 'active'> }
  | { readonly kind: 'frozen'; readonly scope: FreezeScope }
  | { readonly kind: 'no_operation' }
  | { readonly kind: 'account_scope'; readonly operation: string }
  | {
      readonly kind: 'verb_missing'
      readonly operation: string
      /** The narrowest verbs that would cover what was asked. */
      readonly verbs: readonly Verb[]
      /** Whether the grant covers it, so that asking for a wider capability is enough. */
      readonly grantCovers: boolean
      /** It came, or changed, since the grant was reviewed, and a review is what the grant's own verbs want to cover it. */
      readonly unreviewed?: Change
    }
  | { readonly kind: 'argument_forbidden'; readonly operation: string; readonly path: string }
  | { readonly kind: 'widens'; readonly operation: string; readonly edge: string }
  | { readonly kind: 'nothing_located'; readonly operation: string }
  | {
      readonly kind: 'unresolved'
      readonly operation: string
      readonly unresolved: readonly Unresolved[]
    }
  | { readonly kind: 'outside'; readonly operation: string; readonly places: readonly string[] }
  /** A person would have to approve it, and its body was not read: nobody could say what they approve. */
  | { readonly kind: 'not_approvable'; readonly operation: string }

export type Decision =
  | {
      readonly kind: 'allow'
      /** What it goes with in place of an approval, and why a person would have been asked. */
      readonly breakGlass?: { readonly id: BreakGlassId; readonly because: readonly string[] }
    }
  | { readonly kind: 'needs_approval'; readonly because: readonly string[] }
  | { readonly kind: 'deny'; readonly reason: DenyReason }
  /** Nothing is wrong so far, and the rest depends on where the operations reach: locate them and ask again. */
  | { readonly kind: 'locate' }

const deny = (reason: DenyReason): Decision => ({ kind: 'deny', reason })

export function decide(facts: Facts): Decision {
  const { capability, grant, environment } = facts
  if (!(capability.expiresAt > facts.now)) return deny({ kind: 'capability_expired' })
  if (
    capability.grantId !== grant.id ||
    capability.environmentId !== grant.environmentId ||
    capability.provider !== grant.provider ||
    environment.id !== grant.environmentId ||
    facts.provider !== grant.provider
  ) {
    return deny({ kind: 'capability_mismatch' })
  }
  if (grant.state !== 'active') return deny({ kind: 'grant_inactive', state: grant.state })
  if (facts.frozen !== undefined) return deny({ kind: 'frozen', scope: facts.frozen })
  if (facts.operations.length === 0) return deny({ kind: 'no_operation' })

  for (const { invocation } of facts.operations) {
    const reason = mayInvoke(facts, invocation)
    if (reason !== undefined) return deny(reason)
  }

  const places = environment.places.get(facts.provider)
  for (const { invocation, located } of facts.operations) {
    if (invocation.scope === 'public') continue
    if (located === undefined) return { kind: 'locate' }
    const operation = invocation.operation
    if (located.unresolved.length > 0) {
      return deny({ kind: 'unresolved', operation, unresolved: located.unresolved })
    }
    if (located.places.length === 0) return deny({ kind: 'nothing_located', operation })
    const outside = located.places.filter((place) => places?.has(place) !== true)
    if (outside.length > 0) return deny({ kind: 'outside', operation, places: outside })
  }

  const because = approvalNeeded(facts)
  if (because.length === 0) return { kind: 'allow' }
  const unread = facts.operations.find(({ invocation }) => invocation.opaque === true)
  if (unread !== undefined)
    return deny({ kind: 'not_approvable', operation: unread.invocation.operation })
  // Last of all: it takes the place of a person, and of nothing that stands above.
  const broken = inForce(facts.breakGlass, grant, facts.now)
  return broken === undefined
    ? { kind: 'needs_approval', because }
    : { kind: 'allow', breakGlass: { id: broken.id, because } }
}

/** Everything about one operation that needs no look-up. */
function mayInvoke(facts: Facts, invocation: Invocation): DenyReason | undefined {
  const { capability, grant } = facts
  const operation = invocation.operation
  const change = changeOf(grant.unreviewed, operation)
  const covers = covering(change)
  const grantCovers = grant.verbs.some((verb) => covers(verb, invocation))
  if (!grantCovers || !capability.verbs.some((verb) => covers(verb, invocation))) {
    const verbs = [verbFor(invocation)]
    const reviewed = grant.verbs.some((verb) => verbCovers(verb, invocation))
    const waiting = reviewed && !grantCovers ? change : undefined
    return {
      kind: 'verb_missing',
      operation,
      verbs,
      grantCovers,
      ...(waiting === undefined ? {} : { unreviewed: waiting }),
    }
  }
  if (invocation.scope === 'account') return { kind: 'account_scope', operation }
  for (const constraint of grant.constraints) {
    if (constraint.operations !== undefined && !constraint.operations.includes(operation)) continue
    const { operations: _, ...test } = constraint
    if (!surelyHolds(test, invocation.arguments))
      return { kind: 'argument_forbidden', operation, path: constraint.path }
  }
  const [edge] = invocation.widens
  if (edge !== undefined) return { kind: 'widens', operation, edge }
  return undefined
}

function covering(change: Change | undefined): typeof verbCovers {
  switch (change) {
    case undefined:
      return verbCovers
    case 'new':
      return verbNames
    case 'changed':
      return () => false
  }
}

/** The approval rule that holds: a protected environment is never below `destructive`. */
export function effectiveRule(rule: ApprovalRule, environment: Environment): ApprovalRule {
  return environment.protected && rule === 'never' ? 'destructive' : rule
}

function approvalNeeded(facts: Facts): readonly string[] {
  const rule = effectiveRule(facts.grant.approval, facts.environment)
  switch (rule) {
    case 'never':
      return []
    case 'always':
      return ['every request under this grant needs an approval']
    case 'destructive':
      return facts.operations.flatMap(({ invocation }) => {
        const grave = [...new Set([...invocation.effects, ...invocation.added])].filter((effect) =>
          graveEffects.includes(effect),
        )
        return grave.length === 0 ? [] : [`${invocation.operation} is ${grave.join(', ')}`]
      })
  }
}

/** Whether an answer about where this reaches must be fetched for this request, and never come from a cache. */
export function needsFreshAnswer(invocation: Invocation): boolean {
  return [...invocation.effects, ...invocation.added].some((effect) =>
    graveEffects.includes(effect),
  )
}
