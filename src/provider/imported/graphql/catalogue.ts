/**
 * The catalogue of an operator's own GraphQL provider: data, compiled from its schema and the operator's review, whose
 * digest is part of the version. What lists operations is read at once; the schema is built at the first request.
 */
import { createHash } from 'node:crypto'
import type { Condition } from '../../../core/condition.ts'
import type {
  Effect,
  JsonObject,
  JsonValue,
  OperationScope,
  ResourceRef,
  ResourceRole,
} from '../../../core/operation.ts'
import type { CatalogueEntry } from '../../adapter.ts'
import { valuesAt } from '../../graphql/argument.ts'
import type {
  EdgeClass,
  GraphqlCatalogue,
  PayloadReading,
  Root,
  RootField,
} from '../../graphql/catalogue.ts'
import { loadSchema } from './schema.ts'

/** One root field. Absent members mean none. */
export type CompiledRoot = {
  /** As a verb spells it. */
  readonly name: string
  readonly root: Root
  readonly field: string
  /** Separated by spaces, the base effect first. */
  readonly effects: string
  readonly scope: OperationScope
  /** `path:kind:role`, separated by spaces. */
  readonly ids?: string
  readonly conditions?: readonly Condition[]
  /** Why it is refused to everyone. */
  readonly denied?: string
  /** It makes a credential, which stands in the fields that are secret, or, where none is known to be, anywhere. */
  readonly mints?: 'fields' | 'whole'
  /** A digest of where selections below it lead. */
  readonly reach: string
}

export type CompiledGraphql = {
  readonly source: string
  /** Names that stand under no root but as metadata: whether the schema may be asked for itself. */
  readonly introspection: boolean
  readonly operations: readonly CompiledRoot[]
  /** By type, the fields of each class, separated by spaces. */
  readonly edges: Readonly<Record<string, Readonly<Partial<Record<EdgeClass, string>>>>>
  /** SDL, one definition a line. */
  readonly schema: string
}

export type Argument = {
  readonly path: readonly string[]
  readonly kind: string
  readonly role: ResourceRole
}

export type OpenGraphql = {
  readonly introspection: boolean
  readonly operations: ReadonlyMap<string, CompiledRoot>
  /** Names that stand under more than one root. */
  readonly ambiguous: ReadonlySet<string>
  /** Builds the schema. */
  readonly catalogue: (provider: string, path: string, bodyLimit: number) => GraphqlCatalogue
}

export function openGraphql(text: string): OpenGraphql {
  const compiled = JSON.parse(text) as CompiledGraphql
  const fields = new Set<string>()
  const ambiguous = new Set<string>()
  for (const { field } of compiled.operations) {
    if (fields.has(field)) ambiguous.add(field)
    fields.add(field)
  }
  return {
    introspection: compiled.introspection,
    operations: new Map(compiled.operations.map((one) => [one.name, one])),
    ambiguous,
    catalogue: (provider, path, bodyLimit) => ({
      provider,
      schema: loadSchema(compiled.schema),
      roots: new Map(compiled.operations.map((one) => [`${one.root}.${one.field}`, rootOf(one)])),
      edges: edgesOf(compiled),
      path,
      bodyLimit,
    }),
  }
}

function edgesOf({ edges }: CompiledGraphql): GraphqlCatalogue['edges'] {
  const known = new Map<string, EdgeClass>()
  for (const [type, classes] of Object.entries(edges))
    for (const kind of ['stays', 'widens', 'secret'] as const)
      for (const field of words(classes[kind])) known.set(`${type}.${field}`, kind)
  return known
}

function rootOf(compiled: CompiledRoot): RootField {
  const { root, field, name, effects, scope, conditions, denied } = compiled
  const ids = argumentsOf(compiled)
  return {
    root,
    field,
    operation: name,
    effects: effects.split(' ') as Effect[],
    scope,
    denied: denied !== undefined,
    ids: [],
    adds: [],
    ...(conditions === undefined ? {} : { conditions }),
    // The whole of the arguments: ids of a schema of somebody's own are texts, numbers or scalars of theirs.
    ...(ids.length === 0 ? {} : { payload: { path: [], read: (args) => readIds(args, ids) } }),
  }
}

export function argumentsOf({ ids }: CompiledRoot): readonly Argument[] {
  return words(ids).map((text) => {
    const [path = '', kind = '', role = 'target'] = text.split(':')
    return { path: path.split('.'), kind, role: role as ResourceRole }
  })
}

function readIds(args: JsonValue | undefined, ids: readonly Argument[]): PayloadReading {
  const found: ResourceRef[] = []
  for (const { path, kind, role } of ids)
    for (const value of valuesAt(args, path)) {
      if (value === null) continue
      const id = spelled(value)
      if (id === undefined)
        return { ok: false, detail: `The argument ${path.join('.')} is not an id.` }
      found.push({ kind, id, role, path: path.join('.') })
    }
  return { ok: true, added: [], ids: found }
}

/** Undefined where it is neither a text nor a number that has one spelling. */
function spelled(value: JsonValue | JsonObject): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : undefined
}

/** `print`: what else decides about it, outside of the catalogue. */
export function entryOf(
  compiled: CompiledRoot,
  print: (kinds: readonly string[]) => unknown,
): CatalogueEntry {
  const { name, root, effects, scope, denied } = compiled
  return {
    name,
    root,
    effects: effects.split(' ') as Effect[],
    scope,
    get fingerprint() {
      const { field, ids, conditions, reach } = compiled
      const kinds = argumentsOf(compiled).map(({ kind }) => kind)
      return createHash('sha256')
        .update(JSON.stringify([root, field, scope, ids, conditions, reach, print(kinds)]))
        .digest('hex')
        .slice(0, 16)
    },
    ...(denied === undefined ? {} : { denied: true }),
  }
}

function words(text: string | undefined): readonly string[] {
  return text === undefined || text === '' ? [] : text.split(' ')
}
