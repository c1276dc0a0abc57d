/** Documents as `gh` writes them: named operations, fragments, lists in variables, defaults. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verdict } from '../../../support/github-graphql-stand-in.ts'

const own = { owner: 'acme', repo: 'app-staging', limit: 30 }

const documents = {
  issues: `
    fragment issue on Issue {number,title,url,state,updatedAt,labels(first:100){nodes{id,name,description,color},totalCount}}
    query IssueList($owner: String!, $repo: String!, $limit: Int, $endCursor: String, $states: [IssueState!] = OPEN) {
      repository(owner: $owner, name: $repo) {
        hasIssuesEnabled
        issues(first: $limit, after: $endCursor, orderBy: {field: CREATED_AT, direction: DESC}, states: $states) {
          totalCount
          nodes { ...issue }
          pageInfo { hasNextPage endCursor }
        }
      }
    }`,
  pulls: `
    fragment pr on PullRequest{number,title,state,url,headRefName,headRepositoryOwner{id,login,...on User{name}},isCrossRepository,isDraft,createdAt}
    query PullRequestList($owner: String!, $repo: String!, $limit: Int!, $endCursor: String, $baseBranch: String, $state: [PullRequestState!] = OPEN) {
      repository(owner: $owner, name: $repo) {
        pullRequests(states: $state, baseRefName: $baseBranch, first: $limit, after: $endCursor, orderBy: {field: CREATED_AT, direction: DESC}) {
          totalCount
          nodes { ...pr }
          pageInfo { hasNextPage endCursor }
        }
      }
    }`,
  checks: `
    query PullRequestStatus($owner: String!, $repo: String!, $limit: Int!) {
      repository(owner: $owner, name: $repo) {
        pullRequest(number: 1) {
          statusCheckRollup: commits(last: 1) { nodes { commit { statusCheckRollup { contexts(first: $limit) {
            nodes { __typename
              ... on StatusContext { context state targetUrl isRequired(pullRequestNumber: 1) }
              ... on CheckRun { name status conclusion checkSuite { workflowRun { event workflow { name } } } }
            }
            pageInfo { hasNextPage endCursor }
          } } } } }
        }
      }
    }`,
  labels: `
    query LabelList($owner: String!, $repo: String!, $limit: Int!, $query: String, $orderBy: LabelOrder) {
      repository(owner: $owner, name: $repo) {
        labels(first: $limit, query: $query, orderBy: $orderBy) { totalCount nodes { id name color isDefault } pageInfo { hasNextPage } }
      }
    }`,
}

test('the lists of gh are read in the own repository, and nowhere else', async () => {
  for (const [name, document] of Object.entries(documents)) {
    assert.deepEqual(await verdict(document, own, undefined, ['read']), { kind: 'allow' }, name)
    assert.deepEqual(
      await verdict(document, { ...own, repo: 'app-prod' }, undefined, ['read']),
      { kind: 'deny', why: 'outside' },
      name,
    )
  }
})
