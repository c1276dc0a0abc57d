/**
 * GitHub's REST API and, at its own path, its GraphQL API: another language with other operations, for the same
 * credential and the same repositories.
 */
import { createHash } from 'node:crypto'
import { place } from '../../core/operation.ts'
import type { ProviderAdapter } from '../adapter.ts'
import { factMembers } from '../facts/members.ts'
import { isWrite } from '../kept-answers.ts'
import { identifyRest, type RestRules } from '../rest/identify.ts'
import { catalogueBeside, entryOf, openCatalogue, type OpenCatalogue } from '../rest/open.ts'
import { restFactSource } from '../rest/question.ts'
import { facts } from './facts.ts'
import { githubGraphql } from './graphql/graphql.ts'
import { locate, repositoriesOf } from './locate.ts'
import * as manifest from './manifest.ts'
import { mintedPaths } from './overrides.ts'
import { reach } from './reach.ts'
import { revealedPaths } from './revealed.ts'

const rules: RestRules = {
  bodyLimit: manifest.bodyLimit,
  accepts: (mediaType, operation) => manifest.acceptsMediaType(mediaType, operation.opaque),
  headers: manifest.meaningfulHeaders,
  resources: repositoriesOf,
}

const text = catalogueBeside(import.meta.url)

/**
 * The catalogue is read at its first use: a broker without GitHub credentials does not hold it in memory. `now` is a clock
 * in milliseconds that never goes back, `date` one that counts them since the epoch.
 */
export function githubAdapter(
  now: () => number = () => performance.now(),
  date: () => number = Date.now,
): ProviderAdapter {
  let loaded: OpenCatalogue | undefined
  let version: string | undefined
  const graphql = githubGraphql(now)
  const catalogue = () => (loaded ??= openCatalogue(text()))
  return {
    name: manifest.name,
    get catalogueVersion() {
      version ??= createHash('sha256')
        .update(`${catalogue().version} ${graphql.version()}`)
        .digest('hex')
      return version
    },
    origins: manifest.origins,
    pathPrefixes: manifest.pathPrefixes,
    samePath: manifest.samePath,
    carriers: manifest.carriers,
    injections: manifest.injections,
    bindings: [manifest.repositoryBinding],
    errorAnswer: manifest.errorAnswer,
    headers: manifest.headers,
    bodyLimit: manifest.bodyLimit,
    *operations() {
      yield* catalogue().entries()
      yield* graphql.entries().values()
    },
    find(name) {
      const operation = catalogue().find(name)
      return operation === undefined ? graphql.find(name) : entryOf(operation)
    },
    identify(request) {
      if (graphql.answers(request.path)) return graphql.identify(request)
      return identifyRest(catalogue(), rules, request)
    },
    bindingPlace: (kind, id) => place(kind, id.toLowerCase()),
    locate: (invocation, context) =>
      invocation.root === undefined
        ? locate(invocation, context)
        : graphql.locate(invocation, context),
    delivered(invocations, { cacheKey }) {
      if (invocations.some(isWrite)) graphql.forget(cacheKey)
    },
    ...factMembers(
      restFactSource(facts, catalogue, rules, (name) => revealedPaths(name) ?? []),
      { now, date },
    ),
    reach,
    minted(invocation) {
      const paths = mintedPaths[invocation.operation]
      return paths === undefined ? undefined : { paths }
    },
    revealed: (invocation) =>
      invocation.root === undefined ? revealedPaths(invocation.operation) : undefined,
  }
}
