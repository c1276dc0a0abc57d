/**
 * The adapter of a REST provider: its manifest and its catalogue, joined. A provider that needs code of its own (the
 * statements of an SQL text) hands it in as `inspect`; everything else is data.
 */
import { valuesAt } from '../../core/condition.ts'
import { place, type JsonObject, type Place, type ResourceRef } from '../../core/operation.ts'
import type { Ask, ProviderAdapter, Reach } from '../adapter.ts'
import { factMembers } from '../facts/members.ts'
import { isWrite } from '../kept-answers.ts'
import { createAnswers } from './answers.ts'
import type { RestOperation } from './catalogue.ts'
import { identifyRest, type Inspected, type RestRules } from './identify.ts'
import { createLocator } from './locate.ts'
import type { RestManifest } from './manifest.ts'
import { entryOf, openCatalogue, type OpenCatalogue } from './open.ts'
import { restFactSource } from './question.ts'

export type RestParts = {
  readonly manifest: RestManifest
  /** The text of `catalogue.json`; asked for once, at the first use. */
  readonly catalogue: () => string
  readonly inspect?: (operation: RestOperation, args: JsonObject) => Inspected
  /** Loads what `inspect` needs. */
  readonly prepare?: () => Promise<void>
  readonly reach?: (ask: Ask, bound: ReadonlySet<Place>) => Promise<Reach>
  /** Monotonic, in milliseconds. */
  readonly now?: () => number
  /** Milliseconds since the epoch: how old a backup is. */
  readonly date?: () => number
}

export function restAdapter(parts: RestParts): ProviderAdapter {
  const { manifest } = parts
  let loaded: OpenCatalogue | undefined
  const catalogue = (): OpenCatalogue => (loaded ??= openCatalogue(parts.catalogue()))
  const rules: RestRules = {
    bodyLimit: manifest.bodyLimit,
    accepts: (mediaType) => accepted(mediaType, manifest.accepts),
    headers: manifest.meaningfulHeaders,
    refusedHeaders: manifest.refusedHeaders,
    ...(manifest.refusedFields === undefined ? {} : { refusedFields: manifest.refusedFields }),
    jsonTypes: manifest.jsonTypes ?? [],
    yamlTypes: manifest.yamlTypes ?? [],
    resources: idsIn,
    ...(parts.inspect === undefined ? {} : { inspect: parts.inspect }),
  }
  const clocks = { now: parts.now ?? (() => performance.now()), date: parts.date ?? Date.now }
  const answers = createAnswers(clocks.now)
  const revealedBy = (name: string): readonly (readonly string[])[] => {
    const opened = catalogue()
    const operation = opened.find(name)
    // Bytes have no fields.
    return operation?.opaque === true ? [] : [...(operation?.reveals ?? []), ...opened.anywhere]
  }
  return {
    name: manifest.name,
    get catalogueVersion() {
      return catalogue().version
    },
    origins: manifest.origins,
    pathPrefixes: manifest.pathPrefixes,
    idempotencyHeader: manifest.idempotencyHeader,
    carriers: manifest.carriers,
    ...(manifest.handle === undefined ? {} : { handle: manifest.handle }),
    injections: manifest.injections,
    bindings: manifest.bindings,
    ...(manifest.errorMember === undefined ? {} : { errorMember: manifest.errorMember }),
    ...(manifest.errorAnswer === undefined ? {} : { errorAnswer: manifest.errorAnswer }),
    headers: manifest.headers,
    bodyLimit: manifest.bodyLimit,
    operations: () => catalogue().entries(),
    find(name) {
      const operation = catalogue().find(name)
      return operation === undefined ? undefined : entryOf(operation)
    },
    identify: (request) => identifyRest(catalogue(), rules, request),
    ...(parts.prepare === undefined ? {} : { prepare: parts.prepare }),
    bindingPlace: (kind, id) => place(kind, manifest.caseless === true ? id.toLowerCase() : id),
    locate: createLocator(manifest, answers),
    delivered(invocations, keys) {
      if (invocations.some(isWrite)) answers.forget(keys.cacheKey, keys.actingKey)
    },
    reach: (ask, bound) =>
      parts.reach?.(ask, bound) ?? Promise.resolve(unknownReach(manifest.name)),
    ...(manifest.facts === undefined
      ? {}
      : factMembers(restFactSource(manifest.facts, catalogue, rules, revealedBy), clocks)),
    revealed({ operation }) {
      const reveals = revealedBy(operation)
      return reveals.length === 0 ? undefined : reveals
    },
  }
}

function unknownReach(name: string): Reach {
  return { kind: 'unknown', detail: `${name} does not say what a credential can reach` }
}

function accepted(mediaType: string, known: readonly string[]): boolean {
  if (mediaType === '*/*') return true
  return known.some((one) =>
    one.endsWith('*')
      ? mediaType.startsWith(one.slice(0, -1)) && !mediaType.includes(';')
      : mediaType === one,
  )
}

/** The ids that the arguments name, by the catalogue's roles. An id that is there and no text or number is refused below. */
export function idsIn(args: JsonObject, operation: RestOperation): readonly ResourceRef[] {
  const found: ResourceRef[] = []
  for (const { path, kind, role, absent } of operation.ids) {
    // One id where a list was expected, or a list where one was: each is named. Null names nothing; whatever else is no id
    // at all is an id that nothing can resolve.
    const values = valuesAt(args, path, 'lenient')
      .flatMap((value) => (Array.isArray(value) ? value : [value]))
      .filter((value) => value !== null)
    if (values.length === 0 && absent !== undefined)
      found.push({ kind: absent, id: 'absent', role, path: path.join('.') })
    for (const value of values) {
      const id =
        typeof value === 'string' || typeof value === 'number'
          ? String(value)
          : JSON.stringify(value)
      found.push({
        kind: typeof value === 'object' ? 'unreadable' : kind,
        id,
        role,
        path: path.join('.'),
      })
    }
  }
  return found
}
