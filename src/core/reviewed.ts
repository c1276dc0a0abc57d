/**
 * What a grant was reviewed against. Effect sets and prefixes speak of operations that nobody names: when a catalogue's
 * next version brings another one, or says less of one than before, an older grant must not cover it unseen.
 */
import type { Effect, OperationScope } from './operation.ts'

/** An operation as a catalogue lists it. */
export type Catalogued = {
  readonly name: string
  readonly effects: readonly Effect[]
  readonly scope: OperationScope
  readonly denied?: boolean
  /** A digest of what else decides about it. */
  readonly fingerprint?: string
}

/** Of one version, by the names of the operations that could be used, their effects and fingerprints: see `markOf`. */
export type ReviewedVersion = Readonly<Record<string, string>>

/** Names of operations; `all` where it cannot be told which. */
export type Unreviewed = ReadonlySet<string> | 'all'

export const nothingUnreviewed: Unreviewed = new Set()

export function isUnreviewed(unreviewed: Unreviewed, operation: string): boolean {
  return unreviewed === 'all' || unreviewed.has(operation)
}

/** `read secret#0f3a…`. */
function markOf({ effects, fingerprint = '' }: Catalogued): string {
  return `${effects.join(' ')}#${fingerprint}`
}

/** Denied to everyone, or of the account as a whole: no grant covered it, whatever its verbs. */
function couldBeUsed({ denied, scope }: Catalogued): boolean {
  return denied !== true && scope !== 'account'
}

export function reviewedVersion(operations: Iterable<Catalogued>): ReviewedVersion {
  const version: Record<string, string> = Object.create(null) as Record<string, string>
  for (const one of operations) if (couldBeUsed(one)) version[one.name] = markOf(one)
  return version
}

export type Change = 'new' | 'changed'

/**
 * What became of an operation since: undefined where whoever allowed it then allows no more now. One that has more
 * effects than it had is such: what covers all of them covered the fewer. One with fewer is another operation.
 */
export function changeSince(reviewed: ReviewedVersion, operation: Catalogued): Change | undefined {
  if (!couldBeUsed(operation)) return undefined
  const before = Object.hasOwn(reviewed, operation.name) ? reviewed[operation.name] : undefined
  if (before === undefined) return 'new'
  const [had = '', fingerprint = ''] = before.split('#')
  const own: readonly string[] = operation.effects
  const kept = had.split(' ').every((effect) => own.includes(effect))
  return kept && fingerprint === (operation.fingerprint ?? '') ? undefined : 'changed'
}

/** `reviewed`: undefined where it is not known what that version held. */
export function unreviewedSince(
  reviewed: ReviewedVersion | undefined,
  present: Iterable<Catalogued>,
): Unreviewed {
  if (reviewed === undefined) return 'all'
  const names = new Set<string>()
  for (const one of present) if (changeSince(reviewed, one) !== undefined) names.add(one.name)
  return names
}
