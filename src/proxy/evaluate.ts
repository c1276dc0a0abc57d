/**
 * Identify, locate and decide: everything between a caller and a decision. It records nothing and forwards nothing but
 * look-ups, so that `explain` is the same code as the real thing.
 */
import type { CapabilityClaims } from '../capability/claims.ts'
import {
  decide,
  effectiveRule,
  needsFreshAnswer,
  type Decision,
  type Facts,
} from '../core/decide.ts'
import type { Verb } from '../core/grant.ts'
import type { Invocation, Located } from '../core/operation.ts'
import type { Policy } from '../directory/policy.ts'
import type {
  Ask,
  IdentifyRefusal,
  ProviderAdapter,
  ProviderRequest,
  RebuiltRequest,
} from '../provider/adapter.ts'
import { frozen } from './standing.ts'

export type Caller = {
  readonly policy: Policy
  /** Absent in a dry run, which has a grant but no capability. */
  readonly capability: CapabilityClaims | undefined
  readonly verbs: readonly Verb[]
  /** Milliseconds since the epoch. */
  readonly now: number
}

export type LocatedInvocation = {
  readonly invocation: Invocation
  readonly located: Located | undefined
}

export type Evaluation =
  | {
      readonly kind: 'not_understood'
      readonly refusal: IdentifyRefusal
      readonly operations: readonly LocatedInvocation[]
    }
  | {
      readonly kind: 'decided'
      readonly decision: Exclude<Decision, { kind: 'locate' }>
      readonly operations: readonly LocatedInvocation[]
      readonly request: RebuiltRequest
    }

export type Evaluator = {
  /** At once where nothing need be asked. Never rejects for what a caller sent. */
  evaluate(
    adapter: ProviderAdapter,
    caller: Caller,
    request: ProviderRequest,
    correlationId: string,
  ): Evaluation | Promise<Evaluation>
}

/** `askFor` gives the means to ask the provider with this policy's credential; each question is recorded. */
export function createEvaluator(deps: {
  readonly askFor: (policy: Policy, adapter: ProviderAdapter, cause: string) => Ask
}): Evaluator {
  const prepared = new WeakSet<ProviderAdapter>()
  return {
    evaluate(adapter, caller, request, correlationId) {
      if (adapter.prepare !== undefined && !prepared.has(adapter)) {
        return adapter.prepare().then(() => {
          prepared.add(adapter)
          return this.evaluate(adapter, caller, request, correlationId)
        })
      }
      const identified = adapter.identify(request)
      if (!identified.ok)
        return { kind: 'not_understood', refusal: identified.refusal, operations: [] }

      const unlocated = identified.invocations.map((invocation) => ({
        invocation,
        located: undefined,
      }))
      const first = decide(factsOf(adapter, caller, unlocated))
      if (first.kind !== 'locate') {
        return {
          kind: 'decided',
          decision: first,
          operations: unlocated,
          request: identified.request,
        }
      }

      const { policy } = caller
      const ask = deps.askFor(policy, adapter, correlationId)
      const bound = policy.environment.places.get(adapter.name) ?? new Set()
      // One grave operation in the request makes every answer about it a fresh one, and so does a person's yes.
      const fresh =
        identified.invocations.some(needsFreshAnswer) ||
        effectiveRule(policy.grant.approval, policy.environment) === 'always'
      // One for the whole request: an adapter's bound on questions is counted by it.
      const context = { ask, fresh, bound, ...keysOf(policy) }
      const answers = identified.invocations.map((invocation) =>
        invocation.scope === 'environment' ? adapter.locate(invocation, context) : nowhere,
      )

      const finish = (located: readonly Located[]): Evaluation => {
        const operations = identified.invocations.map((invocation, i) => ({
          invocation,
          located: located[i],
        }))
        const decision = decide(factsOf(adapter, caller, operations))
        return decision.kind === 'locate'
          ? {
              kind: 'decided',
              decision: unlocatable(identified.invocations),
              operations,
              request: identified.request,
            }
          : { kind: 'decided', decision, operations, request: identified.request }
      }
      if (answers.some((answer) => answer instanceof Promise)) {
        return Promise.all(
          answers.map((answer, i) =>
            Promise.resolve(answer).catch(() => failed(identified.invocations[i]?.operation ?? '')),
          ),
        ).then(finish)
      }
      return finish(answers as Located[])
    },
  }
}

/** What a policy's look-ups are kept under, by the credential that asked. */
export function keysOf({ credential, lookupCredential }: Policy): {
  readonly cacheKey: string
  readonly actingKey: string
} {
  return {
    cacheKey: `${lookupCredential.id}:${String(lookupCredential.version)}`,
    actingKey: `${credential.id}:${String(credential.version)}`,
  }
}

const nowhere: Located = { places: [], unresolved: [] }

function failed(operation: string): Located {
  return { places: [], unresolved: [{ kind: 'operation', id: operation, why: 'lookup_failed' }] }
}

function unlocatable(invocations: readonly Invocation[]): Exclude<Decision, { kind: 'locate' }> {
  return {
    kind: 'deny',
    reason: { kind: 'nothing_located', operation: invocations[0]?.operation ?? '' },
  }
}

function factsOf(
  adapter: ProviderAdapter,
  caller: Caller,
  operations: readonly LocatedInvocation[],
): Facts {
  const { policy, capability, now } = caller
  const { grant, environment } = policy
  const details = capability?.authorization_details[0]
  return {
    now,
    provider: adapter.name,
    capability: {
      grantId: (capability?.grant ?? grant.id) as typeof grant.id,
      environmentId: (details?.environment ?? environment.id) as typeof environment.id,
      provider: details?.provider ?? grant.provider,
      verbs: caller.verbs,
      expiresAt: capability === undefined ? Number.POSITIVE_INFINITY : capability.exp * 1000,
    },
    grant: {
      id: grant.id,
      state: policy.state === 'active' && policy.expiresAt <= now ? 'expired' : policy.state,
      environmentId: grant.environmentId,
      provider: grant.provider,
      verbs: grant.verbs,
      constraints: grant.constraints,
      approval: grant.approval,
      // What was compared with another catalogue than the one that identified the request says nothing about it.
      unreviewed: policy.catalogueVersion === adapter.catalogueVersion ? policy.unreviewed : 'all',
    },
    environment,
    frozen: frozen(policy),
    breakGlass: policy.breakGlass,
    operations,
  }
}
