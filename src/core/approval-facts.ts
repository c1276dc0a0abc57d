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

/** Characters of the arguments of all operations of a document together, as canonical JSON, and of a name. */
export const shownLimits = { arguments: 20_000, name: 200 } as const

/**
 * Why nobody can be asked: the arguments are more than a person is shown, and whoever approves a part of them does not
 * know what they approve. Undefined where all of them are shown. A sentence without its end.
 */
export function tooLongToShow(operations: readonly LocatedOperation[]): string | undefined {
  const long = operations.reduce((sum, { invocation }) => sum + shownLength(invocation), 0)
  return long <= shownLimits.arguments
    ? undefined
    : `its arguments are ${String(long)} characters, and a person is shown ${String(shownLimits.arguments)} at the most, and never a part; send less at once`
}

function shownLength(invocation: Invocation): number {
  return canonicalize(exactArguments(invocation.arguments)).length
}

/** The operations of a document. `environment` is the grant's own. */
export function shownOperations(
  operations: readonly LocatedOperation[],
  environment: Pick<Environment, 'name' | 'places'>,
  provider: string,
  known: ShownFacts = nothingKnown,
): readonly ShownOperation[] {
  const bound = environment.places.get(provider) ?? new Set<Place>()
  const nameOf = (place: Place): string => (bound.has(place) ? environment.name : place)
  return operations.map(({ invocation, located }) => {
    const refs = new Map(invocation.resources.map((ref) => [objectKey(ref), ref]))
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
      arguments: exactArguments(invocation.arguments),
    }
  })
}

function effectsOf({ effects, added }: Invocation): readonly Effect[] {
  return [...new Set([...effects, ...added])]
}

/** Nobody said of this one object where it lives: it is one of those that live in the operation's places. */
function homes(id: string, located: Located | undefined): readonly Place[] {
  if (located === undefined) return []
  return located.places.includes(id) ? [id] : located.places
}

/** A variable of a literal that was not sent is a member without a value, which nothing is sent of. */
function exactArguments(given: JsonValue): Canonical {
  if (Array.isArray(given)) return given.map(exactArguments)
  if (given === null || typeof given !== 'object') return given
  return Object.fromEntries(
    Object.entries(given)
      .filter(([, member]) => member !== undefined)
      .map(([key, member]) => [key, exactArguments(member)]),
  )
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
  document: Pick<ApprovalDocument, 'operations' | 'agent' | 'actors' | 'environment' | 'provider'>,
): string {
  const operations = document.operations.toSorted((a, b) => gravity(b) - gravity(a))
  const told = operations
    .slice(0, mostInSentence)
    .map((operation) => operationPhrase(operation, document.environment))
  const more = operations.length - told.length
  if (more > 0) told.push(`${String(more)} more`)
  const count = operations.length > 1 ? `${String(operations.length)} operations: ` : ''
  const agent = [...(document.actors ?? []), document.agent]
    .map(({ name }) => `agent ${quoted(name, shownLimits.name)}`)
    .join(' on behalf of ')
  return `${visible(document.provider)} ${count}${told.join('; ')}, by ${agent}`
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
