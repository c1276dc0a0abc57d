/**
 * A stand-in for GitHub's GraphQL API: the published schema over a world of three repositories, executed by graphql-js.
 * It answers whoever has the token about every repository of the world, so that what a test finds refused was refused by
 * the broker. It writes down every request it got, asked by the broker or forwarded.
 */
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  OverlappingFieldsCanBeMergedRule,
  buildSchema,
  execute,
  parse,
  specifiedRules,
  validate,
  type GraphQLSchema,
} from 'graphql'
import { verbCovers, type Verb } from '../../src/core/grant.ts'
import { needsFreshAnswer } from '../../src/core/decide.ts'
import type { JsonValue, Located } from '../../src/core/operation.ts'
import type { Ask, LocateContext, ProviderRequest } from '../../src/provider/adapter.ts'
import { githubAdapter } from '../../src/provider/github/adapter.ts'

type Node = { readonly __typename: string; readonly id: string; [field: string]: unknown }

export type GithubWorld = {
  /** By node id. */
  readonly nodes: Map<string, Node>
  rename(from: string, to: string): void
}

/** Ids of what each repository has: `app` and `prod` are acme's, `fork` is eve's. */
export const githubIds = {
  app: 'R_app',
  appIssue: 'I_app1',
  appIssue2: 'I_app2',
  appLabel: 'LA_app',
  appPull: 'PR_app',
  appRef: 'REF_app',
  appRuleset: 'RRS_app',
  prod: 'R_prod',
  prodIssue: 'I_prod1',
  prodLabel: 'LA_prod',
  prodPull: 'PR_prod',
  prodRef: 'REF_prod',
  orgRuleset: 'RRS_org',
  fork: 'R_fork',
  user: 'U_octocat',
} as const

type Repository = Node & { owner: Node; name: string; nameWithOwner: string }

function repositoryOf(id: string, nameWithOwner: string): Repository {
  const [login = '', name = ''] = nameWithOwner.split('/')
  const owner: Node = { __typename: 'Organization', id: `O_${login}`, login, name: login }
  return {
    __typename: 'Repository',
    id,
    name,
    nameWithOwner,
    owner,
    isPrivate: true,
    tempCloneToken: `clone-${id}`,
    url: `https://github.com/${nameWithOwner}`,
  }
}

const listOf = (nodes: readonly Node[]) => ({
  nodes,
  totalCount: nodes.length,
  pageInfo: { hasNextPage: false },
})

/** What an issue or a pull request has where nobody has added anything. */
const nothingMore = {
  createdAt: '2026-04-14T16:00:49Z',
  updatedAt: '2026-04-14T16:00:49Z',
  assignees: listOf([]),
  comments: listOf([]),
  labels: listOf([]),
}

export function githubWorld(): GithubWorld {
  const nodes = new Map<string, Node>()
  const moved = new Map<string, string>()
  const octocat: Node = { __typename: 'User', id: githubIds.user, login: 'octocat', email: 'o@x' }
  const add = <T extends Node>(node: T): T => {
    nodes.set(node.id, node)
    return node
  }
  add(octocat)
  for (const [key, name] of [
    ['app', 'acme/app-staging'],
    ['prod', 'acme/app-prod'],
    ['fork', 'eve/app-staging'],
  ] as const) {
    const repository = add(repositoryOf(githubIds[key], name))
    const own = (type: string, prefix: string, fields: Record<string, unknown>): Node =>
      add({ __typename: type, id: `${prefix}_${key}`, repository, ...fields })
    const issues = [1, 2].map((number) =>
      add({
        __typename: 'Issue',
        id: `I_${key}${String(number)}`,
        number,
        repository,
        title: `issue ${String(number)} of ${name}`,
        body: 'It does not start',
        state: 'OPEN',
        author: octocat,
        url: `${String(repository['url'])}/issues/${String(number)}`,
        ...nothingMore,
        projectCards: { nodes: [{ project: { name: 'Roadmap' }, column: null }], totalCount: 1 },
      }),
    )
    const label = own('Label', 'LA', { name: 'bug', color: 'ff0000' })
    const pull = own('PullRequest', 'PR', {
      number: 9,
      title: 'a pull request',
      state: 'OPEN',
      author: octocat,
      url: `${String(repository['url'])}/pull/9`,
      headRefName: 'feature/login',
      isCrossRepository: false,
      isDraft: false,
      ...nothingMore,
    })
    own('Ref', 'REF', { name: 'main', prefix: 'refs/heads/' })
    add({ __typename: 'RepositoryRuleset', id: `RRS_${key}`, name: 'rules', source: repository })
    Object.assign(repository, {
      issue: ({ number }: { number: number }) => issues.find((one) => one['number'] === number),
      issues: () => listOf(issues),
      issueOrPullRequest: ({ number }: { number: number }) =>
        [...issues, pull].find((one) => one['number'] === number),
      labels: () => listOf([label]),
      pullRequest: ({ number }: { number: number }) => (number === 9 ? pull : undefined),
      pullRequests: () => listOf([pull]),
      hasIssuesEnabled: true,
      forks: () => ({ nodes: [nodes.get(githubIds.fork)], totalCount: 1 }),
    })
  }
  const acme: Node = { __typename: 'Organization', id: 'O_acme', login: 'acme' }
  add({ __typename: 'RepositoryRuleset', id: githubIds.orgRuleset, name: 'org', source: acme })
  return {
    nodes,
    rename(from, to) {
      const found = byName(nodes, from)
      if (found === undefined) throw new Error(`no such repository: ${from}`)
      moved.set(from, to)
      const [, name = ''] = to.split('/')
      Object.assign(found, { nameWithOwner: to, name, formerly: from })
    },
  }
}

function byName(nodes: ReadonlyMap<string, Node>, name: string): Node | undefined {
  const all = [...nodes.values()].filter((node) => node['__typename'] === 'Repository')
  const same = (value: unknown): boolean =>
    typeof value === 'string' && value.toLowerCase() === name.toLowerCase()
  // A repository answers under its old name too, as long as no other one has it.
  return (
    all.find((node) => same(node['nameWithOwner'])) ?? all.find((node) => same(node['formerly']))
  )
}

let published: GraphQLSchema | undefined
/** The published schema as graphql-js builds it, not as the broker reads it. */
export function publishedSchema(): GraphQLSchema {
  published ??= buildSchema(publishedText(), { assumeValidSDL: true, assumeValid: true })
  return published
}

export function publishedText(): string {
  const url = new URL('schema.graphql', import.meta.resolve('@octokit/graphql-schema'))
  return readFileSync(url, 'utf8')
}

type Input<T> = { readonly input: T }

function rootOf(world: GithubWorld): Record<string, unknown> {
  const { nodes } = world
  const find = (id: string): Node | Error =>
    nodes.get(id) ?? new Error(`Could not resolve to a node with the global id of '${id}'`)
  const need = (id: string): Node => {
    const node = find(id)
    if (node instanceof Error) throw node
    return node
  }
  return {
    viewer: nodes.get(githubIds.user),
    rateLimit: { limit: 5000, cost: 1, remaining: 4999, used: 1, nodeCount: 0 },
    repository: ({ owner, name }: { owner: string; name: string }) =>
      byName(nodes, `${owner}/${name}`) ??
      new Error(`Could not resolve to a Repository with the name '${owner}/${name}'.`),
    node: ({ id }: { id: string }) => need(id),
    nodes: ({ ids }: { ids: string[] }) => ids.map(find),
    resource: ({ url }: { url: string }) =>
      [...nodes.values()].find((node) => node['url'] === url) ?? null,
    closeIssue: ({ input }: Input<{ issueId: string }>) => ({
      issue: Object.assign(need(input.issueId), { state: 'CLOSED' }),
    }),
    deleteIssue: ({ input }: Input<{ issueId: string }>) => {
      const issue = need(input.issueId)
      nodes.delete(input.issueId)
      return { repository: issue['repository'] }
    },
    addLabelsToLabelable: ({ input }: Input<{ labelableId: string; labelIds: string[] }>) => {
      for (const id of input.labelIds) need(id)
      return { labelable: need(input.labelableId) }
    },
  }
}

/** GitHub does not mind that `state` is another enum in an issue than in a pull request; graphql-js does. */
const rules = specifiedRules.filter((rule) => rule !== OverlappingFieldsCanBeMergedRule)

/** Executes one request against a world, and says of what is missing what GitHub says. */
export function githubExecutor(world: GithubWorld): (request: unknown) => Promise<unknown> {
  const rootValue = rootOf(world)
  return async (request) => {
    const { query, variables, operationName } = request as {
      query?: unknown
      variables?: Record<string, unknown> | null
      operationName?: string | null
    }
    const schema = publishedSchema()
    const document = parse(String(query))
    const invalid = validate(schema, document, rules)
    const result =
      invalid.length > 0
        ? { errors: invalid }
        : await execute({
            schema,
            document,
            rootValue,
            variableValues: variables ?? null,
            operationName: operationName ?? null,
          })
    const errors = result.errors?.map((error) => ({
      ...(error.message.startsWith('Could not resolve') ? { type: 'NOT_FOUND' } : {}),
      message: error.message,
      path: error.path,
    }))
    return JSON.parse(
      JSON.stringify({ ...result, ...(errors === undefined ? {} : { errors }) }),
    ) as unknown
  }
}

export type GithubGraphqlStandIn = {
  readonly origin: string
  readonly log: { readonly line: string; readonly body: string }[]
  close(): Promise<void>
}

export async function startGithubGraphqlStandIn(
  world: GithubWorld,
  token: string,
): Promise<GithubGraphqlStandIn> {
  const log: { line: string; body: string }[] = []
  const execute = githubExecutor(world)

  async function answer(request: IncomingMessage): Promise<{ status: number; json: unknown }> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    const { method = '', url = '' } = request
    log.push({ line: `${method} ${url}`, body })
    if (request.headers.authorization !== `Bearer ${token}`)
      return { status: 401, json: { message: 'Bad credentials' } }
    if (url === '/graphql') return { status: 200, json: await execute(JSON.parse(body)) }
    return rest(world, url)
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, json } = await answer(request)
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
    response.end(JSON.stringify(json))
  }

  const server = createServer((request, response) => void respond(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    log,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

/** `GET /repos/{owner}/{repo}`, which is how the broker confirms a name. */
function rest(world: GithubWorld, target: string): { status: number; json: unknown } {
  const name = /^\/repos\/([^/?]+\/[^/?]+)$/.exec(target)?.[1]
  const found = name === undefined ? undefined : byName(world.nodes, decodeURIComponent(name))
  if (name === undefined || found === undefined) return { status: 404, json: {} }
  const fullName = String(found['nameWithOwner'])
  return fullName.toLowerCase() === name.toLowerCase()
    ? { status: 200, json: { full_name: fullName } }
    : { status: 301, json: { message: 'Moved Permanently' } }
}

export const adapter = githubAdapter()

/** A POST of JSON to GitHub's endpoint; `changes` replace what should differ. */
export function post(
  body: JsonValue | string,
  changes: Partial<ProviderRequest> = {},
): ProviderRequest {
  return {
    method: 'POST',
    path: '/graphql',
    query: undefined,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    ...changes,
  }
}

export type Asked = { readonly ask: Ask; readonly questions: string[] }

export function asking(world: GithubWorld): Asked {
  const execute = githubExecutor(world)
  const questions: string[] = []
  return {
    questions,
    ask: async ({ method, target, body }) => {
      questions.push(`${method} ${target} ${body?.toString() ?? ''}`)
      if (method === 'GET') return rest(world, target)
      return { status: 200, json: await execute(JSON.parse(body?.toString() ?? '')) }
    },
  }
}

let contexts = 0
export const appPlace = 'repository:acme/app-staging'

export function contextOf(ask: Ask, fresh: boolean, cacheKey = `key ${contexts++}`): LocateContext {
  return { ask, fresh, cacheKey, bound: new Set([appPlace]) }
}

export type Verdict = { readonly kind: 'allow' } | { readonly kind: 'deny'; readonly why: string }

/** Every effect: only where it reaches can stop it. */
export const every: readonly Verb[] = ['read+write+destructive+secret+admin']

/** What would be decided, without approvals, for a capability of `acme/app-staging`. */
export async function verdict(
  query: string,
  variables?: JsonValue,
  asked: Asked = asking(githubWorld()),
  verbs: readonly Verb[] = every,
): Promise<Verdict> {
  const deny = (why: string): Verdict => ({ kind: 'deny', why })
  const identified = adapter.identify(
    post(variables === undefined ? { query } : { query, variables }),
  )
  if (!identified.ok) return deny(`${identified.refusal.code}: ${identified.refusal.detail}`)
  const { invocations } = identified
  for (const invocation of invocations) {
    if (!verbs.some((verb) => verbCovers(verb, invocation))) return deny('verb')
    if (invocation.scope === 'account') return deny('account')
    if (invocation.widens.length > 0) return deny(`widens: ${invocation.widens.join(' ')}`)
  }
  const context = contextOf(asked.ask, invocations.some(needsFreshAnswer))
  const located = await Promise.all(
    invocations.map(async (invocation): Promise<Located> => adapter.locate(invocation, context)),
  )
  for (const [i, { places, unresolved }] of located.entries()) {
    if (invocations[i]?.scope === 'public') continue
    if (unresolved.length > 0) return deny(unresolved.map(({ why }) => why).join())
    if (places.length === 0) return deny('nowhere')
    if (places.some((one) => one !== appPlace)) return deny('outside')
  }
  return { kind: 'allow' }
}
