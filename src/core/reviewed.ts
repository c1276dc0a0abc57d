/**
 * What a grant was reviewed against. Against a catalogue's next version, which an older grant must not cover unseen: effect
 * sets and prefixes speak of operations that nobody names, so they say nothing of one that is new; and what is another
 * operation under its old name is not what whoever named it meant, so that nothing covers it before an admin has looked.
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

/** `new`: only a verb that names it covers it. `changed`: none does, until the grant is reviewed. */
export type Change = 'new' | 'changed'

/** What became of operations, by name; `all` where it cannot be told of which. */
export type Unreviewed = ReadonlyMap<string, Change> | 'all'

export const nothingUnreviewed: Unreviewed = new Map()

/** Undefined where the operation is as it was. Where it cannot be told, it may be another by now. */
export function changeOf(unreviewed: Unreviewed, operation: string): Change | undefined {
  return unreviewed === 'all' ? 'changed' : unreviewed.get(operation)
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

/**
 * What became of an operation since; undefined where it is the same. With more effects than it had, a verb that names it
 * would cover what nobody saw; with fewer, an effect set would, and an approval rule would ask nobody; and where its
 * fingerprint is another, so is what it reaches, or what its arguments add.
 */
export function changeSince(reviewed: ReviewedVersion, operation: Catalogued): Change | undefined {
  if (!couldBeUsed(operation)) return undefined
  const before = Object.hasOwn(reviewed, operation.name) ? reviewed[operation.name] : undefined
  if (before === undefined) return 'new'
  const [had = '', fingerprint = ''] = before.split('#')
  const same = had.split(' ').toSorted().join(' ') === operation.effects.toSorted().join(' ')
  return same && fingerprint === (operation.fingerprint ?? '') ? undefined : 'changed'
}

/** `reviewed`: undefined where it is not known what that version held. */
export function unreviewedSince(
  reviewed: ReviewedVersion | undefined,
  present: Iterable<Catalogued>,
): Unreviewed {
  if (reviewed === undefined) return 'all'
  const found = new Map<string, Change>()
  for (const one of present) {
    const change = changeSince(reviewed, one)
    if (change !== undefined) found.set(one.name, change)
  }
  return found
}
