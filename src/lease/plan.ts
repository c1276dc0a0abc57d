/**
 * What would be minted for a lease, before anybody is asked for it. Guarantees, against an agent that would have more
 * than its grant, by asking with less: nothing is planned that the grant does not hand out as things are now, that the
 * capability narrows further than a provider could, or that would outlive either of them.
 */
import type { CapabilityClaims } from '../capability/claims.ts'
import type { Db } from '../db/open.ts'
import { readEnvironment } from '../directory/environment.ts'
import type { Policy } from '../directory/policy.ts'
import type { Narrowing } from '../minting/kind.ts'
import type { ProblemCode } from '../problem.ts'
import { readCredential, type Credential } from '../vault/store.ts'
import { isRevocable, mintFacts } from './kinds.ts'
import { handOutFacts, within } from './still-allowed.ts'
import { handOutObjection, leaseSeconds, reachOf } from './terms.ts'

export type LeaseWish = {
  readonly policy: Policy
  readonly claims: CapabilityClaims
  /** As long as it may be, where it is absent. */
  readonly seconds: number | undefined
}

export type Refused = {
  readonly ok: false
  readonly code: ProblemCode
  /** For whoever asked. */
  readonly detail: string
}

export type PlannedLease = {
  readonly ok: true
  readonly credential: Credential
  /** The kind of minting, by its name. */
  readonly kind: string
  readonly revocable: boolean
  /** What the capability covers. */
  readonly verbs: readonly string[]
  readonly narrowing: Narrowing
  /** Milliseconds since the epoch, or infinite: when what it is given by ends. */
  readonly until: number
}

export const refuse = (code: ProblemCode, detail: string): Refused => ({ ok: false, code, detail })

/** `now` gives milliseconds since the epoch. */
export async function planLease(
  db: Db,
  { policy, claims, seconds: wanted }: LeaseWish,
  now: () => number,
): Promise<PlannedLease | Refused> {
  const { grant } = policy
  if (!grant.handOut)
    return refuse(
      'not_handed_out',
      'this grant hands no credential out: send requests through the broker',
    )
  const credential = await readCredential(db, grant.credentialId)
  const environment = await readEnvironment(db, grant.environmentId)
  if (credential === undefined || environment === undefined || credential.state !== 'active')
    return refuse('grant_inactive', 'the grant, or something it rests on, is not active')
  if (
    credential.version !== policy.credential.version ||
    environment.binding !== policy.binding ||
    claims.binding !== environment.binding
  )
    return refuse('unavailable', 'what the grant rests on is being changed; ask again')
  const bindings = environment.bindings
    .filter(({ provider }) => provider === grant.provider)
    .map(({ kind, id }) => ({ kind, id }))
  const verbs = claims.authorization_details.flatMap((details) => details.verbs)
  const facts = {
    ...handOutFacts(policy, bindings.length),
    ...mintFacts(credential.mint),
    protected: environment.protected,
  }
  const { kind } = facts
  // A capability for less, an operation of what the grant only reads, is said to be that further down.
  const less = reachOf(verbs) !== undefined && !within(verbs, grant.verbs)
  const objection = handOutObjection(facts) ?? (less ? 'it allows less by now' : undefined)
  if (objection !== undefined)
    return refuse('not_handed_out', `this grant cannot be handed out: ${objection}`)
  const narrower = handOutObjection({ ...facts, verbs })
  if (narrower !== undefined || kind === undefined)
    return refuse(
      'not_handed_out',
      `this capability allows less than could be handed out; ask for one with all verbs of its grant: ${narrower ?? ''}`,
    )
  const revocable = isRevocable(kind)
  // Whoever could have another at once is held by the grant alone.
  const handedOn = claims.ancestors !== undefined || claims.act !== undefined
  const lifetime = leaseSeconds({
    kind,
    revocable,
    asked: wanted,
    // One that was asked for shorter may have been given away: it is worth no longer a lease than it was to live itself.
    most: Math.min(grant.maxLifetimeSeconds, claims.exp - claims.iat),
    grantEnds: policy.expiresAt,
    capabilityEnds: handedOn || claims.rule !== undefined ? claims.exp * 1000 : undefined,
    now: now(),
  })
  if (!lifetime.ok) return refuse('not_handed_out', lifetime.detail)
  const narrowing: Narrowing = {
    bindings,
    readOnly: reachOf(verbs) !== 'everything',
    seconds: lifetime.seconds,
  }
  const { until } = lifetime
  return { ok: true, credential, kind, revocable, verbs, narrowing, until }
}
