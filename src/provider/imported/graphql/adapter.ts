/**
 * The adapter of an operator's own GraphQL provider, all of it from data: a manifest and a compiled catalogue, joined to
 * the frame that the shipped GraphQL providers stand on.
 */
import { place } from '../../../core/operation.ts'
import type { CatalogueEntry, Identified, ProviderAdapter, ProviderRequest } from '../../adapter.ts'
import { graphqlIdentify } from '../../graphql/identify.ts'
import { isWrite } from '../../kept-answers.ts'
import { homesOf } from '../homes.ts'
import type { ImportedManifest } from '../manifest.ts'
import { toRestManifest } from '../spoken.ts'
import { entryOf, openGraphql, type CompiledRoot, type OpenGraphql } from './catalogue.ts'
import { createGraphqlLocator } from './locate.ts'
import { createQuestions } from './question.ts'

export type GraphqlParts = {
  readonly name: string
  readonly manifest: ImportedManifest
  readonly path: string
  readonly version: string
  /** Asked for at the first use. */
  readonly catalogue: () => string
  /** Monotonic, in milliseconds. */
  readonly now?: () => number
}

const metadata: readonly CatalogueEntry[] = ['__typename', '__schema', '__type'].map((name) => ({
  name,
  effects: ['read'],
  scope: 'public',
}))

export function graphqlAdapter(parts: GraphqlParts): ProviderAdapter {
  const { name, manifest, path } = parts
  const spoken = toRestManifest(name, manifest)
  let loaded: OpenGraphql | undefined
  let understand: ReturnType<typeof graphqlIdentify> | undefined
  const open = (): OpenGraphql => (loaded ??= openGraphql(parts.catalogue()))
  const entry = (one: CompiledRoot): CatalogueEntry =>
    entryOf(one, (kinds) => [path, homesOf(kinds, manifest)])
  const known = (): readonly CatalogueEntry[] =>
    metadata.filter((one) => one.name === '__typename' || open().introspection)
  const questions = createQuestions(path, parts.now ?? (() => performance.now()))

  function identify(request: ProviderRequest): Identified {
    const switching = spoken.refusedHeaders.find((header) => request.headers[header] !== undefined)
    if (switching !== undefined)
      return refuse(
        `The header ${switching} would change who acts, or in whose name; the credential says so.`,
      )
    understand ??= graphqlIdentify(open().catalogue(name, path, spoken.bodyLimit))
    const identified = understand(request)
    if (!identified.ok) return withReason(identified, open())
    const asked = identified.invocations.find(({ operation }) => operation.startsWith('__'))
    if (asked !== undefined && !known().some((one) => one.name === asked.operation))
      return refuse(`The schema of ${name} is not public here: ${asked.operation} is refused.`)
    const headers: Record<string, string> = { ...identified.request.headers }
    for (const [header, shape] of Object.entries(spoken.meaningfulHeaders)) {
      const value = request.headers[header]
      if (value === undefined) continue
      if (!shape.test(value))
        return refuse(`The header ${header} is not in a form that is read here.`)
      headers[header] = value
    }
    return { ...identified, request: { ...identified.request, headers } }
  }

  return {
    name,
    catalogueVersion: parts.version,
    origins: spoken.origins,
    pathPrefixes: [],
    carriers: spoken.carriers,
    ...(spoken.handle === undefined ? {} : { handle: spoken.handle }),
    injections: spoken.injections,
    bindings: spoken.bindings,
    // An answer in parts (multipart, event stream) is not what the broker scrubs by.
    headers: { ...spoken.headers, accept: 'application/json' },
    bodyLimit: spoken.bodyLimit,
    *operations() {
      yield* known()
      for (const one of open().operations.values()) yield entry(one)
    },
    find(wanted) {
      const { operations, ambiguous } = open()
      if (ambiguous.has(wanted)) return 'ambiguous'
      const own = operations.get(wanted)
      if (own !== undefined) return entry(own)
      // `query:server` names what `server` names, and nothing where the mutation is meant.
      const [root, field] = wanted.split(':')
      const named = field === undefined ? undefined : operations.get(field)
      if (named !== undefined && named.root === root) return entry(named)
      return known().find((one) => one.name === wanted)
    },
    identify,
    bindingPlace: (kind, id) => place(kind, manifest.caseless === true ? id.toLowerCase() : id),
    locate: createGraphqlLocator(manifest, questions),
    delivered(invocations, { cacheKey }) {
      if (invocations.some(isWrite)) questions.forget(cacheKey)
    },
    reach: () =>
      Promise.resolve({
        kind: 'unknown',
        detail: `${name} does not say what a credential can reach`,
      }),
    minted({ operation, responseKey, secretPaths }) {
      const mints = open().operations.get(operation)?.mints
      if (mints === undefined || responseKey === undefined) return undefined
      if (secretPaths !== undefined) return { paths: secretPaths }
      return mints === 'whole' ? { paths: [['data', responseKey]] } : undefined
    },
  }
}

function refuse(detail: string): Extract<Identified, { ok: false }> {
  return { ok: false, refusal: { code: 'not_understood', detail } }
}

/** Whoever asked for what is refused to everyone is told what a review would have to say. */
function withReason(
  identified: Extract<Identified, { ok: false }>,
  { operations }: OpenGraphql,
): Identified {
  const { code, detail } = identified.refusal
  const [, operation = ''] = /^(\S+) is always refused: /.exec(detail) ?? []
  const reason = operations.get(operation)?.denied
  return reason === undefined
    ? identified
    : { ok: false, refusal: { code, detail: `${operation} is refused to everyone: ${reason}.` } }
}
