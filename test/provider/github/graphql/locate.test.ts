import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Invocation } from '../../../../src/core/operation.ts'
import type { LocateContext } from '../../../../src/provider/adapter.ts'
import {
  answerLifetime,
  githubGraphqlLocate,
} from '../../../../src/provider/github/graphql/locate.ts'
import {
  adapter,
  appPlace,
  asking,
  contextOf,
  githubIds as ids,
  githubWorld,
  post,
} from '../../../support/github-graphql-stand-in.ts'

function invocations(query: string): readonly Invocation[] {
  const identified = adapter.identify(post({ query }))
  assert.ok(identified.ok)
  return identified.invocations
}

function only(query: string): Invocation {
  const [invocation] = invocations(query)
  assert.ok(invocation)
  return invocation
}

const issue = only(`{ node(id: "${ids.appIssue}") { id } }`)

test('the ids of a whole request go in one question', async () => {
  const asked = asking(githubWorld())
  const locate = githubGraphqlLocate(() => 0)
  const context = contextOf(asked.ask, true)
  const located = await Promise.all(
    invocations(
      `{ a: nodes(ids: ["${ids.appIssue}", "${ids.appPull}"]) { id } b: node(id: "${ids.appIssue}") { id } c: node(id: "${ids.prodIssue}") { id } }`,
    ).map(async (invocation) => locate(invocation, context)),
  )
  assert.deepEqual(
    located.map(({ places }) => places),
    [[appPlace], [appPlace], ['repository:acme/app-prod']],
  )
  assert.equal(asked.questions.length, 1)
})

test('an answer is believed for five seconds, by the same credential, and never where it must be fresh', async () => {
  const asked = asking(githubWorld())
  let time = 0
  const locate = githubGraphqlLocate(() => time)
  const ask = async (fresh: boolean, key = 'one') => {
    const before = asked.questions.length
    assert.deepEqual((await locate(issue, contextOf(asked.ask, fresh, key))).places, [appPlace])
    return asked.questions.length - before
  }
  assert.equal(await ask(false), 1)
  assert.equal(await ask(false), 0)
  assert.equal(await ask(true), 1, 'fresh')
  assert.equal(await ask(false, 'two'), 1, 'another credential')
  time = answerLifetime - 1
  assert.equal(await ask(false), 0)
  time = answerLifetime
  assert.equal(await ask(false), 1, 'expired')
})

test('what was fetched fresh is not remembered, and a failure neither', async () => {
  const world = githubWorld()
  const asked = asking(world)
  const locate = githubGraphqlLocate(() => 0)
  await locate(issue, contextOf(asked.ask, true, 'key'))
  await locate(issue, contextOf(asked.ask, false, 'key'))
  assert.equal(asked.questions.length, 2)
  const missing = only('{ node(id: "I_later") { id } }')
  const nothing = await locate(missing, contextOf(asked.ask, false, 'key'))
  assert.deepEqual(nothing.unresolved, [{ kind: 'node', id: 'I_later', why: 'not_found' }])
  const found = world.nodes.get(ids.appIssue)
  assert.ok(found)
  world.nodes.set('I_later', { ...found, id: 'I_later' })
  assert.deepEqual((await locate(missing, contextOf(asked.ask, false, 'key'))).places, [appPlace])
})

test('what has no one repository is not looked for further, and addresses are counted', async () => {
  const asked = asking(githubWorld())
  const locate = githubGraphqlLocate(() => 0)
  const user = await locate(only(`{ node(id: "${ids.user}") { id } }`), contextOf(asked.ask, false))
  assert.deepEqual(user, {
    places: [],
    unresolved: [{ kind: 'node', id: ids.user, why: 'no_resolver' }],
  })
  const many = Array.from(
    { length: 8 },
    (_, i) => `r${String(i)}: resource(url: "https://github.com/acme/${String(i)}") { url }`,
  )
  const context: LocateContext = contextOf(asked.ask, false)
  asked.questions.length = 0
  const located = await Promise.all(
    invocations(`{ ${many.join(' ')} }`).map(async (invocation) => locate(invocation, context)),
  )
  assert.equal(asked.questions.length, 5)
  assert.deepEqual(
    located.map(({ unresolved }) => unresolved[0]?.why),
    [...Array.from({ length: 5 }, () => 'not_found'), 'too_many', 'too_many', 'too_many'],
  )
})

test('the arguments that make a mutation graver add the effect, and none is added without them', () => {
  const repository = `repositoryId: "${ids.app}"`
  const oid = 'a'.repeat(40)
  const commit = (changes: string) =>
    `mutation { createCommitOnBranch(input: { branch: { id: "${ids.appRef}" }, expectedHeadOid: "${oid}", message: { headline: "x" }, fileChanges: { ${changes} } }) { clientMutationId } }`
  const cases: readonly (readonly [string, readonly string[]])[] = [
    [
      `mutation { updateRef(input: { refId: "${ids.appRef}", oid: "${oid}" }) { clientMutationId } }`,
      [],
    ],
    [
      `mutation { updateRef(input: { refId: "${ids.appRef}", oid: "${oid}", force: true }) { clientMutationId } }`,
      ['destructive'],
    ],
    [
      `mutation { updateRefs(input: { ${repository}, refUpdates: [{ name: "refs/heads/x", afterOid: "${oid}" }] }) { clientMutationId } }`,
      [],
    ],
    [
      `mutation { updateRefs(input: { ${repository}, refUpdates: [{ name: "refs/heads/x", afterOid: "${'0'.repeat(40)}" }] }) { clientMutationId } }`,
      ['destructive'],
    ],
    [
      `mutation { updateRefs(input: { ${repository}, refUpdates: { name: "refs/heads/x", afterOid: "${oid}", force: true } }) { clientMutationId } }`,
      ['destructive'],
    ],
    [
      `mutation { updateRepository(input: { ${repository}, description: "x" }) { clientMutationId } }`,
      [],
    ],
    [
      `mutation { updateRepository(input: { ${repository}, name: "x" }) { clientMutationId } }`,
      ['destructive', 'admin'],
    ],
    [
      `mutation { updateRepository(input: { ${repository}, hasWikiEnabled: false }) { clientMutationId } }`,
      ['admin'],
    ],
    [
      `mutation { addPullRequestReview(input: { pullRequestId: "${ids.appPull}", event: COMMENT }) { clientMutationId } }`,
      [],
    ],
    [
      `mutation { addPullRequestReview(input: { pullRequestId: "${ids.appPull}", event: APPROVE }) { clientMutationId } }`,
      ['admin'],
    ],
    [commit('additions: [{ path: "src/x.ts", contents: "" }]'), []],
    [commit('additions: [{ path: "./.GitHub/workflows/x.yml", contents: "" }]'), ['admin']],
    [commit('deletions: [{ path: "CODEOWNERS" }]'), ['admin', 'destructive']],
    [commit('deletions: [{ path: "src/x.ts" }]'), ['destructive']],
  ]
  for (const [text, added] of cases) assert.deepEqual(only(text).added, added, text)
})

test('the paths that gh and octokit send GraphQL to are one, and anything but a POST is refused', () => {
  const query = '{ viewer { login } }'
  for (const path of ['/graphql', '/api/graphql', '/api/v3/graphql']) {
    const identified = adapter.identify(post({ query }, { path }))
    assert.ok(identified.ok)
    assert.equal(identified.request.target, '/graphql')
    assert.deepEqual(identified.request.headers, { 'content-type': 'application/json' })
  }
  for (const changes of [
    { method: 'GET', query: 'query={viewer{login}}' },
    { path: '/graphql/' },
    { path: '/graphql%2f' },
    { path: '/GraphQL' },
    { query: 'x=1' },
  ])
    assert.ok(!adapter.identify(post({ query }, changes)).ok, JSON.stringify(changes))
  assert.ok(!adapter.identify(post([{ query }])).ok)
  assert.ok(!adapter.identify(post({ query: 'subscription { viewer { login } }' })).ok)
})
