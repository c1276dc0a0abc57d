/**
 * Asking for access, for whoever asks: an agent at its own door, or an operator on its behalf. Both are read by the same
 * rules and kept by the same function, so that neither is a way around the other.
 */
import Type from 'typebox'
import { mostVerbs } from '../capability/claims.ts'
import {
  accessRequestStates,
  defaultAccess,
  longestAccess,
  longestWords,
  readWish,
  shortestAccess,
} from '../core/access-request.ts'
import type { FreezeScope, GrantState } from '../core/decide.ts'
import { verbWithin } from '../core/grant.ts'
import type { AccessWish, Asked } from '../directory/access-request.ts'
import type { Policy } from '../directory/policy.ts'
import type { AccessRequestId, OperatorId } from '../ids.ts'
import { Problem } from '../problem.ts'
import type { ProviderAdapter } from '../provider/adapter.ts'
import { frozen } from '../proxy/standing.ts'
import type { Deps } from './deps.ts'
import { Verb } from './schemas.ts'

export const WishBody = {
  verbs: Type.Array(Verb, {
    minItems: 1,
    maxItems: mostVerbs,
    uniqueItems: true,
    description: 'What the capability must cover, as missing_verbs of a refusal names it.',
  }),
  duration_seconds: Type.Optional(
    Type.Integer({
      minimum: shortestAccess,
      maximum: longestAccess,
      description: `${String(defaultAccess)} by default.`,
    }),
  ),
  reason: Type.Optional(
    Type.String({
      maxLength: 10_000,
      description: `Shown as the words of whoever asks, cut at ${String(longestWords)} characters. It decides nothing.`,
    }),
  ),
}

export const State = Type.Union(accessRequestStates.map((state) => Type.Literal(state)))

export type WishInput = {
  readonly verbs: readonly string[]
  readonly duration_seconds?: number
  readonly reason?: string
}

/** Where a person answers it. */
export function accessUrl(deps: Pick<Deps, 'publicUrl'>, id: AccessRequestId): string {
  return `${deps.publicUrl}/access-requests/${id}`
}

/** The state of a grant and of all that it rests on, at this moment. */
export function standingOf(policy: Policy, now: number): GrantState {
  return policy.state === 'active' && policy.expiresAt <= now ? 'expired' : policy.state
}

export function frozenDetail(scope: FreezeScope): string {
  return `an operator has frozen ${scope === 'everything' ? 'everything' : `this ${scope}`}`
}

export function adapterOf(deps: Pick<Deps, 'providers'>, policy: Policy): ProviderAdapter {
  const adapter = deps.providers.get(policy.grant.provider)
  if (adapter === undefined)
    throw new Problem('conflict', `this broker has no provider "${policy.grant.provider}"`)
  return adapter
}

/** What is wished under this grant, in the form in which it is kept. Throws a `Problem`. */
export function toWish(
  deps: Pick<Deps, 'providers' | 'now'>,
  policy: Policy,
  input: WishInput,
  filedBy: OperatorId | null,
): AccessWish {
  const { grant, askedUnder } = policy
  // A time on top of a time would have no end, and limits of limits nobody could read.
  if (askedUnder !== undefined) {
    throw new Problem(
      'conflict',
      `this grant was itself made for a time: ask under the one it came of, ${askedUnder}`,
    )
  }
  const standing = standingOf(policy, deps.now())
  if (standing !== 'active')
    throw new Problem('grant_inactive', `the grant, or something it rests on, is ${standing}`)
  const stopped = frozen(policy)
  if (stopped !== undefined) throw new Problem('frozen', frozenDetail(stopped))
  const adapter = adapterOf(deps, policy)
  const read = readWish(input.verbs, adapter, policy.unreviewed)
  if (!read.ok) {
    const named = read.wrong.slice(0, 5).map(({ at }) => (input.verbs[at] ?? '').slice(0, 100))
    throw new Problem('invalid_request', {
      detail: `no access can be given to ${named.join(', ')}: ${read.wrong[0]?.why ?? ''}`,
      errors: read.wrong.map(({ at, why }) => ({ pointer: `/verbs/${String(at)}`, detail: why })),
    })
  }
  if (policy.unreviewed !== 'all' && policy.unreviewed.size === 0) {
    const find = (name: string) => {
      const found = adapter.find(name)
      return found === undefined || found === 'ambiguous'
        ? found
        : { ...found, operation: found.name }
    }
    if (read.verbs.every((verb) => verbWithin(verb, grant.verbs, find))) {
      throw new Problem(
        'conflict',
        'the grant covers all of this already: ask for a capability with these verbs at /oauth/token',
      )
    }
  }
  return {
    agentId: policy.agent.id,
    grantId: grant.id,
    environmentId: grant.environmentId,
    provider: grant.provider,
    asked: { verbs: read.verbs, seconds: input.duration_seconds ?? defaultAccess },
    words: input.reason === undefined ? null : clipWords(input.reason),
    filedBy,
  }
}

/** The request that was made, or a `Problem` about why none was. */
export function madeOf(asked: Asked) {
  switch (asked.kind) {
    case 'asked':
    case 'again':
      return asked.request
    case 'too_many':
      throw new Problem(
        'conflict',
        'as many requests of this agent wait for a person as may: wait for their answers',
      )
    case 'denied':
      throw new Problem('conflict', {
        detail: `a person said no to some of this: it can be asked again at ${asked.until.toISOString()}`,
        members: { denied: asked.id, ask_again_at: asked.until.toISOString() },
      })
  }
}

/** By characters, as PostgreSQL counts: half of a pair could not be kept. */
function clipWords(text: string): string {
  return Array.from(text).slice(0, longestWords).join('')
}
