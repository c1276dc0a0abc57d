/**
 * Octokit's GraphQL client, unmodified but for base URL and token, through a whole broker, over GitHub's own schema as
 * graphql-yoga serves it: what reaches GitHub holds against the schema, and is answered as the schema says; so do the
 * broker's own questions of where a node lives.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { after, afterEach, before, describe, test } from 'node:test'
import { buildSchema } from 'graphql'
import { Octokit } from 'octokit'
import { openTestBroker, type TestBroker } from '../../../support/broker.ts'
import { startDescribedGraphql } from '../../../support/described-graphql.ts'
import type { RecordedServer } from '../../../support/recorded-server.ts'
import { grantOn } from '../../../support/world.ts'

const url = new URL('../../../../../shared/specs/github-graphql-schema.graphql', import.meta.url)
const skip = existsSync(url) ? false : 'GitHub’s schema is not here'

const secret = 'ghs_standInSecretOfTheBroker0123456789'
const repositories = ['acme/app-staging', 'acme/app-prod']
const issues: Readonly<Record<string, string>> = {
  I_staging: 'acme/app-staging',
  I_prod: 'acme/app-prod',
}

/** Octokit does not read `application/problem+json`: it hands out the bytes, or the text where a charset is named. */
const refused = (code: string) => (error: unknown) => {
  const { data } = (error as { readonly response: { readonly data: ArrayBuffer | string } })
    .response
  const text = typeof data === 'string' ? data : Buffer.from(data).toString()
  assert.equal((JSON.parse(text) as { code: string }).code, code, text)
  return true
}

describe('octokit over GitHub’s schema', { skip }, () => {
  let upstream: RecordedServer
  let broker: TestBroker
  let graphql: Octokit['graphql']

  before(async () => {
    upstream = await startDescribedGraphql({
      schema: buildSchema(readFileSync(url, 'utf8'), { assumeValid: true }),
      path: '/graphql',
      token: secret,
      mocks: { DateTime: () => '2026-04-14T16:00:49Z', URI: () => 'https://github.com/acme' },
      state(store) {
        for (const name of repositories) store.set('Repository', name, 'nameWithOwner', name)
        for (const [id, name] of Object.entries(issues)) {
          store.set('Issue', id, 'id', id)
          store.set('Issue', id, 'repository', store.get('Repository', name))
        }
        const issue = (id: unknown): unknown =>
          typeof id === 'string' && Object.hasOwn(issues, id) ? store.get('Issue', id) : null
        return {
          Query: {
            repository: (_, { owner, name }) =>
              store.get('Repository', `${String(owner)}/${String(name)}`),
            node: (_, { id }) => issue(id),
            nodes: (_, { ids }) => (ids as readonly string[]).map(issue),
          },
          Mutation: {
            closeIssue(_, { input }) {
              const { issueId } = input as { issueId: string }
              store.set('Issue', issueId, 'state', 'CLOSED')
              return { issue: issue(issueId) }
            },
          },
        }
      },
      // What a credential reaches is asked when it is stored, and that is a question of REST.
      elsewhere: ({ target }) =>
        target.startsWith('/installation/repositories')
          ? { status: 200, headers: {}, json: { total_count: 0, repositories: [] } }
          : undefined,
    })
    broker = await openTestBroker(undefined, { upstreams: { github: upstream.origin } })
    const granted = await grantOn(broker, {
      provider: 'github',
      bindings: [{ provider: 'github', kind: 'repository', id: 'acme/app-staging' }],
      secret,
      grant: { verbs: ['read', 'write'], approval: 'never' },
    })
    graphql = new Octokit({
      baseUrl: `${broker.url}/proxy/github`,
      auth: await granted.token(),
      retry: { enabled: false },
      throttle: { enabled: false },
    }).graphql
    upstream.take()
  })

  after(async () => {
    await broker.close()
    await upstream.close()
  })

  afterEach(() => {
    upstream.take()
  })

  const here = { owner: 'acme', name: 'app-staging' }

  test('a document with fragments, aliases, unions and directives is answered whole', async () => {
    const document = `
      query Overview($owner: String!, $name: String!, $first: Int = 2, $withBody: Boolean!) {
        repository(owner: $owner, name: $name) {
          nameWithOwner
          open: issues(first: $first, states: [OPEN], orderBy: { field: CREATED_AT, direction: DESC }) {
            totalCount
            pageInfo { hasNextPage endCursor }
            nodes { ...issue body @include(if: $withBody) }
          }
          pullRequests(last: 1) {
            nodes { number isDraft reviewDecision author { __typename ... on User { login } ... on Bot { login } } }
          }
          object(expression: "main:docs") { __typename ... on Blob { byteSize } ... on Tree { entries { name type } } }
        }
        rateLimit { remaining }
      }
      fragment issue on Issue { number title createdAt labels(first: 3) { nodes { name color } } }
    `
    const answer = await graphql<Overview>(document, { ...here, withBody: false })
    const { nameWithOwner, open } = answer.repository
    assert.equal(nameWithOwner, 'acme/app-staging')
    assert.equal(open.nodes[0]?.createdAt, '2026-04-14T16:00:49Z')
    assert.ok(!('body' in (open.nodes[0] ?? {})))
    assert.equal(upstream.take().length, 1)
  })

  test('an issue is closed where its node lives, and nowhere else', async () => {
    const close = `
      mutation ($input: CloseIssueInput!) { closeIssue(input: $input) { issue { id state } } }
    `
    const input = { issueId: 'I_staging', stateReason: 'COMPLETED' }
    assert.deepEqual(await graphql(close, { input }), {
      closeIssue: { issue: { id: 'I_staging', state: 'CLOSED' } },
    })
    const [question, forwarded] = upstream.take()
    assert.match(String(question?.body), /nodes\(ids: \$ids\)/)
    const { variables } = JSON.parse(String(forwarded?.body)) as { variables: unknown }
    assert.deepEqual(variables, { input })

    await assert.rejects(
      graphql(close, { input: { ...input, issueId: 'I_prod' } }),
      refused('environment_outside'),
    )
    await assert.rejects(
      graphql(close, { input: { ...input, issueId: 'I_nobody' } }),
      refused('environment_unresolved'),
    )
    for (const { body } of upstream.take()) assert.ok(!String(body).includes('closeIssue'))
  })

  test('what is not granted, or not in the schema, is refused before it leaves', async () => {
    const remove = 'mutation { deleteIssue(input: { issueId: "I_staging" }) { clientMutationId } }'
    await assert.rejects(graphql(remove), refused('verb_missing'))
    const other = '{ repository(owner: "acme", name: "app-prod") { nameWithOwner } }'
    await assert.rejects(graphql(other), refused('environment_outside'))
    const unknown = '{ repository(owner: "acme", name: "app-staging") { nameWithOwners } }'
    await assert.rejects(graphql(unknown), refused('not_understood'))
    assert.deepEqual(upstream.take(), [])
  })
})

type Overview = {
  readonly repository: {
    readonly nameWithOwner: string
    readonly open: { readonly nodes: readonly { readonly createdAt: string }[] }
  }
}
