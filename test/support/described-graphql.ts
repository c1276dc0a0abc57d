/**
 * A provider's GraphQL API as its own schema says it is: graphql-yoga over the published schema, every field answered by
 * `@graphql-tools/mock` but for those that a test gives state to. A document that does not hold against the schema was
 * changed in meaning on its way, since the client's own is valid: it is written down as a violation.
 */
import { addMocksToSchema, type IMocks, type IMockStore } from '@graphql-tools/mock'
import { GraphQLScalarType, isSpecifiedScalarType, type GraphQLSchema } from 'graphql'
import { createYoga } from 'graphql-yoga'
import {
  startRecordedServer,
  type Answered,
  type Recorded,
  type RecordedServer,
} from './recorded-server.ts'

type Resolver = (parent: unknown, args: Readonly<Record<string, unknown>>) => unknown

export type DescribedGraphqlOptions = {
  readonly schema: GraphQLSchema
  /** `/graphql`. */
  readonly path: string
  readonly token: string
  /** The root fields that answer from state; `store` makes references to objects whose other fields are mocked. */
  readonly state: (
    store: IMockStore,
  ) => Readonly<Record<string, Readonly<Record<string, Resolver>>>>
  /** Scalars and types whose mock has to have a certain shape. */
  readonly mocks?: IMocks
  /** What is asked outside of `path`; a violation where absent. */
  readonly elsewhere?: (request: Recorded) => Answered | undefined
}

export function startDescribedGraphql(options: DescribedGraphqlOptions): Promise<RecordedServer> {
  const { schema, path, token, elsewhere } = options
  const scalars = Object.values(schema.getTypeMap()).filter(
    (type) => type instanceof GraphQLScalarType && !isSpecifiedScalarType(type),
  )
  const mocks: IMocks = {
    ...Object.fromEntries(scalars.map(({ name }) => [name, () => `a ${name}`])),
    ...options.mocks,
  }
  const yoga = createYoga({
    schema: addMocksToSchema({ schema, mocks, resolvers: options.state }),
    graphqlEndpoint: path,
    logging: false,
    maskedErrors: false,
    graphiql: false,
    landingPage: false,
  })

  return startRecordedServer(async (request, violation) => {
    const { method, target, headers, body } = request
    if (headers['authorization'] !== `Bearer ${token}`) {
      violation('it does not carry the credential')
      return { status: 401, headers: {}, json: {} }
    }
    if (target !== path) {
      const answered = elsewhere?.(request)
      if (answered === undefined) violation('there is nothing here')
      return answered ?? { status: 404, headers: {}, json: {} }
    }
    const response = await yoga.fetch(`http://stand-in${target}`, {
      method,
      headers: Object.entries(headers).flatMap(([name, value]): [string, string][] =>
        typeof value === 'string' ? [[name, value]] : [],
      ),
      ...(body.length === 0 ? {} : { body: body.toString() }),
    })
    const json = (await response.json()) as { readonly errors?: readonly { message: string }[] }
    for (const { message } of json.errors ?? []) violation(message)
    return { status: response.status, headers: {}, json }
  })
}
