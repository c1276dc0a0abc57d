/**
 * GitHub's REST API. Its GraphQL API is another language with other operations: it is refused here rather than let
 * through as one `POST`.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { place } from '../../core/operation.ts'
import type { CatalogueEntry, ProviderAdapter } from '../adapter.ts'
import { loadOperation, type CompiledCatalogue, type RestOperation } from '../rest/catalogue.ts'
import { identifyRest, type RestRules } from '../rest/identify.ts'
import { refuse } from '../rest/refusal.ts'
import { buildTrie, type Trie } from '../rest/trie.ts'
import { locate, repositoriesOf } from './locate.ts'
import * as manifest from './manifest.ts'
import { mintedPaths } from './overrides.ts'
import { reach } from './reach.ts'

type Catalogue = {
  readonly version: string
  readonly trie: Trie<RestOperation>
  readonly entries: ReadonlyMap<string, CatalogueEntry>
}

const rules: RestRules = {
  bodyLimit: manifest.bodyLimit,
  accepts: (mediaType, operation) => manifest.acceptsMediaType(mediaType, operation.opaque),
  headers: manifest.meaningfulHeaders,
  resources: repositoriesOf,
}

const graphqlPaths = new Set(['/graphql', '/api/graphql'])

function loadCatalogue(): Catalogue {
  const text = readFileSync(new URL('catalogue.json', import.meta.url), 'utf8')
  const operations = (JSON.parse(text) as CompiledCatalogue).operations.map(loadOperation)
  const routes = operations.flatMap((value) =>
    value.templates.map((template) => ({ method: value.method, template, value })),
  )
  const entries = operations.map(({ name, effects, scope, denied }): [string, CatalogueEntry] => [
    name,
    { name, effects, scope, ...(denied === undefined ? {} : { denied: true }) },
  ])
  return {
    version: createHash('sha256').update(text).digest('hex'),
    trie: buildTrie(routes),
    entries: new Map(entries),
  }
}

/** The catalogue is read at its first use: a broker without GitHub credentials does not hold it in memory. */
export function githubAdapter(): ProviderAdapter {
  let loaded: Catalogue | undefined
  const catalogue = () => (loaded ??= loadCatalogue())
  return {
    name: manifest.name,
    get catalogueVersion() {
      return catalogue().version
    },
    origins: manifest.origins,
    pathPrefixes: manifest.pathPrefixes,
    carriers: manifest.carriers,
    injections: manifest.injections,
    bindings: [manifest.repositoryBinding],
    headers: manifest.headers,
    bodyLimit: manifest.bodyLimit,
    operations: () => catalogue().entries.values(),
    find: (name) => catalogue().entries.get(name),
    identify(request) {
      if (graphqlPaths.has(request.path)) {
        return refuse(
          'operation_unknown',
          "GitHub's GraphQL API is not supported yet; use its REST API.",
        )
      }
      return identifyRest(catalogue().trie, rules, request)
    },
    bindingPlace: (kind, id) => place(kind, id.toLowerCase()),
    locate,
    reach,
    minted(invocation) {
      const paths = mintedPaths[invocation.operation]
      return paths === undefined ? undefined : { paths }
    },
  }
}
