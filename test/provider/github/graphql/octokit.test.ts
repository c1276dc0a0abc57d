/** Octokit's own GraphQL client, unmodified but for base URL and token, through a whole broker. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Octokit } from 'octokit'
import { openTestBroker } from '../../../support/broker.ts'
import {
  githubIds as ids,
  githubWorld,
  startGithubGraphqlStandIn,
} from '../../../support/github-graphql-stand-in.ts'
import { grantOn } from '../../../support/world.ts'

const secret = 'ghs_standInSecretOfTheBroker0123456789'

async function open(t: TestContext) {
  const world = githubWorld()
  const upstream = await startGithubGraphqlStandIn(world, secret)
  t.after(() => upstream.close())
  const broker = await openTestBroker(t, { upstreams: { github: upstream.origin } })
  const granted = await grantOn(broker, {
    provider: 'github',
    bindings: [{ provider: 'github', kind: 'repository', id: 'acme/app-staging' }],
    secret,
    grant: { verbs: ['read', 'closeIssue', 'deleteIssue'], approval: 'never' },
  })
  upstream.log.length = 0
  const client = async (verbs: readonly string[]): Promise<Octokit> =>
    new Octokit({
      baseUrl: `${broker.url}/proxy/github`,
      auth: await granted.token({ verbs }),
      retry: { enabled: false },
      throttle: { enabled: false },
    })
  return { world, upstream, client }
}

/** Octokit does not read `application/problem+json`: it hands out the bytes, or the text where a charset is named. */
const refused = (code: string) => (error: unknown) => {
  const { data } = (error as { readonly response: { readonly data: ArrayBuffer | string } })
    .response
  const text = typeof data === 'string' ? data : Buffer.from(data).toString()
  assert.equal((JSON.parse(text) as { code: string }).code, code)
  return true
}

test('octokit reads and writes its own repository, and is refused at any other', async (t) => {
  const { world, upstream, client } = await open(t)
  const reader = await client(['read'])
  const read =
    'query ($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { issue(number: 1) { id title author { login } } } }'
  const answer = await reader.graphql<{ repository: { issue: unknown } }>(read, {
    owner: 'acme',
    name: 'app-staging',
  })
  assert.deepEqual(answer.repository.issue, {
    id: ids.appIssue,
    title: 'issue 1 of acme/app-staging',
    author: { login: 'octocat' },
  })
  assert.equal(upstream.log.length, 1)
  await assert.rejects(
    reader.graphql(read, { owner: 'acme', name: 'app-prod' }),
    refused('environment_outside'),
  )
  const close = 'mutation ($id: ID!) { closeIssue(input: { issueId: $id }) { issue { state } } }'
  await assert.rejects(reader.graphql(close, { id: ids.appIssue }), refused('verb_missing'))
  assert.equal(upstream.log.length, 1, 'nothing was asked or forwarded')

  const writer = await client(['read', 'closeIssue'])
  assert.deepEqual(await writer.graphql(close, { id: ids.appIssue }), {
    closeIssue: { issue: { state: 'CLOSED' } },
  })
  assert.equal(world.nodes.get(ids.appIssue)?.['state'], 'CLOSED')
  await assert.rejects(writer.graphql(close, { id: ids.prodIssue }), refused('environment_outside'))
  assert.equal(world.nodes.get(ids.prodIssue)?.['state'], 'OPEN')
  await assert.rejects(
    writer.graphql(close, { id: 'I_nothing' }),
    refused('environment_unresolved'),
  )

  const remove = 'mutation ($id: ID!) { deleteIssue(input: { issueId: $id }) { clientMutationId } }'
  await assert.rejects(writer.graphql(remove, { id: ids.appIssue2 }), refused('verb_missing'))
  assert.ok(world.nodes.has(ids.appIssue2))
  const remover = await client(['deleteIssue'])
  await assert.rejects(remover.graphql(remove, { id: 'I_prod2' }), refused('environment_outside'))
  await remover.graphql(remove, { id: ids.appIssue2 })
  assert.ok(!world.nodes.has(ids.appIssue2))
  assert.ok(world.nodes.has('I_prod2'))
})

test('the path of GitHub Enterprise Server, which octokit makes of /api/v3, reaches the same', async (t) => {
  const { upstream, client } = await open(t)
  const reader = await client(['read'])
  const { viewer } = await reader.graphql<{ viewer: unknown }>('{ viewer { login } }', {
    baseUrl: `${reader.request.endpoint.DEFAULTS.baseUrl}/api/v3`,
  })
  assert.deepEqual(viewer, { login: 'octocat' })
  assert.deepEqual(
    upstream.log.map(({ line }) => line),
    ['POST /graphql'],
  )
})
