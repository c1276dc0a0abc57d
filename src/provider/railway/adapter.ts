/**
 * Railway: one GraphQL endpoint for reads and deletes alike. An environment of ours is bound to Railway environments by
 * their ids. `/graphql/internal` is not offered: its schema is not the published one that the catalogue was read from.
 */
import { place, type Invocation } from '../../core/operation.ts'
import type { CarrierStyle, CatalogueEntry, MintedSecret, ProviderAdapter } from '../adapter.ts'
import type { RootField } from '../graphql/catalogue.ts'
import { graphqlIdentify } from '../graphql/identify.ts'
import { createGenerations, isWrite } from '../kept-answers.ts'
import { railwayCatalogue } from './catalogue.ts'
import { railwayFacts } from './facts.ts'
import { asks } from './inventory.ts'
import { railwayLocate } from './locate.ts'
import { preconditions, railwayCheck } from './precondition.ts'
import { railwayReach } from './reach.ts'

const styles: readonly CarrierStyle[] = [
  { name: 'bearer', header: 'authorization', prefix: 'Bearer ' },
  { name: 'project-token', header: 'project-access-token', prefix: '' },
]

/** What every GraphQL endpoint answers without touching anything. */
const metadata: readonly CatalogueEntry[] = ['__typename', '__schema', '__type'].map((name) => ({
  name,
  effects: ['read'],
  scope: 'public',
}))

/** Operations whose answer is, or holds, a credential that did not exist before. */
const minting: ReadonlySet<string> = new Set([
  'apiTokenCreate',
  'bucketCredentialsReset',
  'generateShellToken',
  'loginSessionConsume',
  'loginSessionCreate',
  'pluginResetCredentials',
  'projectTokenCreate',
  'recoveryCodeGenerate',
  'twoFactorInfoCreate',
  'twoFactorInfoSecret',
  'workspaceInviteCodeCreate',
])

function entry(field: RootField): CatalogueEntry {
  return {
    name: field.operation,
    root: field.root,
    effects: field.effects,
    scope: field.scope,
    ...(field.denied ? { denied: true } : {}),
  }
}

function find(name: string): CatalogueEntry | 'ambiguous' | undefined {
  const catalogue = railwayCatalogue()
  if (catalogue.ambiguous.has(name)) return 'ambiguous'
  const colon = name.indexOf(':')
  // `query:environment` names what `environment` names, and nothing where the mutation is meant.
  const field =
    colon === -1
      ? catalogue.operations.get(name)
      : catalogue.roots.get(`${name.slice(0, colon)}.${name.slice(colon + 1)}`)
  return field === undefined ? metadata.find((known) => known.name === name) : entry(field)
}

/** Scalars stand at the response key itself, fields of an object where the selections put them. */
function minted(invocation: Invocation): MintedSecret | undefined {
  if (!minting.has(invocation.operation) || invocation.responseKey === undefined) return undefined
  return { paths: invocation.secretPaths ?? [['data', invocation.responseKey]] }
}

/** `now` is a clock in milliseconds that never goes back, `date` one that counts them since the epoch. */
export function railwayAdapter(
  now: () => number = () => performance.now(),
  date: () => number = Date.now,
): ProviderAdapter {
  let identify: ProviderAdapter['identify'] | undefined
  const generations = createGenerations()
  return {
    name: 'railway',
    get catalogueVersion() {
      return railwayCatalogue().version
    },
    origins: ['https://backboard.railway.com', 'https://backboard.railway.app'],
    pathPrefixes: [],
    carriers: styles,
    injections: styles,
    bindings: [
      {
        kind: 'environment',
        pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
        example: '5e1a9c7b-2d4f-4e6a-8b0c-1d3e5f7a9b0c',
      },
    ],
    // An answer in parts (multipart, event stream) is not what the broker scrubs by.
    headers: { accept: 'application/json' },
    bodyLimit: 2 * 1024 * 1024,
    *operations() {
      yield* metadata
      for (const field of railwayCatalogue().operations.values()) yield entry(field)
    },
    find,
    identify(request) {
      identify ??= graphqlIdentify(railwayCatalogue())
      return identify(request)
    },
    bindingPlace: (kind, id) => place(kind, id.toLowerCase()),
    locate: railwayLocate(now, generations),
    delivered(invocations, { cacheKey }) {
      if (invocations.some(isWrite)) generations.pass(cacheKey)
    },
    asks,
    facts: railwayFacts({ now, date }),
    preconditions,
    check: railwayCheck({ now, date }),
    reach: railwayReach,
    minted,
  }
}
