/**
 * Which grants may be handed out as a native credential, and for how long. A token outside the broker meets no verb, no
 * argument, no approval and no redaction of ours, so that the provider's own narrowing is all that holds it. Against an
 * agent that would have by a lease what it has not by its grant: whatever the grant says and the provider cannot say as
 * narrowly is refused, never rounded up.
 *
 * | a grant's verbs                                     | what is minted                                            |
 * |-----------------------------------------------------|-----------------------------------------------------------|
 * | `read` alone                                        | a read-only one, where that surely reads no secret         |
 * | `read+secret`, with or without `read`               | a read-only one, of any kind that mints those              |
 * | `read+write+destructive+secret+admin` in one verb   | one that does all that the credential may in its bindings  |
 * | any other                                           | none: the grant is narrower than any provider can say      |
 */
import { parseVerb, type ApprovalRule, type Verb } from '../core/grant.ts'
import { effects, type Effect } from '../core/operation.ts'
import type { MintKindName } from '../minting/kind.ts'

/** How long what a kind mints lives. */
type KindTerms = {
  /** Seconds: the provider mints nothing shorter. */
  readonly shortest: number
  /** Seconds that one may work although nothing came back that said so; Infinity where it never stops by itself. */
  readonly longest: number
}

/** Absent: never handed out. What an OAuth refresh gives is as wide as the consent behind it, and cannot be narrowed. */
const handedOut: Readonly<Partial<Record<MintKindName, KindTerms>>> = {
  github_app: { shortest: 1, longest: 3_600 },
  aws_sts: { shortest: 900, longest: 43_200 },
  gcp: { shortest: 1, longest: 43_200 },
  kubernetes: { shortest: 600, longest: 86_400 },
  railway: { shortest: 1, longest: Number.POSITIVE_INFINITY },
}

/** Of a kind that nobody knows any more, the worst is assumed. */
export function kindTerms(kind: string): KindTerms {
  return handedOut[kind as MintKindName] ?? { shortest: 1, longest: Number.POSITIVE_INFINITY }
}

export type VerbReach = 'reads' | 'reads_and_reveals' | 'everything'

/** What verbs come to, where a provider can say it; undefined where they are narrower than that. */
export function reachOf(verbs: readonly Verb[]): VerbReach | undefined {
  const sets: (readonly Effect[])[] = []
  for (const verb of verbs) {
    const parsed = parseVerb(verb)
    sets.push('error' in parsed || parsed.kind !== 'effects' ? [] : parsed.effects)
  }
  const is = (set: readonly Effect[], wanted: readonly Effect[]): boolean =>
    set.length === wanted.length && wanted.every((effect) => set.includes(effect))
  if (sets.length === 0) return undefined
  // Whatever else is listed beside all of it adds nothing.
  if (sets.some((set) => is(set, effects))) return 'everything'
  if (sets.every((set) => is(set, ['read']))) return 'reads'
  const reveals = (set: readonly Effect[]): boolean => is(set, ['read', 'secret'])
  if (sets.every((set) => is(set, ['read']) || reveals(set)) && sets.some(reveals))
    return 'reads_and_reveals'
  return undefined
}

export type HandOutFacts = {
  /** The kind that its credential mints with; undefined where it does not mint. */
  readonly kind: string | undefined
  /** Whether that can mint, with its parameters, what only reads. */
  readonly narrowsToReads: boolean
  /** Whether that may read secrets too. */
  readonly readsSecrets: boolean
  readonly verbs: readonly Verb[]
  readonly constraints: readonly unknown[]
  readonly approval: ApprovalRule
  readonly minted: 'redact' | 'seal' | 'reveal'
  /** Whether its environment is. */
  readonly protected: boolean
  /** Whether it was made for a time, at an agent's request. */
  readonly forATime: boolean
  /** How many things its environment is bound to at this provider. */
  readonly bound: number
}

/** Why a grant cannot be handed out, as the end of a sentence; undefined where it can. */
export function handOutObjection(facts: HandOutFacts): string | undefined {
  const { kind } = facts
  if (kind === undefined) return 'its credential mints nothing that could be handed out'
  if (handedOut[kind as MintKindName] === undefined)
    return `what ${kind} mints cannot be narrowed, and is never handed out`
  if (facts.protected)
    return 'its environment is protected: nothing there goes by without a person, as a native credential would'
  if (facts.forATime) return 'it was made for a time, at an agent’s request'
  if (facts.approval !== 'never')
    return 'nobody is asked about what is done with a native credential: it needs the approval rule never'
  if (facts.constraints.length > 0)
    return 'it has constraints on arguments, which no native credential knows'
  const reach = reachOf(facts.verbs)
  if (reach === undefined)
    return `its verbs are narrower than a native credential can be: they must be read, read+secret, or ${effects.join('+')}`
  if (reach === 'everything') {
    // It would mint, at the provider, what the grant says is not to be seen.
    if (facts.minted !== 'reveal')
      return 'with a native credential that can do everything, what it mints is seen: it takes minted credentials to be revealed'
  } else if (!facts.narrowsToReads) {
    return `its verbs allow reads alone, and what ${kind} mints here does more`
  } else if (reach === 'reads' && facts.readsSecrets) {
    return `what ${kind} mints here reads secrets too: it takes the verb read+secret`
  }
  if (facts.bound === 0) return 'its environment is bound to nothing at this provider'
  return undefined
}

/** The shortest that can be asked for, in seconds. */
export const shortestLease = 60
/** Of one grant, how many may work at once, those that could not be revoked included. */
export const mostLeases = 5

export type LifetimeFacts = {
  readonly kind: string
  /** Whether what it mints can be ended before it ends by itself. */
  readonly revocable: boolean
  /** Seconds; undefined: as long as may be. */
  readonly asked: number | undefined
  /** Seconds: the longest lifetime that the grant gives a capability, and that this capability was given. */
  readonly most: number
  /** Milliseconds since the epoch; infinite where it never does. */
  readonly grantEnds: number
  /** Milliseconds since the epoch, of a capability that was made shorter than its grant says; else undefined. */
  readonly capabilityEnds: number | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
}

/**
 * For how many seconds: no longer than the grant lets a capability live, than the grant stands, and than the capability,
 * where that was handed on or is a workload's. Where the provider mints only what lives longer, what can be revoked is
 * revoked at the lease's end; what cannot be is not minted.
 */
export function leaseSeconds(facts: LifetimeFacts):
  | {
      readonly ok: true
      readonly seconds: number
      /** Milliseconds since the epoch, or infinite: its end, however late it comes to be minted. */
      readonly until: number
    }
  | { readonly ok: false; readonly detail: string } {
  const { kind, asked, most, now } = facts
  const ends = Math.min(facts.grantEnds, facts.capabilityEnds ?? Number.POSITIVE_INFINITY)
  const allowed = Math.floor(Math.min(most, (ends - now) / 1000))
  const { shortest } = kindTerms(kind)
  const wanted = Math.min(asked ?? allowed, allowed)
  const seconds = facts.revocable ? wanted : Math.max(wanted, shortest)
  if (seconds > allowed)
    return {
      ok: false,
      detail: `what ${kind} mints lives for ${String(shortest)} seconds at least, and nobody can end it before: at most ${String(Math.max(allowed, 0))} are allowed here`,
    }
  if (seconds < shortestLease)
    return { ok: false, detail: 'what allows it ends too soon; ask for a new capability' }
  return { ok: true, seconds, until: ends }
}
