/** Out of the repository by a selection: forks, owners, references, interfaces and the query type itself. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { githubIds as ids, verdict } from '../support/github-graphql-stand-in.ts'

/** Denied for what it reaches, not for how it was written down here. */
async function denied(text: string): Promise<void> {
  const found = await verdict(text)
  assert.ok(found.kind === 'deny', text)
  assert.doesNotMatch(found.why, /not valid|not parse|do not fit|merged/, text)
}

const own = (selection: string) =>
  `{ repository(owner: "acme", name: "app-staging") { ${selection} } }`

test('what stays in the repository is allowed', async () => {
  for (const selection of [
    'name isFork owner { login } defaultBranchRef { name target { oid } }',
    'issue(number: 1) { title author { login } comments(first: 1) { nodes { body author { __typename ... on User { name } } } } }',
    'issues(first: 10) { totalCount edges { node { id ... on Issue { repository { nameWithOwner } } } } }',
    'pullRequests(first: 1) { nodes { headRefName headRepositoryOwner { login } commits(last: 1) { nodes { commit { statusCheckRollup { state } } } } } }',
    'object(expression: "HEAD:x") { ... on Blob { text } ... on Commit { history(first: 1) { nodes { message } } } }',
    'milestones(first: 1) { nodes { title } } labels(first: 1) { nodes { name } } releases(first: 1) { nodes { tagName } }',
  ])
    assert.deepEqual(await verdict(own(selection)), { kind: 'allow' }, selection)
  for (const text of [
    '{ viewer { login } rateLimit { remaining } meta { gitHubServicesSha } __typename }',
    '{ __schema { queryType { name } } __type(name: "Issue") { name } }',
    '{ licenses { name } securityAdvisory(ghsaId: "GHSA-x") { summary } }',
  ])
    assert.deepEqual(await verdict(text), { kind: 'allow' }, text)
})

test('what leads out of it is denied, under any alias, fragment, directive and type condition', async () => {
  const node = (selection: string) => `{ node(id: "${ids.appIssue}") { ${selection} } }`
  for (const text of [
    own('forks(first: 1) { nodes { name } }'),
    own('parent { name }'),
    own('templateRepository { name }'),
    own('name: forks(first: 1) { totalCount }'),
    own('owner { repositories(first: 1) { nodes { name } } }'),
    own('owner { ... on Organization { repository(name: "app-prod") { name } } }'),
    own('owner { ... on ProfileOwner { email } }'),
    own('owner { ...F }') + ' fragment F on RepositoryOwner { repository(name: "x") { id } }',
    own('issues(first: 1) { nodes { author { ... on User { email } } } }'),
    own(
      'issues(first: 1) { nodes { author { ... on User { repositories(first: 1) { totalCount } } } } }',
    ),
    own('issue(number: 1) { subIssues(first: 1) { nodes { title } } }'),
    own('issue(number: 1) { parent { title } }'),
    own('issue(number: 1) { projectItems(first: 1) { totalCount } }'),
    own(
      'issue(number: 1) { timelineItems(first: 1) { nodes { ... on CrossReferencedEvent { source { ... on Issue { title } } } } } }',
    ),
    own(
      'issue(number: 1) { timelineItems(first: 1) { nodes { ... on TransferredEvent { fromRepository { name } } } } }',
    ),
    own(
      'issue(number: 1) { timelineItems(first: 1) { nodes { ... on ReferencedEvent { commit { message } } } } }',
    ),
    own('pullRequest(number: 1) { headRepository { name } }'),
    own('pullRequest(number: 1) { headRef { target { oid } } }'),
    own('pullRequest(number: 1) { closingIssuesReferences(first: 1) { nodes { title } } }'),
    own('ref(qualifiedName: "x") { compare(headRef: "eve:main") { aheadBy } }'),
    own('ref(qualifiedName: "x") { associatedPullRequests(first: 1) { totalCount } }'),
    own('packages(first: 1) { totalCount } projectsV2(first: 1) { totalCount }'),
    own('discussions(first: 1, categoryId: "DIC_other") { totalCount }'),
    own('object(expression: "HEAD") { ... on Commit { repository { id } } }'),
    own('object(expression: "HEAD") { repository { id } }'),
    own('viewerPossibleCommitEmails'),
    own('... @skip(if: true) { forks(first: 1) { totalCount } }'),
    own('... on Node { ... on Repository { parent { id } } }'),
    own('... on RepositoryInfo { ... on Repository { parent { id } } }'),
    node('... on RepositoryNode { repository { forks(first: 1) { totalCount } } }'),
    node('... on Node { ... on Issue { parent { id } } }'),
    node('... on Query { repository(owner: "acme", name: "app-prod") { id } }'),
    node('... on User { email }'),
    node('... on Organization { billingEmail: email }'),
    node('... on Enterprise { name }'),
    node('... on Gist { name }'),
    node('... on AuditEntry { actorIp }'),
    '{ relay { repository(owner: "acme", name: "app-prod") { id } } }',
    '{ viewer { email } }',
    '{ viewer { repositories(first: 1) { nodes { name } } } }',
    '{ viewer: rateLimit { remaining } login: viewer { repository(name: "x") { id } } }',
    '{ organization(login: "acme") { name } }',
    '{ search(query: "repo:acme/app-staging", type: ISSUE) { issueCount } }',
    '{ topic(name: "x") { repositories(first: 1) { totalCount } } }',
    `mutation { closeIssue(input: { issueId: "${ids.appIssue}" }) { issue { parent { title } } } }`,
    `mutation { addComment(input: { subjectId: "${ids.appIssue}", body: "x" }) { subject { ... on Query { viewer { email } } } } }`,
  ])
    await denied(text)
})

test('a token of the repository is a secret, wherever it is selected', async () => {
  for (const text of [
    own('tempCloneToken'),
    own('deployKeys(first: 1) { nodes { key } }'),
    own('object(expression: "HEAD") { ... on Commit { tarballUrl } }'),
    own('issue(number: 1) { repository { x: tempCloneToken } }'),
    `{ node(id: "${ids.app}") { ... on Repository { tempCloneToken } } }`,
  ]) {
    assert.deepEqual(
      await verdict(text, undefined, undefined, ['read']),
      { kind: 'deny', why: 'verb' },
      text,
    )
    assert.equal((await verdict(text, undefined, undefined, ['read+secret'])).kind, 'allow', text)
  }
})
