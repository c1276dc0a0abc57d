/**
 * The reviewed catalogue of GitHub's GraphQL API. The list of operations is small and read with the REST catalogue's;
 * the schema is read at the first GraphQL request, because most of what it costs is memory.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Condition } from '../../../core/condition.ts'
import type { Effect, JsonValue, OperationScope, ResourceRef } from '../../../core/operation.ts'
import type { CatalogueEntry } from '../../adapter.ts'
import { valuesAt } from '../../graphql/argument.ts'
import type { GraphqlCatalogue, PayloadReading, RootField } from '../../graphql/catalogue.ts'
import { leanSchema } from '../../graphql/lean-schema.ts'
import { bodyLimit, repositoryBinding } from '../manifest.ts'
import { githubEdges } from './edges.ts'
import { exceptions, inside, profiles, published } from './reviewed-edges.ts'

/** One root field as `operations.json` has it. */
export type CompiledRoot = {
  readonly root: 'query' | 'mutation'
  readonly field: string
  /** Words of `Effect`. */
  readonly effects: string
  readonly scope: OperationScope
  /** `path:role`, separated by spaces. Every input of type ID of an operation whose scope is an environment. */
  readonly ids?: string
  /** Arguments that are no ids and name a place: `name` is `owner/name`, `url` an address on GitHub. */
  readonly places?: Readonly<Record<string, 'name' | 'url'>>
  readonly conditions?: readonly Condition[]
  /** Refused to everyone, and why. */
  readonly denied?: string
}

/** `schema` is the SHA-256 of `schema.graphql`, in hex. */
export type CompiledGraphql = {
  readonly schema: string
  readonly operations: readonly CompiledRoot[]
}

export type GithubOperations = {
  readonly version: string
  /** By name. */
  readonly fields: ReadonlyMap<string, RootField>
  readonly entries: ReadonlyMap<string, CatalogueEntry>
}

const repositoryName = new RegExp(repositoryBinding.pattern)

/** `id` in lower case, since GitHub compares names without regard to case; only ASCII, whose lower case is one thing. */
function named(id: JsonValue, path: string): PayloadReading {
  if (typeof id !== 'string' || !repositoryName.test(id))
    return { ok: false, detail: `The argument ${path} does not name a repository.` }
  const ref: ResourceRef = {
    kind: repositoryBinding.kind,
    id: id.toLowerCase(),
    role: 'target',
    path,
  }
  return { ok: true, added: [], ids: [ref] }
}

function readPair(args: JsonValue | undefined): PayloadReading {
  const [owner] = valuesAt(args, ['owner'])
  const [name] = valuesAt(args, ['name'])
  // One slash only: the pattern has no room for another.
  const id = typeof owner === 'string' && typeof name === 'string' ? `${owner}/${name}` : null
  return named(id, 'owner,name')
}

function readPlaces(places: Readonly<Record<string, 'name' | 'url'>>) {
  return (args: JsonValue | undefined): PayloadReading => {
    const ids: ResourceRef[] = []
    for (const [path, form] of Object.entries(places)) {
      for (const value of valuesAt(args, path.split('.'))) {
        if (value === null) continue
        if (form === 'url') {
          if (typeof value !== 'string')
            return { ok: false, detail: `The argument ${path} is not an address.` }
          ids.push({ kind: 'url', id: value, role: 'target', path })
          continue
        }
        const reading = named(value, path)
        if (!reading.ok) return reading
        ids.push(...reading.ids)
      }
    }
    return { ok: true, added: [], ids }
  }
}

function load({
  root,
  field,
  effects,
  scope,
  ids,
  places,
  conditions,
  denied,
}: CompiledRoot): RootField {
  const read =
    root === 'query' && field === 'repository'
      ? readPair
      : places === undefined
        ? undefined
        : readPlaces(places)
  return {
    root,
    field,
    operation: field,
    effects: effects.split(' ') as Effect[],
    scope,
    denied: denied !== undefined,
    ids: (ids ?? '').split(' ').flatMap((text) => {
      const [path = '', role] = text.split(':')
      if (path === '') return []
      return [{ path: path.split('.'), kind: 'node', role: role === 'none' ? 'none' : 'target' }]
    }),
    adds: [],
    ...(conditions === undefined ? {} : { conditions }),
    // The whole of the arguments.
    ...(read === undefined ? {} : { payload: { path: [], read } }),
  }
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex')
}

/** What is not an effect and decides all the same: a mutation's ids and conditions, and what selections reach. */
function catalogued(compiled: CompiledRoot, reach: string): CatalogueEntry {
  const { root, field, effects, scope, ids, places, conditions, denied } = compiled
  const fingerprint = digest([scope, ids, places, conditions, reach]).slice(0, 16)
  return {
    name: field,
    root,
    effects: effects.split(' ') as Effect[],
    scope,
    fingerprint,
    ...(denied === undefined ? {} : { denied: true }),
  }
}

/** What every GraphQL endpoint answers without touching anything: `__schema` is GitHub's published schema. */
const metadata: readonly CatalogueEntry[] = ['__typename', '__schema', '__type'].map((name) => ({
  name,
  effects: ['read'],
  scope: 'public',
}))

export function loadGithubOperations(): GithubOperations {
  const text = readFileSync(new URL('operations.json', import.meta.url), 'utf8')
  const compiled = JSON.parse(text) as CompiledGraphql
  const fields = compiled.operations.map(load)
  const reach = digest([inside, published, profiles, exceptions])
  const entries = compiled.operations.map((one) => catalogued(one, reach))
  return {
    // `operations.json` holds the digest of the schema beside it.
    version: digest([text, reach]),
    fields: new Map(fields.map((field) => [field.operation, field])),
    entries: new Map([...metadata, ...entries].map((entry) => [entry.name, entry])),
  }
}

export function loadGithubSchema(operations: GithubOperations): GraphqlCatalogue {
  const schema = leanSchema(readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'))
  return {
    provider: 'github',
    schema,
    roots: new Map(
      [...operations.fields.values()].map((field) => [`${field.root}.${field.field}`, field]),
    ),
    edges: githubEdges(schema),
    path: '/graphql',
    bodyLimit,
  }
}
