/**
 * What selecting each field of a schema does, by review and by a few rules that say nothing in a field's favour: one
 * that leads to an object is unclassified, and so refused, until somebody has said where it leads; one that is named like
 * a credential, or whose scalar the schema does not describe, is secret. A type of roots is never reached from below.
 */
import {
  getNamedType,
  isAbstractType,
  isEnumType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  type GraphQLField,
  type GraphQLInterfaceType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql'
import { wordsOf } from '../../compile/described.ts'
import type { EdgeClass } from '../../graphql/catalogue.ts'
import { choosesObject, isOpaque } from './arguments.ts'

export type ReviewedEdges = Readonly<Record<string, EdgeClass>>

export type ClassifiedEdges = {
  /** By type and field; what is missing is unclassified. */
  readonly classes: ReadonlyMap<string, ReadonlyMap<string, EdgeClass>>
  readonly unclassified: readonly string[]
  /** Secret by a rule, and not by a review. */
  readonly secret: readonly string[]
  /** Reviewed, and not in the schema, or not to be reviewed so. */
  readonly lost: readonly string[]
  readonly reach: (type: string) => Reach
}

/** `lines` say by which edges selections below a type can go further; `secret`: whether one of them reveals a credential. */
export type Reach = { readonly lines: readonly string[]; readonly secret: boolean }

type Composite = GraphQLObjectType | GraphQLInterfaceType
type Field = GraphQLField<unknown, unknown>

const secretAnywhere = /^(?:passwords?|passwd|passphrases?|secrets?|credentials?|kubeconfig|dsn)$/
const secretAtEnd =
  /(?:^| )(?:(?:tokens?|jwts?|otps?|totp)(?: (?:value|hash|string|raw|text))?|(?:private|api|access|secret|signing|encryption|shared|ssh|webhook|license|service|root|master) keys?|api keys?|apikeys?|connection (?:strings?|uris?|urls?)|(?:database|redis|postgres|mongo) (?:urls?|uris?)|recovery codes?|backup codes?)$/

export function isSecretName(name: string): boolean {
  const words = wordsOf(name)
  return words.some((word) => secretAnywhere.test(word)) || secretAtEnd.test(words.join(' '))
}

export function classifyEdges(
  schema: GraphQLSchema,
  reviewed: ReviewedEdges,
  revealsNot: ReadonlySet<string>,
): ClassifiedEdges {
  const roots = new Set(
    [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].map(
      (type) => type?.name,
    ),
  )
  const composites = Object.values(schema.getTypeMap()).filter(
    (type): type is Composite =>
      (isObjectType(type) || isInterfaceType(type)) &&
      !roots.has(type.name) &&
      !type.name.startsWith('__'),
  )
  const lost = lostOf(schema, reviewed, roots)
  const secret: string[] = []
  const unclassified: string[] = []

  function own(type: Composite, field: Field): EdgeClass | undefined {
    const exact = reviewed[`${type.name}.${field.name}`]
    if (exact !== undefined) return exact
    const whole = reviewed[`${type.name}.*`]
    if (whole === 'widens' || whole === 'secret') return whole
    const target = getNamedType(field.type)
    if (isLeafType(target)) {
      if (isSecretLeaf(field, revealsNot)) return 'secret'
      return field.args.some((one) => choosesObject(one.type, one.name)) ? undefined : 'stays'
    }
    if (roots.has(target.name)) return undefined
    if (field.args.some((one) => choosesObject(one.type, one.name))) return undefined
    return whole ?? (isPlumbing(type, field.name) ? 'stays' : undefined)
  }

  function classOf(type: Composite, field: Field): EdgeClass | undefined {
    const mine = own(type, field)
    if (!isInterfaceType(type)) return mine
    // As safe as in the least safe of the types behind it.
    const behind = schema
      .getPossibleTypes(type)
      .map((one) => [one, one.getFields()[field.name]] as const)
      .map(([one, there]) => (there === undefined ? undefined : own(one, there)))
    const all = [...behind, mine]
    if (all.includes('widens')) return 'widens'
    if (all.includes('secret')) return 'secret'
    if (mine !== undefined) return mine
    return behind.length > 0 && behind.every((one) => one === 'stays') ? 'stays' : undefined
  }

  const classes = new Map<string, Map<string, EdgeClass>>()
  for (const type of composites) {
    const fields = new Map<string, EdgeClass>()
    for (const field of Object.values(type.getFields())) {
      const edge = `${type.name}.${field.name}`
      const kind = classOf(type, field)
      if (kind === undefined) unclassified.push(edge)
      else fields.set(field.name, kind)
      if (kind === 'secret' && reviewed[edge] === undefined) secret.push(edge)
    }
    classes.set(type.name, fields)
  }
  return { classes, unclassified, secret, lost, reach: reachIn(schema, classes, revealsNot) }
}

function isSecretLeaf(field: Field, revealsNot: ReadonlySet<string>): boolean {
  const type = getNamedType(field.type)
  if (isEnumType(type) || ['Int', 'Float', 'Boolean'].includes(type.name)) return false
  if (isOpaque(type)) return true
  return isSecretName(field.name) && !revealsNot.has(field.name)
}

/** The form in which lists are paged: a connection's edges and nodes, an edge's node. */
function isPlumbing(type: Composite, field: string): boolean {
  if (!isObjectType(type)) return false
  const names = Object.keys(type.getFields())
  if (names.includes('pageInfo') && (names.includes('edges') || names.includes('nodes')))
    return field === 'edges' || field === 'nodes' || field === 'pageInfo'
  return field === 'node' && names.every((name) => name === 'node' || name === 'cursor')
}

function lostOf(
  schema: GraphQLSchema,
  reviewed: ReviewedEdges,
  roots: ReadonlySet<string | undefined>,
): readonly string[] {
  return Object.keys(reviewed).filter((edge) => {
    const [typeName = '', field = ''] = edge.split('.')
    const type = schema.getType(typeName)
    if (roots.has(typeName) || !(isObjectType(type) || isInterfaceType(type))) return true
    if (field === '*') return false
    const found = type.getFields()[field]
    if (found === undefined) return true
    // From below, a root would run without being called an operation.
    return reviewed[edge] === 'stays' && roots.has(getNamedType(found.type).name)
  })
}

/**
 * Everything by which selections below a type can go further, one line each: where edges that stay lead, and which fields
 * are shown although a rule would have them secret. Where one of them changes, so does what an operation reaches.
 */
function reachIn(
  schema: GraphQLSchema,
  classes: ClassifiedEdges['classes'],
  revealsNot: ReadonlySet<string>,
): (type: string) => Reach {
  const known = new Map<string, Reach>()
  return (from) => {
    const before = known.get(from)
    if (before !== undefined) return before
    const lines: string[] = [from]
    const seen = new Set<string>([from])
    const open = [from]
    let secret = false
    const meet = (name: string): void => {
      if (seen.has(name)) return
      seen.add(name)
      open.push(name)
    }
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      const type = schema.getType(name)
      if (isAbstractType(type))
        for (const one of schema.getPossibleTypes(type)) {
          lines.push(`${name}=${one.name}`)
          meet(one.name)
        }
      if (!isObjectType(type) && !isInterfaceType(type)) continue
      for (const one of type.getInterfaces()) meet(one.name)
      for (const field of Object.values(type.getFields())) {
        const kind = classes.get(name)?.get(field.name)
        secret ||= kind === 'secret'
        if (kind !== 'stays') continue
        const target = getNamedType(field.type)
        if (isLeafType(target)) {
          if (isSecretLeaf(field, new Set()) || revealsNot.has(field.name))
            lines.push(`${name}.${field.name} shown`)
          continue
        }
        lines.push(`${name}.${field.name}>${target.name}`)
        meet(target.name)
      }
    }
    lines.sort()
    const reach = { lines, secret }
    known.set(from, reach)
    return reach
  }
}
