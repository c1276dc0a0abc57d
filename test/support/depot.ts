/**
 * An operator's own GraphQL provider: its schema, manifest and review, and a stand-in for it on loopback, which is
 * graphql-yoga over a world with state. It is as loose as such servers are (GET, batches, introspection), so that what a
 * test finds refused was refused by the broker.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { buildSchema, isObjectType } from 'graphql'
import { createYoga } from 'graphql-yoga'
import type { ImportedManifest } from '../../src/provider/imported/manifest.ts'
import type { ImportedReview } from '../../src/provider/imported/review.ts'

export const depotOrigin = 'https://api.depot.example'
export const depotSecret = 'depot-secret-0123456789'

export const depotSchema = /* GraphQL */ `
  "Where everything of one deployment stands."
  directive @owned(by: String) on FIELD_DEFINITION
  scalar DateTime
  scalar JSON
  interface Node {
    id: ID!
  }
  type PageInfo {
    hasNextPage: Boolean!
    endCursor: String
  }
  type Project implements Node {
    id: ID!
    name: String!
    environments: [Environment!]!
    owner: Person!
  }
  type Environment implements Node {
    id: ID!
    name: String!
    project: Project!
    servers(first: Int, after: String): ServerConnection!
    disks(after: String): DiskConnection!
  }
  type Server implements Node {
    id: ID!
    name: String!
    createdAt: DateTime
    replicas: Int!
    environment: Environment! @owned(by: "nobody")
    rootPassword: String!
    settings: JSON
    mirror: Server
  }
  type ServerConnection {
    edges: [ServerEdge!]!
    pageInfo: PageInfo!
  }
  type ServerEdge {
    node: Server!
    cursor: String!
  }
  type Disk {
    id: Int!
    size: Int!
  }
  type DiskConnection {
    nodes: [Disk!]!
    pageInfo: PageInfo!
  }
  type Person {
    id: ID!
    email: String!
    projects: [Project!]!
  }
  input ServerInput {
    environmentId: ID!
    name: String!
    replicas: Int = 1
  }
  input ServerFilter {
    environmentId: ID
    environmentId_not: ID
    name: String
    or: [ServerFilter!]
  }
  type ServerCreated {
    server: Server!
    query: Query!
  }
  type KeyCreated {
    key: DeployKey!
  }
  type DeployKey {
    id: ID!
    token: String!
  }
  type Query {
    environment(id: ID!): Environment
    server(id: ID!): Server
    servers(filter: ServerFilter!): [Server!]!
    project(id: ID!): Project
    node(id: ID!): Node
    me: Person!
    status: String!
  }
  type Mutation {
    serverCreate(input: ServerInput!): ServerCreated!
    serverDelete(id: ID!): Boolean!
    serverScale(id: ID!, replicas: Int!): Server!
    serverMove(id: ID!, toEnvironmentId: ID!): Server!
    serverConfigure(id: ID!, settings: JSON!): Server!
    serverFrobnicate(id: ID!): Boolean!
    serverLink(id: ID!, peerId: ID!): Boolean!
    projectPause(projectId: ID!, environmentId: ID): Boolean!
    diskResize(diskId: Int!, size: Int!): Disk!
    deployKeyCreate(environmentId: ID!): KeyCreated!
  }
  type Subscription {
    serverChanged(id: ID!): Server!
  }
`

export const depotManifest: ImportedManifest = {
  origin: depotOrigin,
  graphql: { path: '/api/graphql' },
  injection: { header: 'x-depot-key', prefix: '' },
  refused_headers: ['x-depot-account'],
  meaningful_headers: ['idempotency-key'],
  homes: {
    environment: { is: 'place', form: 'name' },
    project: {
      is: 'queried',
      query: 'query ($id: ID!) { project(id: $id) { id environments { id } } }',
      at: 'project.environments.*.id',
      of: 'environment',
      same: 'project.id',
    },
    server: {
      is: 'queried',
      query: 'query ($id: ID!) { server(id: $id) { id environment { id } } }',
      at: 'server.environment.id',
      of: 'environment',
      same: 'server.id',
    },
    disk: {
      is: 'queried_list',
      of: 'environment',
      query:
        'query ($of: ID!, $after: String) { environment(id: $of) { id disks(after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } } }',
      items: 'environment.disks.nodes.*.id',
      same: 'environment.id',
      more: 'environment.disks.pageInfo.hasNextPage',
      cursor: 'environment.disks.pageInfo.endCursor',
    },
  },
}

const aboutServers = [
  'server',
  'serverDelete',
  'serverScale',
  'serverMove',
  'serverConfigure',
  'serverFrobnicate',
]

export const depotReview: ImportedReview = {
  effects: {
    serverMove: ['write'],
    serverScale: ['write'],
    projectPause: ['write'],
    deployKeyCreate: ['write', 'secret', 'admin'],
  },
  public: ['status'],
  ids: [
    { at: 'id', kind: 'server', role: 'target', operations: aboutServers },
    { at: 'id', kind: 'environment', role: 'environment', operations: ['environment'] },
    { at: 'id', kind: 'project', role: 'container', operations: ['project'] },
    { at: 'input.environmentId', kind: 'environment', role: 'environment' },
    { at: 'filter.environmentId', kind: 'environment', role: 'environment' },
    { at: 'toEnvironmentId', kind: 'environment', role: 'target' },
    { at: 'environmentId', kind: 'environment', role: 'environment' },
    { at: 'projectId', kind: 'project', role: 'container' },
    { at: 'diskId', kind: 'disk' },
  ],
  conditions: { serverScale: [{ path: 'replicas', max: 0, adds: ['destructive'] }] },
  edges: {
    'Environment.servers': 'stays',
    'Environment.project': 'stays',
    'Server.environment': 'stays',
    'Server.mirror': 'widens',
    'ServerCreated.server': 'stays',
    'KeyCreated.key': 'stays',
    'Project.environments': 'widens',
  },
}

export const depotImport = {
  name: 'depot',
  kind: 'graphql',
  manifest: depotManifest,
  review: depotReview,
  description: depotSchema,
  source: 'depot/schema 1',
}

type Server = { id: string; name: string; replicas: number; environment: string }

type Recorded = {
  readonly method: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export type Depot = {
  readonly origin: string
  readonly requests: readonly Recorded[]
  readonly servers: Map<string, Server>
  /** The documents that arrived since this was last asked. */
  news(): readonly string[]
}

/** Servers `s…` are staging's and `p…` production's, of one project; disks 1 to 5 are staging's, 11 production's. */
export async function openDepot(t: TestContext): Promise<Depot> {
  const servers = new Map<string, Server>(
    ['s1', 's2', 'p1'].map((id) => [
      id,
      { id, name: `server ${id}`, replicas: 2, environment: id[0] === 's' ? 'staging' : 'prod' },
    ]),
  )
  const disks: Record<string, readonly number[]> = { staging: [1, 2, 3, 4, 5], prod: [11] }
  const environment = (id: string): unknown =>
    Object.hasOwn(disks, id)
      ? {
          __typename: 'Environment',
          id,
          name: id,
          project,
          servers: () => {
            const own = [...servers.values()].filter((one) => one.environment === id)
            return {
              edges: own.map((one) => ({ node: server(one.id), cursor: one.id })),
              pageInfo: { hasNextPage: false },
            }
          },
          disks: ({ after }: { after?: string | null }) => {
            const from = after === null || after === undefined ? 0 : Number(after)
            const all = disks[id] ?? []
            return {
              nodes: all.slice(from, from + 2).map((number) => ({ id: number, size: 10 })),
              pageInfo: { hasNextPage: from + 2 < all.length, endCursor: String(from + 2) },
            }
          },
        }
      : null
  const project = (): unknown => ({
    __typename: 'Project',
    id: 'pr1',
    name: 'depot',
    environments: () => ['staging', 'prod'].map(environment),
    owner: person,
  })
  const person = (): unknown => ({
    id: 'u1',
    email: 'a@depot.example',
    projects: () => [project()],
  })
  const server = (id: string): unknown => {
    const found = servers.get(id)
    return found === undefined
      ? null
      : {
          ...found,
          __typename: 'Server',
          createdAt: '2026-01-01T00:00:00Z',
          environment: () => environment(found.environment),
          rootPassword: 'hunter2-of-the-server',
          settings: { dsn: 'postgres://x:y@z' },
          mirror: () => server('p1'),
        }
  }
  type Args = {
    readonly id: string
    readonly replicas: number
    readonly toEnvironmentId: string
    readonly diskId: number
    readonly size: number
    readonly input: {
      readonly environmentId: string
      readonly name: string
      readonly replicas: number
    }
    readonly filter: { readonly environmentId?: string | null; readonly environmentId_not?: string }
  }
  const changed = (id: string, change: Partial<Server>): unknown => {
    const found = servers.get(id)
    if (found === undefined) throw new Error('no such server')
    servers.set(id, { ...found, ...change })
    return server(id)
  }
  const root = {
    environment: ({ id }: Args) => environment(id),
    server: ({ id }: Args) => server(id),
    servers: ({ filter }: Args) =>
      [...servers.values()]
        .filter((one) => filter.environmentId == null || one.environment === filter.environmentId)
        .map((one) => server(one.id)),
    project: ({ id }: Args) => (id === 'pr1' ? project() : null),
    node: ({ id }: Args) => server(id) ?? environment(id),
    me: person,
    status: 'up',
    serverCreate: ({ input }: Args) => {
      const id = `${input.environmentId === 'staging' ? 's' : 'p'}${String(servers.size + 1)}`
      servers.set(id, {
        id,
        name: input.name,
        replicas: input.replicas,
        environment: input.environmentId,
      })
      return { server: server(id), query: root }
    },
    serverDelete: ({ id }: Args) => servers.delete(id),
    serverScale: ({ id, replicas }: Args) => changed(id, { replicas }),
    serverMove: ({ id, toEnvironmentId }: Args) => changed(id, { environment: toEnvironmentId }),
    serverConfigure: ({ id }: Args) => server(id),
    serverFrobnicate: () => true,
    serverLink: () => true,
    projectPause: () => true,
    diskResize: ({ diskId, size }: Args) => ({ id: diskId, size }),
    deployKeyCreate: () => ({ key: { id: 'k1', token: 'minted-deploy-token-1' } }),
  }
  const schema = buildSchema(depotSchema)
  for (const type of Object.values(schema.getTypeMap()))
    if ('resolveType' in type && !isObjectType(type))
      type.resolveType = (value) => String((value as Record<string, unknown>)['__typename'])
  const yoga = createYoga({
    schema,
    plugins: [
      {
        onExecute: ({ args }: { readonly args: { rootValue: unknown } }) => {
          args.rootValue = root
        },
      },
    ],
    graphqlEndpoint: '/api/graphql',
    batching: true,
    logging: false,
    maskedErrors: false,
    graphiql: false,
    landingPage: false,
  } as Parameters<typeof createYoga>[0])

  const requests: Recorded[] = []
  async function answer(request: IncomingMessage): Promise<{ status: number; json: unknown }> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { method = '', url = '', headers } = request
    const body = Buffer.concat(chunks).toString()
    requests.push({ method, headers, body })
    if (headers['x-depot-key'] !== depotSecret) return { status: 401, json: {} }
    const response = await yoga.fetch(`http://stand-in${url}`, {
      method,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      ...(body === '' ? {} : { body }),
    })
    return { status: response.status, json: await response.json() }
  }
  const listener = createServer((request, response) => {
    answer(request).then(
      ({ status, json }) =>
        response
          .writeHead(status, { 'content-type': 'application/json' })
          .end(JSON.stringify(json)),
      () => response.destroy(),
    )
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    listener.closeAllConnections()
    listener.close()
  })
  let read = 0
  return {
    origin: `http://127.0.0.1:${String((listener.address() as AddressInfo).port)}`,
    requests,
    servers,
    news() {
      const fresh = requests.slice(read)
      read = requests.length
      return fresh.map(({ body }) => (JSON.parse(body) as { query: string }).query)
    },
  }
}
