/**
 * What goes out in place of a credential that mints. It is no wider than what the environment is bound to, and only
 * reads where nothing else is to be done with it; and minting takes a while, in which what allowed the request may be
 * taken back: then it does not leave (I8).
 */
import type { Policy } from '../directory/policy.ts'
import type { Narrowing, MintRefusal } from '../minting/kind.ts'
import type { MintedToken, Minter } from '../minting/minter.ts'
import type { LocatedInvocation } from './evaluate.ts'
import type { Failure } from './failure.ts'
import type { Subject } from './record.ts'
import type { Scrubber } from './scrub.ts'
import { actorsTrusted, frozen, trusted } from './standing.ts'

/** How long what is minted should live, in seconds. Providers mint what is nearest. */
const seconds = 900

export type TokenForRequest = (
  subject: Subject,
  operations: readonly LocatedInvocation[],
) => Promise<MintedToken<Scrubber> | { readonly ok: false; readonly failure: Failure }>

export type MintedTokens = {
  readonly forRequest: TokenForRequest
  /** For the broker's own questions, with this credential of the policy. */
  readonly forLookup: (
    policy: Policy,
    credential: Policy['credential'],
    cause: string,
  ) => Promise<MintedToken<Scrubber> | MintRefusal>
}

export function createMintedTokens(deps: {
  readonly minter: Pick<Minter<Scrubber>, 'tokenFor'>
  /** Whether this process hears of revocations, asked anew. */
  readonly confirm: () => boolean | Promise<boolean>
  readonly policyOf: (
    grantId: Policy['grant']['id'],
    actors?: readonly Policy['agent']['id'][],
  ) => Promise<Policy | undefined>
  readonly isRevoked: (capabilityId: string) => boolean
  readonly now: () => number
}): MintedTokens {
  const narrowingOf = (policy: Policy, readOnly: boolean): Narrowing => ({
    bindings: policy.mintBindings ?? [],
    readOnly,
    seconds,
  })

  async function stands(subject: Subject): Promise<boolean> {
    const { policy, capabilityId, ancestors = [] } = subject
    if (!(await deps.confirm())) return false
    if (capabilityId !== undefined && deps.isRevoked(capabilityId)) return false
    if (ancestors.some((id) => deps.isRevoked(id))) return false
    const actors = policy.actors?.map(({ id }) => id)
    const present = await deps.policyOf(policy.grant.id, actors)
    return (
      present !== undefined &&
      present.state === 'active' &&
      present.expiresAt > deps.now() &&
      present.binding === policy.binding &&
      present.credential.id === policy.credential.id &&
      present.credential.version === policy.credential.version &&
      trusted(present, subject.ruleId) &&
      actorsTrusted(present, policy.actorRules ?? []) &&
      frozen(present) === undefined &&
      (present === policy || termsOf(present) === termsOf(policy))
    )
  }

  async function usable({ secret }: MintedToken, subject: Subject): Promise<boolean> {
    const standing = await stands(subject).catch(() => false)
    // It is erased without notice, and asking took a moment.
    return standing && !secret.disposed
  }

  return {
    async forRequest(subject, operations) {
      const { policy } = subject
      const narrowing = narrowingOf(policy, readsOnly(operations))
      const token = await deps.minter.tokenFor(policy.credential, narrowing, subject.correlationId)
      if (!token.ok) return { ok: false, failure: failureOf(token) }
      return (await usable(token, subject)) ? token : { ok: false, failure: takenBack }
    },
    async forLookup(policy, credential, cause) {
      const token = await deps.minter.tokenFor(credential, narrowingOf(policy, true), cause)
      if (!token.ok) return token
      const { provider } = policy.grant
      const subject = { policy, capabilityId: undefined, correlationId: cause, provider }
      if (await usable(token, subject)) return token
      return { ok: false, why: 'unavailable', detail: takenBack.details.detail }
    },
  }
}

/** What the request was decided by, in one text: it is not decided anew, so that none of it may have changed. */
function termsOf(policy: Policy): string {
  const { grant, approvalTerms, environment, breakGlass, catalogueVersion } = policy
  return JSON.stringify([
    grant,
    approvalTerms,
    environment.protected,
    breakGlass ?? [],
    catalogueVersion,
  ])
}

/** An empty list does nothing, and is nothing that only reads. */
function readsOnly(operations: readonly LocatedInvocation[]): boolean {
  const effects = operations.flatMap(({ invocation }) => [
    ...invocation.effects,
    ...invocation.added,
  ])
  return effects.length > 0 && effects.every((effect) => effect === 'read')
}

const takenBack: Failure = {
  code: 'unavailable',
  details: { detail: 'what allowed it may have been taken back meanwhile; send it again' },
}

/** The provider's own answer is in the log, for an operator: an agent learns that nothing of its request left. */
function failureOf({ why }: MintRefusal): Failure {
  switch (why) {
    case 'unavailable':
      return {
        code: 'upstream_unreachable',
        details: {
          detail:
            'the provider gave no short-lived credential in time; nothing of this request was sent: try again later',
        },
      }
    case 'rejected':
      return {
        code: 'unavailable',
        details: {
          detail:
            'the provider refuses to mint a short-lived credential for this; nothing was sent, and an operator must look',
        },
      }
    case 'impossible':
      return {
        code: 'unavailable',
        details: {
          detail:
            'no credential as narrow as this environment could be minted; nothing was sent, and an operator must look',
        },
      }
  }
}
