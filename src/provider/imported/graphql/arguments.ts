/**
 * Which arguments of a root field may name something. Whatever could be an id has to be reviewed; whatever says "all but
 * this one", or "this or anything else", reaches more than it names; and what is nested further than is read here is
 * treated as if it did. Against a filter that names what is bound, and reaches everything beside it.
 */
import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isSpecifiedScalarType,
  type GraphQLInputField,
  type GraphQLArgument,
  type GraphQLInputType,
  type GraphQLNamedInputType,
} from 'graphql'
import { wordsOf } from '../../compile/described.ts'

/** One argument, or one field below one. Lists are not indexed. */
export type InputPath = {
  readonly path: string
  /** It may be an id. */
  readonly id: boolean
  /** A scalar of the schema's own, of which it does not say what it holds. */
  readonly opaque: boolean
  /** Why the operation reaches more than it names where this is given. */
  readonly widens?: string
}

const depths = [6, 4, 3, 2]
const mostPaths = 3_000

/** `kinds` are the kinds of ids that the manifest knows. Undefined where there are too many to be read. */
export function inputPaths(
  args: readonly GraphQLArgument[],
  kinds: ReadonlySet<string>,
): readonly InputPath[] | undefined {
  for (const depth of depths) {
    const found = walkInputs(args, kinds, depth)
    if (found !== undefined) return found
  }
  return undefined
}

function walkInputs(
  args: readonly GraphQLArgument[],
  kinds: ReadonlySet<string>,
  deepest: number,
): readonly InputPath[] | undefined {
  const found: InputPath[] = []
  const walk = (
    inputs: readonly (GraphQLArgument | GraphQLInputField)[],
    above: readonly string[],
    types: readonly string[],
  ): void => {
    for (const { name, type } of inputs) {
      if (found.length > mostPaths) return
      const names = [...above, name]
      const path = names.join('.')
      const named: GraphQLNamedInputType = getNamedType(type)
      if (!isInputObjectType(named)) {
        found.push(leaf(names, path, named, kinds))
        continue
      }
      const again = types.includes(named.name)
      if (again || names.length >= deepest) {
        const widens = `${path} is nested further than is understood.`
        found.push({ path, id: false, opaque: false, widens })
        continue
      }
      found.push({
        path,
        id: false,
        opaque: false,
        ...(alternative.test(name) ? { widens: `${path} reaches what is not named.` } : {}),
      })
      walk(Object.values(named.getFields()), names, [...types, named.name])
    }
  }
  walk(args, [], [])
  return found.length > mostPaths ? undefined : found
}

const alternative = /^_?(?:or|nor|not|any|some|none|every|except|exclude)$/i
const negation =
  /(?:^|_|[a-z0-9](?=[A-Z]))(?:neq|ne|nin|not(?:_?(?:in|eq|equals?|equal_?to))?|isnt|is_?null|exclud(?:e|ing)|except|exists?|g(?:t|te|reater\w*)|l(?:t|te|ess\w*)|n?i?like|n?i?regex|contains|(?:starts|ends)_?with|matches|similar|nsimilar)$/i

function leaf(
  names: readonly string[],
  path: string,
  type: GraphQLNamedInputType,
  kinds: ReadonlySet<string>,
): InputPath {
  const id = mayBeId(names, type, kinds)
  const [last = ''] = names.slice(-1)
  return {
    path,
    id,
    opaque: isOpaque(type),
    ...(id && negation.test(last) ? { widens: `${path} reaches what is not named.` } : {}),
  }
}

const idName =
  /(?:^|_|[a-z0-9](?=[IURASG]))(?:ids?|uuids?|guids?|urns?|arns?|refs?|slugs?|handles?|logins?)$/i
const idScalar = /(?:id|urn|arn|ref)$/i

function mayBeId(
  names: readonly string[],
  type: GraphQLNamedInputType,
  kinds: ReadonlySet<string>,
): boolean {
  if (isEnumType(type) || type.name === 'Boolean') return false
  if (type.name === 'ID' || names.some((name) => idName.test(name))) return true
  if (type.name === 'Int' || type.name === 'Float') return false
  if (!isSpecifiedScalarType(type) && idScalar.test(type.name)) return true
  const [last = ''] = names.slice(-1)
  return wordsOf(last)
    .map((word) => word.replace(/s$/, ''))
    .some((word) => kinds.has(word) || things.has(word))
}

/** Words for what an environment is part of, or what may stand in another. */
const things = new Set(
  'account org organization organisation team tenant workspace namespace project environment env cluster parent target owner resource node peer repo repository'.split(
    ' ',
  ),
)

/** Whether an argument of a field below a root could choose an object that nobody has looked at. */
export function choosesObject(type: GraphQLInputType, name: string): boolean {
  const paths = walkInputs([{ name, type } as GraphQLArgument], new Set(), 4)
  return (
    paths === undefined ||
    paths.some(({ id, opaque, widens }) => id || opaque || widens !== undefined)
  )
}

/** Scalars of everybody's own that hold one value each, and no id. */
const known = new Set(
  'date time datetime datetimeiso iso8601date iso8601datetime localdate localtime localdatetime timestamp timestamptz timetz timezone interval duration instant email emailaddress url uri long bigint biginteger bigdecimal decimal money numeric smallint integer float8 float4 int8 int64 uint64 positiveint nonnegativeint unsignedint uuid guid countrycode currency locale hexcolorcode cron semver ipaddress ipv4 ipv6 cidr mac port phonenumber base64 bytes byte void html markdown precisedatetime gittimestamp gitobjectid x509certificate'.split(
    ' ',
  ),
)

/** Also of an answer: what such a scalar holds, the schema does not say. */
export function isOpaque(type: { readonly name: string }): boolean {
  return (
    !isSpecifiedScalarType(type as never) &&
    !isEnumType(type) &&
    !known.has(type.name.toLowerCase().replaceAll('_', '')) &&
    !idScalar.test(type.name)
  )
}
