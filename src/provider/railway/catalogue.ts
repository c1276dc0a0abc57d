/** The reviewed catalogue, put together on first use: parsing the schema takes tens of milliseconds. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { GraphqlCatalogue, RootField } from '../graphql/catalogue.ts'
import { leanSchema } from '../graphql/lean-schema.ts'
import { classifyEdges, exceptions, typeScopes } from './edges.ts'
import { mutations } from './mutations.ts'
import { readChangeSet, readEnvironmentConfig } from './payload.ts'
import { queries, subscriptions } from './queries.ts'
import { readTable, tableNames } from './table.ts'

export type RailwayCatalogue = GraphqlCatalogue & {
  /** By operation, as a verb spells it. */
  readonly operations: ReadonlyMap<string, RootField>
  /** Names that stand under more than one root. */
  readonly ambiguous: ReadonlySet<string>
  readonly version: string
}

let loaded: RailwayCatalogue | undefined

export function railwayCatalogue(): RailwayCatalogue {
  loaded ??= load()
  return loaded
}

function load(): RailwayCatalogue {
  const text = readFileSync(new URL('./schema.graphql', import.meta.url), 'utf8')
  const schema = leanSchema(text)

  const seen = new Set<string>()
  const ambiguous = new Set<string>()
  for (const name of [mutations, queries, subscriptions].flatMap(tableNames)) {
    if (seen.has(name)) ambiguous.add(name)
    seen.add(name)
  }
  const readers = { config: readEnvironmentConfig, changeSet: readChangeSet }
  const fields = [
    ...readTable('query', queries, ambiguous, readers),
    ...readTable('mutation', mutations, ambiguous, readers),
    ...readTable('subscription', subscriptions, ambiguous, readers),
  ]
  const version = createHash('sha256')
    .update(JSON.stringify([text, mutations, queries, subscriptions, typeScopes, exceptions]))
    .digest('hex')
    .slice(0, 16)
  return {
    provider: 'railway',
    schema,
    roots: new Map(fields.map((field) => [`${field.root}.${field.field}`, field])),
    edges: classifyEdges(schema),
    path: '/graphql/v2',
    bodyLimit: 2 * 1024 * 1024,
    operations: new Map(fields.map((field) => [field.operation, field])),
    ambiguous,
    version,
  }
}
