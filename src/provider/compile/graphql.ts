/**
 * Reads a GraphQL schema, as SDL or as the answer to an introspection query, into root fields and edges, by the same
 * rules of words as REST. What it makes cannot be served yet: which arguments are ids, and whether an edge stays inside
 * its environment, is for people to say, so that every operation is denied for want of review.
 */
import {
  buildASTSchema,
  buildClientSchema,
  getNamedType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  parse,
  type GraphQLSchema,
  type IntrospectionQuery,
} from 'graphql'
import { classify } from './classify.ts'
import type { Explained } from './compile.ts'
import { wordsOf } from './described.ts'
import { DescriptionError } from './openapi.ts'
import type { Review } from './review.ts'

const mostTokens = 2_000_000

export type GraphqlRead = {
  readonly operations: readonly Explained[]
  /** Of every field that leads to an object, by `Type.field`: unclassified until reviewed. */
  readonly unclassifiedEdges: readonly string[]
  /** Fields named like credentials, by `Type.field`. */
  readonly secretFields: readonly string[]
}

const secretField =
  /(?:^|_|[a-z](?=[A-Z]))(?:password|secret|token|privateKey|private_key|apiKey|api_key|accessKey|credentials?|connectionString|jwt)$/i

export function readGraphql(text: string, review: Review): GraphqlRead {
  const schema = schemaOf(text)
  const roots = [
    ['query', schema.getQueryType()],
    ['mutation', schema.getMutationType()],
    ['subscription', schema.getSubscriptionType()],
  ] as const
  const counts = new Map<string, number>()
  for (const [, type] of roots)
    for (const name of Object.keys(type?.getFields() ?? {}))
      counts.set(name, (counts.get(name) ?? 0) + 1)

  const operations: Explained[] = []
  for (const [root, type] of roots) {
    for (const field of Object.values(type?.getFields() ?? {})) {
      const name = counts.get(field.name) === 1 ? field.name : `${root}:${field.name}`
      const described = {
        name,
        method: root === 'mutation' ? 'POST' : 'GET',
        // The words of its name stand where a path's segments would.
        path: `/${wordsOf(field.name).join('/')}`,
        parameters: [],
        body: undefined,
        scopes: [],
        reveals: [],
      }
      const classified = classify(described, review)
      const unreviewed =
        classified.unsure ??
        'which of its arguments are ids, and where its edges lead, is not reviewed'
      operations.push({
        operation: {
          name,
          method: root,
          path: field.name,
          effects: classified.effects.join(' '),
          scope: 'account',
          denied: unreviewed,
        },
        classified,
        unreviewed,
      })
    }
  }

  const unclassifiedEdges: string[] = []
  const secretFields: string[] = []
  const rootTypes = new Set(roots.map(([, type]) => type?.name))
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__') || rootTypes.has(type.name)) continue
    if (!isObjectType(type) && !isInterfaceType(type)) continue
    for (const field of Object.values(type.getFields())) {
      const edge = `${type.name}.${field.name}`
      if (!isLeafType(getNamedType(field.type))) unclassifiedEdges.push(edge)
      else if (secretField.test(field.name)) secretFields.push(edge)
    }
  }
  return { operations, unclassifiedEdges, secretFields }
}

function schemaOf(text: string): GraphQLSchema {
  try {
    if (!text.trimStart().startsWith('{')) {
      const document = parse(text, { maxTokens: mostTokens, noLocation: true })
      return buildASTSchema(document, { assumeValid: true })
    }
    const given = JSON.parse(text) as { data?: IntrospectionQuery } & Partial<IntrospectionQuery>
    const introspection = given.data ?? given
    if (!('__schema' in introspection)) throw new DescriptionError('it has no __schema')
    return buildClientSchema(introspection as IntrospectionQuery, { assumeValid: true })
  } catch (error) {
    if (error instanceof DescriptionError) throw error
    throw new DescriptionError('it is neither a GraphQL schema nor an introspection of one')
  }
}
