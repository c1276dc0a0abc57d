/** The node id of another repository: in a literal, a variable, a list, a nested input, a fragment, beside ids that are one's own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  asking,
  githubIds as ids,
  githubWorld,
  verdict,
} from '../support/github-graphql-stand-in.ts'

/** Denied for what it names, not for how it was written down here. */
async function denied(text: string): Promise<void> {
  const found = await verdict(text)
  assert.ok(found.kind === 'deny', text)
  assert.doesNotMatch(found.why, /not valid|not parse|do not fit|merged/, text)
}

const close = (id: string) =>
  `mutation { closeIssue(input: { issueId: "${id}" }) { issue { id } } }`

test('what is wholly in the repository is allowed', async () => {
  for (const text of [
    close(ids.appIssue),
    `{ node(id: "${ids.appIssue}") { ... on Issue { title } } }`,
    `{ nodes(ids: ["${ids.appIssue}", "${ids.appPull}"]) { id } }`,
    `mutation { addLabelsToLabelable(input: { labelableId: "${ids.appIssue}", labelIds: ["${ids.appLabel}"] }) { clientMutationId } }`,
    `mutation { deleteIssue(input: { issueId: "${ids.appIssue}" }) { clientMutationId } }`,
    `mutation { updateRepositoryRuleset(input: { repositoryRulesetId: "${ids.appRuleset}" }) { clientMutationId } }`,
    `{ resource(url: "https://github.com/acme/app-staging/issues/1") { ... on Issue { title } } }`,
  ])
    assert.deepEqual(await verdict(text), { kind: 'allow' }, text)
})

test('a foreign id is denied wherever it stands in the document', async () => {
  const repository = `repositoryId: "${ids.app}"`
  for (const text of [
    close(ids.prodIssue),
    `{ node(id: "${ids.prodIssue}") { id } }`,
    `{ nodes(ids: ["${ids.appIssue}", "${ids.prodIssue}"]) { id } }`,
    `{ a: node(id: "${ids.appIssue}") { id } b: node(id: "${ids.prodIssue}") { id } }`,
    `mutation { addLabelsToLabelable(input: { labelableId: "${ids.appIssue}", labelIds: ["${ids.appLabel}", "${ids.prodLabel}"] }) { clientMutationId } }`,
    `mutation { addLabelsToLabelable(input: { labelableId: "${ids.appIssue}", labelIds: "${ids.prodLabel}" }) { clientMutationId } }`,
    `mutation { a: closeIssue(input: { issueId: "${ids.appIssue}" }) { clientMutationId } b: closeIssue(input: { issueId: "${ids.prodIssue}" }) { clientMutationId } }`,
    `mutation { closeIssue(input: { issueId: "${ids.appIssue}", duplicateIssueId: "${ids.prodIssue}" }) { clientMutationId } }`,
    `mutation { ...F } fragment F on Mutation { closeIssue(input: { issueId: "${ids.prodIssue}" }) { clientMutationId } }`,
    `mutation { ... @include(if: false) { closeIssue(input: { issueId: "${ids.prodIssue}" }) { clientMutationId } } }`,
    `mutation { updateRef(input: { refId: "${ids.prodRef}", oid: "${'a'.repeat(40)}" }) { clientMutationId } }`,
    `mutation { createIssue(input: { ${repository}, title: "x", labelIds: ["${ids.prodLabel}"] }) { clientMutationId } }`,
    `mutation { createPullRequest(input: { ${repository}, headRepositoryId: "${ids.fork}", baseRefName: "main", headRefName: "x", title: "x" }) { clientMutationId } }`,
    `mutation { createPullRequest(input: { ${repository}, baseRefName: "main", headRefName: "eve:x", title: "x" }) { clientMutationId } }`,
    `mutation { mergeBranch(input: { ${repository}, base: "main", head: "eve:main" }) { clientMutationId } }`,
    `mutation { transferIssue(input: { issueId: "${ids.appIssue}", repositoryId: "${ids.prod}" }) { clientMutationId } }`,
    `mutation { cloneTemplateRepository(input: { ${repository}, ownerId: "O_acme", name: "x", visibility: PRIVATE }) { clientMutationId } }`,
    `mutation { createRepository(input: { name: "x", visibility: PUBLIC }) { clientMutationId } }`,
    `mutation { addSubIssue(input: { issueId: "${ids.appIssue}", subIssueUrl: "https://github.com/acme/app-prod/issues/1" }) { clientMutationId } }`,
    `mutation { createCommitOnBranch(input: { branch: { repositoryNameWithOwner: "acme/app-prod", branchName: "main" }, expectedHeadOid: "a", message: { headline: "x" } }) { clientMutationId } }`,
    `mutation { createRepositoryRuleset(input: { sourceId: "${ids.app}", name: "x", enforcement: ACTIVE, conditions: { repositoryId: { repositoryIds: ["${ids.prod}"] } } }) { clientMutationId } }`,
    // The ruleset of an organization is over every one of its repositories.
    `mutation { deleteRepositoryRuleset(input: { repositoryRulesetId: "${ids.orgRuleset}" }) { clientMutationId } }`,
    `{ resource(url: "https://github.com/acme/app-prod/issues/1") { ... on Issue { title } } }`,
    `{ resource(url: "https://github.com/acme/nothing") { ... on Repository { name } } }`,
  ])
    await denied(text)
})

test('a foreign id is denied in a variable, a default, a list within and an input as a whole', async () => {
  const one = 'mutation M($id: ID!) { closeIssue(input: { issueId: $id }) { clientMutationId } }'
  assert.equal((await verdict(one, { id: ids.appIssue })).kind, 'allow')
  assert.equal((await verdict(one, { id: ids.prodIssue })).kind, 'deny')
  const whole = 'mutation M($i: CloseIssueInput!) { closeIssue(input: $i) { clientMutationId } }'
  assert.equal((await verdict(whole, { i: { issueId: ids.appIssue } })).kind, 'allow')
  assert.equal((await verdict(whole, { i: { issueId: ids.prodIssue } })).kind, 'deny')
  const list = `query Q($ids: [ID!]! = ["${ids.prodIssue}"]) { nodes(ids: $ids) { id } }`
  assert.equal((await verdict(list, { ids: [ids.appIssue] })).kind, 'allow')
  assert.equal((await verdict(list)).kind, 'deny')
  assert.equal((await verdict(list, { ids: [ids.appIssue, ids.prodIssue] })).kind, 'deny')
  assert.equal((await verdict(list, { ids: ids.prodIssue })).kind, 'deny')
})

test('what cannot be said to live in one repository is denied', async () => {
  const query = 'query ($id: ID!) { node(id: $id) { id } }'
  for (const id of [ids.user, 'I_nothing'])
    assert.equal((await verdict(query, { id })).kind, 'deny', id)
  const asked = asking(githubWorld())
  for (const id of ['', 'x"){id}', 'é', ' I_app1', 'I_app1 ', 'A'.repeat(300)])
    assert.equal((await verdict(query, { id }, asked)).kind, 'deny', id)
  assert.deepEqual(asked.questions, [], 'GitHub is not asked about what is no id')
})

test('an answer about another id, a short one, one with other errors, and none are denied', async () => {
  const query = `{ nodes(ids: ["${ids.appIssue}", "${ids.appPull}"]) { id } }`
  const honest = asking(githubWorld())
  const changed = (
    change: (json: { data?: { nodes?: unknown }; errors?: unknown }) => unknown,
  ) => ({
    questions: [],
    ask: async (question: Parameters<typeof honest.ask>[0]) => {
      const { status, json } = await honest.ask(question)
      return { status, json: change(json as { data?: { nodes?: unknown } }) }
    },
  })
  const nodesOf = (json: { data?: { nodes?: unknown } }) => json.data?.nodes as unknown[]
  assert.equal(
    (
      await verdict(
        query,
        undefined,
        changed((json) => json),
      )
    ).kind,
    'allow',
  )
  for (const change of [
    (json: { data?: { nodes?: unknown } }) => ({ data: { nodes: nodesOf(json).toReversed() } }),
    (json: { data?: { nodes?: unknown } }) => ({ data: { nodes: nodesOf(json).slice(0, 1) } }),
    (json: { data?: { nodes?: unknown } }) => ({ data: { nodes: [...nodesOf(json), null] } }),
    (json: { data?: { nodes?: unknown } }) => ({ ...json, errors: [{ message: 'timeout' }] }),
    () => ({ data: null }),
    () => ({ data: { nodes: null } }),
    () => 'not found',
    () => undefined,
  ])
    assert.equal((await verdict(query, undefined, changed(change))).kind, 'deny')
  const failing = { questions: [], ask: () => Promise.reject(new Error('timeout')) }
  assert.equal((await verdict(query, undefined, failing)).kind, 'deny')
})
