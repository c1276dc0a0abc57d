/**
 * From a GraphQL schema and a review to the catalogue of an operator's own provider. Every root field is in it; one of
 * which it cannot be told what it does, or what its arguments name, is denied with the reason that a reviewer reads.
 */
import { createHash } from 'node:crypto'
import { getNamedType, isEnumType, isLeafType, type GraphQLField } from 'graphql'
import type { Condition } from '../../../core/condition.ts'
import { classify, soundsLikeAnAct, type Classified } from '../../compile/classify.ts'
import type { Explained } from '../../compile/compile.ts'
import { wordsOf, type Described } from '../../compile/described.ts'
import { DescriptionError } from '../../compile/openapi.ts'
import type { Review } from '../../compile/review.ts'
import type { EdgeClass, Root } from '../../graphql/catalogue.ts'
import { mostOperations } from '../description.ts'
import type { ImportedManifest } from '../manifest.ts'
import { ReviewError, type ImportedReview } from '../review.ts'
import { inputPaths, isOpaque, type InputPath } from './arguments.ts'
import type { CompiledGraphql, CompiledRoot } from './catalogue.ts'
import { classifyEdges, type ClassifiedEdges } from './edges.ts'
import { checkLookUps } from './look-up.ts'
import { readSchema } from './schema.ts'

export type CompiledSchema = {
  readonly catalogue: string
  readonly explained: readonly Explained[]
  readonly edges: Pick<ClassifiedEdges, 'unclassified' | 'secret'>
}

export type GraphqlWork = {
  readonly description: string
  readonly source: string
  readonly manifest: ImportedManifest | undefined
  readonly review: ImportedReview
  /** The review, as the rules of words read it. */
  readonly rules: Review
}

type Found = {
  readonly name: string
  readonly root: Root
  readonly field: GraphQLField<unknown, unknown>
}

/** Introspection is no field of a schema; a review names it as metadata all the same. */
const introspection = ['__schema', '__type']

/** Throws DescriptionError and ReviewError. */
export function compileGraphql(work: GraphqlWork): CompiledSchema {
  const { review, manifest } = work
  const { schema, text } = readSchema(work.description)
  const given = Object.assign(Object.create(null) as Record<string, EdgeClass>, review.edges)
  const edges = classifyEdges(schema, given, new Set(review.reveals_not))
  if (edges.lost.length > 0)
    throw new ReviewError(
      `reviewed, but no edge of the schema that could be: ${edges.lost.slice(0, 5).join(', ')}`,
    )
  if (manifest !== undefined) checkLookUps(schema, manifest)

  const found = rootsOf(schema)
  const kinds = new Set(Object.keys(manifest?.homes ?? {}))
  const seen = new Set<string>()
  const operations: CompiledRoot[] = []
  const explained: Explained[] = []
  for (const one of found) {
    const paths = inputPaths(one.field.args, kinds)
    for (const { path } of paths ?? []) seen.add(path)
    checkConditions(one, paths, review)
    const result = operationOf(one, paths, edges, work)
    operations.push(result.compiled)
    explained.push(result.explained)
  }
  checkReviewed(found, seen, review)
  const catalogue: CompiledGraphql = {
    source: work.source,
    introspection: introspection.every((name) => review.public?.includes(name) === true),
    operations,
    edges: Object.fromEntries([...edges.classes].map(([type, fields]) => [type, byClass(fields)])),
    schema: text,
  }
  return { catalogue: `${JSON.stringify(catalogue, null, 1)}\n`, explained, edges }
}

function rootsOf(schema: ReturnType<typeof readSchema>['schema']): readonly Found[] {
  const all = [
    ['query', schema.getQueryType()],
    ['mutation', schema.getMutationType()],
    ['subscription', schema.getSubscriptionType()],
  ] as const
  const counts = new Map<string, number>()
  const fields = all.flatMap(([root, type]) =>
    Object.values(type?.getFields() ?? {}).map((field) => ({ root, field })),
  )
  if (fields.length > mostOperations)
    throw new DescriptionError(
      `it has ${String(fields.length)} root fields; ${String(mostOperations)} are read`,
    )
  for (const { field } of fields) counts.set(field.name, (counts.get(field.name) ?? 0) + 1)
  return fields
    .map(({ root, field }) => ({
      root,
      field,
      name: counts.get(field.name) === 1 ? field.name : `${root}:${field.name}`,
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function byClass(fields: ReadonlyMap<string, EdgeClass>): Partial<Record<EdgeClass, string>> {
  const of = (kind: EdgeClass): string =>
    [...fields].flatMap(([name, one]) => (one === kind ? [name] : [])).join(' ')
  const lists = (['stays', 'widens', 'secret'] as const).map((kind) => [kind, of(kind)] as const)
  return Object.fromEntries(lists.filter(([, names]) => names !== ''))
}

function operationOf(
  { name, root, field }: Found,
  paths: readonly InputPath[] | undefined,
  edges: ClassifiedEdges,
  { review, rules }: GraphqlWork,
): { readonly compiled: CompiledRoot; readonly explained: Explained } {
  const described: Described = {
    name,
    method: root === 'mutation' ? 'POST' : 'GET',
    // The words of its name stand where a path's segments would.
    path: `/${wordsOf(field.name).join('/')}`,
    parameters: [],
    body: undefined,
    scopes: [],
    reveals: [],
  }
  const classified = classify(described, rules)
  const own = rules.credentialIsEnvironment === true
  const named = own ? { roles: [], unreviewed: undefined } : idsOf(name, paths, review)
  const isPublic = review.public?.includes(name) === true
  const isAccount = review.account?.includes(name) === true
  const unreviewed =
    classified.unsure ??
    doubtAbout(described, field, classified, review) ??
    (isPublic || isAccount ? undefined : named.unreviewed)
  const denied =
    root === 'subscription'
      ? 'subscriptions are not forwarded'
      : (rules.denied?.[name] ?? unreviewed)
  const located = own || named.roles.length > 0
  const scope = isPublic ? 'public' : isAccount || !located ? 'account' : 'environment'
  const conditions: readonly Condition[] = [
    ...(rules.conditions?.[name] ?? []),
    ...(own || scope !== 'environment' ? [] : widenings(paths ?? [])),
  ]
  const shared = {
    name,
    effects: classified.effects.join(' '),
    scope,
    ...(named.roles.length === 0 ? {} : { ids: named.roles.join(' ') }),
    ...(denied === undefined ? {} : { denied }),
  } as const
  const reached = edges.reach(getNamedType(field.type).name)
  const reach = createHash('sha256').update(reached.lines.join('\n')).digest('hex')
  const mints =
    root === 'mutation' && classified.effects.includes('secret')
      ? mintsOf(field, reached.secret)
      : undefined
  return {
    compiled: {
      ...shared,
      root,
      field: field.name,
      ...(conditions.length === 0 ? {} : { conditions }),
      ...(mints === undefined ? {} : { mints }),
      reach: reach.slice(0, 16),
    },
    explained: {
      operation: { ...shared, method: root, path: field.name },
      classified,
      unreviewed: denied === unreviewed ? unreviewed : undefined,
    },
  }
}

function mintsOf(field: Found['field'], secretBelow: boolean): CompiledRoot['mints'] {
  const answer = getNamedType(field.type)
  if (!isLeafType(answer)) return secretBelow ? 'fields' : 'whole'
  return isEnumType(answer) || ['Boolean', 'Int', 'Float'].includes(answer.name)
    ? undefined
    : 'whole'
}

/** Why it is not known what it does, although its words may say. */
function doubtAbout(
  described: Described,
  field: Found['field'],
  { effects }: Classified,
  review: ImportedReview,
): string | undefined {
  if (Object.hasOwn(review.effects ?? {}, described.name)) return undefined
  const act = soundsLikeAnAct(described)
  if (act !== undefined) return `it is a query, and says "${act}"`
  const answer = getNamedType(field.type)
  return isLeafType(answer) && isOpaque(answer) && !effects.includes('secret')
    ? `its answer is a ${answer.name}, of which the schema does not say what it holds`
    : undefined
}

function idsOf(
  name: string,
  paths: readonly InputPath[] | undefined,
  review: ImportedReview,
): { readonly roles: readonly string[]; readonly unreviewed: string | undefined } {
  if (paths === undefined)
    return { roles: [], unreviewed: 'its arguments are more than can be read' }
  const roles: string[] = []
  let unreviewed: string | undefined
  const isOpen = review.open?.includes(name) === true
  for (const { path, id, opaque, widens } of paths) {
    const rule = review.ids?.find(
      ({ at, operations }) =>
        at === path && (operations === undefined || operations.includes(name)),
    )
    if (rule?.kind !== undefined) roles.push(`${path}:${rule.kind}:${rule.role ?? 'target'}`)
    // Where it is given, the operation is refused: nobody has to say what it names.
    if (rule !== undefined || widens !== undefined) continue
    if (id) unreviewed ??= `it names an id whose role was not reviewed: ${path}`
    else if (opaque && !isOpen)
      unreviewed ??= `the schema does not say what ${path} may hold, an id of something elsewhere among it`
  }
  return { roles, unreviewed }
}

function widenings(paths: readonly InputPath[]): readonly Condition[] {
  return paths.flatMap(({ path, widens }) => (widens === undefined ? [] : [{ path, widens }]))
}

/** A condition that looks at nothing would hold never, and look as if it did. */
function checkConditions(
  { name }: Found,
  paths: readonly InputPath[] | undefined,
  review: ImportedReview,
): void {
  const conditions = Object.hasOwn(review.conditions ?? {}, name) ? review.conditions?.[name] : []
  for (const { path } of conditions ?? []) {
    if (path === undefined || paths === undefined) continue
    const bare = path
      .split('.')
      .filter((key) => key !== '*')
      .join('.')
    const known = paths.some(
      (one) =>
        one.path === bare ||
        ((one.opaque || one.widens !== undefined) && bare.startsWith(`${one.path}.`)),
    )
    if (!known) throw new ReviewError(`a condition of ${name} looks at no argument of it: ${path}`)
  }
}

function checkReviewed(
  found: readonly Found[],
  seen: ReadonlySet<string>,
  review: ImportedReview,
): void {
  const names = new Set([...found.map(({ name }) => name), ...introspection])
  const { effects = {}, denied = {}, conditions = {}, ids = [] } = review
  const lost = [
    ...[effects, denied, conditions].flatMap((one) => Object.keys(one)),
    ...[review.public, review.account, review.open].flatMap((one) => one ?? []),
    ...ids.flatMap((rule) => rule.operations ?? []),
  ].filter((name) => !names.has(name))
  lost.push(...ids.flatMap(({ at }) => (seen.has(at) ? [] : [`the argument ${at}`])))
  if (lost.length > 0)
    throw new ReviewError(
      `reviewed, but not in the schema: ${[...new Set(lost)].slice(0, 5).join(', ')}`,
    )
}
