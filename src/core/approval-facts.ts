/**
 * What an approver reads, from what the broker understood: the operations with their effects, the objects with the names
 * that the provider has for them and where they live, and the exact arguments. The agent has no say in how it is put: it
 * chooses arguments and ids, which stand where arguments and ids stand. The texts in a document are as they came, since
 * they are what is signed; whoever shows one puts it through `visible`. Only `sentence` has done so already.
 */
import type { ApprovalDocument, ShownFact, ShownOperation } from './approval.ts'
import { canonicalize, type Canonical } from './canonical.ts'
import type { Environment } from './environment.ts'
import {
  graveEffects,
  type Effect,
  type Invocation,
  type JsonObject,
  type JsonValue,
  type Located,
  type Place,
  type ResourceRef,
} from './operation.ts'
import { quoted, textDigest, visible } from './visible.ts'

export type LocatedOperation = {
  readonly invocation: Invocation
  readonly located: Located | undefined
}

export type KnownObject = {
  readonly name?: string
  /** Where it lives by the provider's own answer. */
  readonly places?: readonly Place[]
}

/** What a provider's adapter found out by read-only look-ups. What it could not ask is a fact that says so. */
export type ShownFacts = {
  /** By `objectKey`. */
  readonly objects: ReadonlyMap<string, KnownObject>
  readonly facts: readonly ShownFact[]
}

/** Where nothing was asked: nothing is invented either. */
export const nothingKnown: ShownFacts = { objects: new Map(), facts: [] }

export function objectKey(object: Pick<ResourceRef, 'kind' | 'id'>): string {
  return `${object.kind}:${object.id}`
}

/** What an adapter found out, where it can be asked; that it could not be, where asking failed. Never rejects. */
export async function factsFrom(ask: (() => Promise<ShownFacts>) | undefined): Promise<ShownFacts> {
  if (ask === undefined) return nothingKnown
  try {
    return await ask()
  } catch {
    return {
      objects: new Map(),
      facts: [{ label: 'Could not be asked', value: 'what would be lost' }],
    }
  }
}

/** Characters of one text among the arguments, of all arguments of an operation as canonical JSON, and of a name. */
export const shownLimits = { text: 4_000, arguments: 20_000, name: 200 } as const

/**
 * The operations of a document, and facts that belong before all others: what of them is not shown in full. `environment`
 * is the grant's own.
 */
export function shownOperations(
  operations: readonly LocatedOperation[],
  environment: Pick<Environment, 'name' | 'places'>,
  provider: string,
  known: ShownFacts = nothingKnown,
): { readonly operations: readonly ShownOperation[]; readonly facts: readonly ShownFact[] } {
  const bound = environment.places.get(provider) ?? new Set<Place>()
  const nameOf = (place: Place): string => (bound.has(place) ? environment.name : place)
  const facts: ShownFact[] = []
  const shown = operations.map(({ invocation, located }): ShownOperation => {
    const refs = new Map(invocation.resources.map((ref) => [objectKey(ref), ref]))
    const exact = exactArguments(invocation.arguments)
    if (exact.cut !== undefined)
      facts.push({ label: `Not shown in full: ${invocation.operation}`, value: exact.cut })
    return {
      name: invocation.operation,
      effects: effectsOf(invocation),
      objects: [...refs.keys()].map((id) => {
        const object = known.objects.get(id)
        const places = object?.places ?? homes(id, located)
        return {
          id,
          ...(object?.name === undefined ? {} : { name: clipped(object.name, shownLimits.name) }),
          livesIn: [...new Set(places.map(nameOf))],
        }
      }),
      arguments: exact.shown,
    }
  })
  return { operations: shown, facts }
}

function effectsOf({ effects, added }: Invocation): readonly Effect[] {
  return [...new Set([...effects, ...added])]
}

/** Nobody said of this one object where it lives: it is one of those that live in the operation's places. */
function homes(id: string, located: Located | undefined): readonly Place[] {
  if (located === undefined) return []
  return located.places.includes(id) ? [id] : located.places
}

type Exact = { readonly shown: Canonical; readonly cut: string | undefined }

/** The arguments, with texts that nobody reads to the end cut; all of them as one cut text where they are still too long. */
function exactArguments(given: JsonObject): Exact {
  let cuts = 0
  const shorten = (value: JsonValue): JsonValue => {
    if (typeof value === 'string') {
      const text = clipped(value, shownLimits.text)
      if (text !== value) cuts++
      return text
    }
    if (Array.isArray(value)) return value.map(shorten)
    if (value === null || typeof value !== 'object') return value
    // A variable of a literal that was not sent is a member without a value.
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, member]) => member !== undefined)
        .map(([key, member]) => [key, shorten(member)]),
    )
  }
  const shown = shorten(given)
  const text = canonicalize(shown)
  if (text.length <= shownLimits.arguments)
    return {
      shown,
      cut: cuts === 0 ? undefined : `${String(cuts)} of its texts, cut where it says so.`,
    }
  const whole = canonicalize(given)
  return {
    shown: clipped(whole, shownLimits.arguments),
    cut: `Its arguments are ${String(whole.length)} characters of JSON, of which ${String(shownLimits.arguments)} are shown.`,
  }
}

const cutMark = / \[cut: \d+ more characters, SHA-256 [0-9a-f]{64}\]$/

/**
 * The text, or its beginning with how much is missing and the SHA-256 of the whole. A text that ends as if it had been
 * cut is cut there, so that only what was cut says so.
 */
export function clipped(text: string, most: number): string {
  const forged = cutMark.exec(text.length > most + 200 ? '' : text)
  if (text.length <= most && forged === null) return text
  const kept = text.slice(0, forged === null ? most : Math.min(most, forged.index)).toWellFormed()
  const more = text.length - kept.length
  return `${kept} [cut: ${String(more)} more characters, SHA-256 ${textDigest(text)}]`
}

/** How many operations, and objects of one, the sentence names before it counts the rest. */
const mostInSentence = 3

/**
 * The one sentence that the agent is told and the approver reads: `railway volumeDelete of the volume "pgdata" (9c…) in
 * shop/production: write, destructive, by agent "ci-bot"`. Already visible. The gravest operations stand first, so that
 * none hides behind a number.
 */
export function sentence(
  document: Pick<ApprovalDocument, 'operations' | 'agent' | 'environment' | 'provider'>,
): string {
  const operations = document.operations.toSorted((a, b) => gravity(b) - gravity(a))
  const told = operations
    .slice(0, mostInSentence)
    .map((operation) => operationPhrase(operation, document.environment))
  const more = operations.length - told.length
  if (more > 0) told.push(`${String(more)} more`)
  const count = operations.length > 1 ? `${String(operations.length)} operations: ` : ''
  const agent = `by agent ${quoted(document.agent.name, shownLimits.name)}`
  return `${visible(document.provider)} ${count}${told.join('; ')}, ${agent}`
}

function gravity({ effects }: ShownOperation): number {
  return effects.filter((effect) => graveEffects.includes(effect)).length
}

function operationPhrase(
  { name, effects, objects }: ShownOperation,
  environment: ApprovalDocument['environment'],
): string {
  const told = objects.slice(0, mostInSentence).map(objectPhrase)
  const more = objects.length - told.length
  if (more > 0) told.push(`${String(more)} more`)
  const where = [...new Set(objects.flatMap(({ livesIn }) => livesIn))]
  const named = where.slice(0, mostInSentence).map((home) => {
    const shown = visible(home, shownLimits.name)
    return home === environment.name && environment.protected ? `${shown} (protected)` : shown
  })
  if (where.length > named.length) named.push(`${String(where.length - named.length)} more`)
  return [
    visible(name, shownLimits.name),
    told.length === 0 ? '' : ` of ${told.join(', ')}`,
    named.length === 0 ? '' : ` in ${named.join(', ')}`,
    `: ${effects.join(', ')}`,
  ].join('')
}

function objectPhrase({ id, name }: ShownOperation['objects'][number]): string {
  const colon = id.indexOf(':')
  const kind = visible(id.slice(0, colon), shownLimits.name)
  const bare = plainId(id.slice(colon + 1))
  return name === undefined
    ? `the ${kind} ${bare}`
    : `the ${kind} ${quoted(name, shownLimits.name)} (${bare})`
}

/** An id is the agent's text: one that is more than letters, digits and joints stands in quotation marks. */
function plainId(id: string): string {
  return /^[\w.:/@-]{1,200}$/.test(id) ? id : quoted(id, shownLimits.name)
}
