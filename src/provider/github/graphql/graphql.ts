/**
 * GitHub's GraphQL API, for the adapter to join to the REST API: the same provider, credential and environments. Clients
 * send it to `/graphql`, or, where they take the host for GitHub Enterprise Server, to `/api/graphql`; it goes out to
 * `/graphql`. The two have no operation's name in common: every one of REST's has a `/`.
 */
import type { Located, Invocation } from '../../../core/operation.ts'
import type { CatalogueEntry, Identified, LocateContext, ProviderRequest } from '../../adapter.ts'
import { graphqlIdentify } from '../../graphql/identify.ts'
import { createGenerations } from '../../kept-answers.ts'
import { loadGithubOperations, loadGithubSchema, type GithubOperations } from './catalogue.ts'
import { githubGraphqlLocate } from './locate.ts'

export type GithubGraphql = {
  readonly version: () => string
  readonly entries: () => ReadonlyMap<string, CatalogueEntry>
  /** `query:x` and `mutation:x` name what `x` names, and nothing where it stands under the other root. */
  readonly find: (name: string) => CatalogueEntry | undefined
  readonly answers: (path: string) => boolean
  readonly identify: (request: ProviderRequest) => Identified
  readonly locate: (invocation: Invocation, context: LocateContext) => Located | Promise<Located>
  /** After a write, whichever of the two languages it was in: what this credential was told may no longer be so. */
  readonly forget: (cacheKey: string) => void
}

const paths: ReadonlySet<string> = new Set(['/graphql', '/api/graphql', '/api/v3/graphql'])

/** `now` is a clock in milliseconds that never goes back. */
export function githubGraphql(now: () => number): GithubGraphql {
  let loaded: GithubOperations | undefined
  let identify: ReturnType<typeof graphqlIdentify> | undefined
  const operations = (): GithubOperations => (loaded ??= loadGithubOperations())
  const generations = createGenerations()
  return {
    version: () => operations().version,
    entries: () => operations().entries,
    find(name) {
      const colon = name.indexOf(':')
      if (colon === -1) return operations().entries.get(name)
      const found = operations().entries.get(name.slice(colon + 1))
      return found?.root !== undefined && found.root === name.slice(0, colon) ? found : undefined
    },
    answers: (path) => paths.has(path),
    identify(request) {
      identify ??= graphqlIdentify(loadGithubSchema(operations()))
      return identify({ ...request, path: '/graphql' })
    },
    locate: githubGraphqlLocate(now, generations),
    forget: (cacheKey) => generations.pass(cacheKey),
  }
}
