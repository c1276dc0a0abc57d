/**
 * Reads a GraphQL schema that somebody else wrote, as SDL or as the answer to an introspection query, and writes down
 * what decides: names, types, arguments and their defaults, in one spelling, which is read again at the first request.
 * A schema that does not hold by GraphQL's own rules is refused, because what a request means under it is not settled.
 */
import {
  buildASTSchema,
  buildClientSchema,
  GraphQLError,
  Kind,
  parse,
  printSchema,
  validateSchema,
  visit,
  type DocumentNode,
  type GraphQLSchema,
  type IntrospectionQuery,
} from 'graphql'
import { DescriptionError } from '../../compile/openapi.ts'
import { lean } from '../../graphql/lean-schema.ts'

const mostTokens = 2_000_000
/** Fields and their arguments, of all types together. */
const mostFields = 60_000
/** What a verb can spell, with `mutation:` before it. */
const longestName = 180

export type ReadSchema = { readonly schema: GraphQLSchema; readonly text: string }

/** Throws DescriptionError, whose message holds names of the schema at most. */
export function readSchema(given: string): ReadSchema {
  const text = given.startsWith('\ufeff') ? given.slice(1) : given
  const schema = /^\s*\{/.test(text) ? fromIntrospection(text) : fromSdl(text)
  const [error] = validateSchema(schema)
  if (error !== undefined) throw invalid(error)
  checkSize(schema)
  const written = lean(printSchema(schema))
  // What is served is what was read here, and reviewed.
  const served = loadSchema(written)
  if (lean(printSchema(served)) !== written)
    throw new DescriptionError('the schema cannot be written down as it was read')
  return { schema: served, text: written }
}

/** It is kept in memory by every broker that serves it. */
function checkSize(schema: GraphQLSchema): void {
  let count = 0
  for (const type of Object.values(schema.getTypeMap())) {
    if (!('getFields' in type)) continue
    for (const field of Object.values(type.getFields())) {
      count += 1 + ('args' in field ? field.args.length : 0)
      if (Math.max(type.name.length, field.name.length) > longestName)
        throw new DescriptionError(`a name has more than ${String(longestName)} characters`)
    }
  }
  if (count > mostFields)
    throw new DescriptionError(
      `it has ${String(count)} fields and arguments; ${String(mostFields)} are read`,
    )
}

/** What `readSchema` wrote. */
export function loadSchema(text: string): GraphQLSchema {
  const document = parse(text, { noLocation: true })
  return buildASTSchema(document, { assumeValid: true, assumeValidSDL: true })
}

function fromSdl(text: string): GraphQLSchema {
  let document: DocumentNode
  try {
    document = parse(text, { maxLexicalTokens: mostTokens, noLocation: true })
  } catch (error) {
    const [at] = error instanceof GraphQLError ? (error.locations ?? []) : []
    if (error instanceof GraphQLError && /limit of \d+ tokens/.test(error.message))
      throw new DescriptionError(`the schema has more than ${String(mostTokens)} tokens`)
    if (!(error instanceof GraphQLError)) throw error
    throw new DescriptionError(
      at === undefined
        ? 'it is no GraphQL schema'
        : `it is no GraphQL schema that can be read: line ${String(at.line)}, column ${String(at.column)}`,
    )
  }
  if (document.definitions.some(({ kind }) => executable.has(kind)))
    throw new DescriptionError('it holds operations or fragments, and a schema has none')
  try {
    // Directives say nothing here, and those of a server's own are often not defined.
    return buildASTSchema(bare(document))
  } catch (error) {
    if (error instanceof RangeError || !(error instanceof Error)) throw error
    throw invalid(error)
  }
}

const executable: ReadonlySet<string> = new Set([
  Kind.OPERATION_DEFINITION,
  Kind.FRAGMENT_DEFINITION,
])

function bare(document: DocumentNode): DocumentNode {
  const visited = visit(document, { Directive: () => null })
  return {
    ...visited,
    definitions: visited.definitions.filter(({ kind }) => kind !== Kind.DIRECTIVE_DEFINITION),
  }
}

function fromIntrospection(text: string): GraphQLSchema {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch (error) {
    if (error instanceof RangeError) throw error
    throw new DescriptionError('it is neither a GraphQL schema nor the JSON of an introspection')
  }
  const { data = given } = given as { data?: unknown }
  if (typeof data !== 'object' || data === null || !('__schema' in data))
    throw new DescriptionError('it has no __schema: it is no answer to an introspection query')
  try {
    return buildClientSchema(data as IntrospectionQuery)
  } catch (error) {
    if (error instanceof RangeError) throw error
    throw new DescriptionError(
      'its introspection is not whole: it must answer the full introspection query, of types with their fields, arguments and interfaces',
    )
  }
}

/** Values, which a message on a default quotes, are not repeated. */
function invalid({ message }: Error): DescriptionError {
  const [first = ''] = message.split(/(?<=invalid default value)|\n/)
  return new DescriptionError(`the schema is not valid: ${first}`)
}
