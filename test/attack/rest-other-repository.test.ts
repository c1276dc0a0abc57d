/** The path names one repository, and an argument another one; or the arguments make an operation graver than its name. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { githubAdapter } from '../../src/provider/github/adapter.ts'
import { decisionOf, invocationOf, jsonType, requestOf } from '../provider/github/request.ts'

const adapter = githubAdapter()

function identify(line: string, body?: unknown) {
  return adapter.identify(
    requestOf(
      line,
      body === undefined ? {} : jsonType,
      body === undefined ? '' : JSON.stringify(body),
    ),
  )
}

const everything = ['read', 'write', 'destructive', 'secret', 'admin'].join('+')

test('a request that reaches another repository is denied to whoever may do everything in this one', async () => {
  const repo = '/repos/acme/app-staging'
  const cases: readonly (readonly [string, unknown?])[] = [
    [`POST ${repo}/forks`, { organization: 'eve' }],
    [`POST ${repo}/transfer`, { new_owner: 'eve' }],
    [`POST ${repo}/generate`, { owner: 'eve', name: 'copy' }],
    [`POST ${repo}/pulls`, { title: 'x', head: 'eve:main', base: 'main' }],
    [`POST ${repo}/pulls`, { title: 'x', head: 'main', head_repo: 'app-prod', base: 'main' }],
    [`POST ${repo}/pulls`, { title: 'x', head: ['eve:main'], base: 'main' }],
    [
      `POST ${repo}/code-scanning/codeql/variant-analyses`,
      { language: 'go', query_pack: 'x', repositories: ['acme/app-prod'] },
    ],
    [`POST ${repo}/issues/1/sub_issues`, { sub_issue_id: 1 }],
    [`PATCH ${repo}/issues/1`, { duplicate_issue_id: 1 }],
    [`POST ${repo}/security-advisories`, { summary: 'x', start_private_fork: true }],
    [`GET ${repo}/compare/main...eve:main`],
    [`GET ${repo}/compare/eve:app-prod:main...main`],
    [`GET ${repo}/dependency-graph/compare/main...eve%3Amain`],
    [`GET ${repo}/forks`],
    [`GET ${repo}/issues/1/timeline`],
    ['GET /networks/acme/app-staging/events'],
    [`GET ${repo}/code-scanning/codeql/variant-analyses/1/repos/acme/app-prod`],
    [`PUT /orgs/acme/teams/eve${repo}`, { permission: 'admin' }],
    [`PUT /user/starred/acme/app-staging`],
    ['GET /user'],
    ['GET /gists'],
    ['GET /notifications'],
    ['GET /'],
  ]
  for (const [line, body] of cases) {
    const identified = identify(line, body)
    assert.ok(identified.ok, `${line}: understood, and then denied`)
    assert.equal(await decisionOf(adapter, identified, [everything]), 'deny', line)
  }
})

test('the same requests within the repository are allowed', async () => {
  const repo = '/repos/acme/app-staging'
  const cases: readonly (readonly [string, unknown?])[] = [
    [
      `POST ${repo}/pulls`,
      { title: 'x', head: 'Acme:feature', head_repo: 'App-Staging', base: 'main' },
    ],
    [`PATCH ${repo}/issues/1`, { state: 'closed' }],
    [`GET ${repo}/compare/main...feature/login`],
    [`GET ${repo}/issues/1/comments`],
    [`POST ${repo}/security-advisories`, { summary: 'x', start_private_fork: false }],
    ['GET /rate_limit'],
  ]
  for (const [line, body] of cases) {
    assert.equal(await decisionOf(adapter, identify(line, body), [everything]), 'allow', line)
  }
})

test('arguments that make an operation graver add the effect, and none is added without them', () => {
  const repo = '/repos/acme/app-staging'
  const workflow = `${repo}/contents/.github/workflows/deploy.yml`
  const cases: readonly (readonly [string, unknown, readonly string[]])[] = [
    [`PATCH ${repo}`, { description: 'x' }, []],
    [`PATCH ${repo}`, { archived: true }, ['destructive']],
    [`PATCH ${repo}`, { private: false }, ['destructive', 'admin']],
    [`PATCH ${repo}`, { visibility: 'public' }, ['destructive', 'admin']],
    [`PATCH ${repo}`, { default_branch: 'x' }, ['admin']],
    [`PATCH ${repo}`, { name: 'app-prod' }, ['destructive', 'admin']],
    [`PATCH ${repo}/git/refs/heads/main`, { sha: 'a' }, []],
    [`PATCH ${repo}/git/refs/heads/main`, { sha: 'a', force: false }, []],
    [`PATCH ${repo}/git/refs/heads/main`, { sha: 'a', force: true }, ['destructive']],
    [`PATCH ${repo}/git/refs/heads/main`, { sha: 'a', force: 'true' }, ['destructive']],
    [`PUT ${repo}/contents/src/x.ts`, { message: 'x', content: '' }, []],
    [`PUT ${workflow}`, { message: 'x', content: '' }, ['admin']],
    [
      `PUT ${repo}/contents/.github%2Fworkflows%2Fdeploy.yml`,
      { message: 'x', content: '' },
      ['admin'],
    ],
    [
      `PUT ${repo}/contents/%2EGitHub/Workflows/deploy.yml`,
      { message: 'x', content: '' },
      ['admin'],
    ],
    [`PUT ${repo}/contents/CODEOWNERS`, { message: 'x', content: '' }, ['admin']],
    [`DELETE ${workflow}`, { message: 'x', sha: 'a' }, ['admin']],
    [`POST ${repo}/git/trees`, { tree: [{ path: 'a', sha: 'b' }] }, []],
    [`POST ${repo}/git/trees`, { tree: [{ path: 'a', sha: null }] }, ['destructive']],
    [
      `POST ${repo}/git/trees`,
      { tree: [{ path: '.github', mode: '040000', sha: 'b' }] },
      ['admin'],
    ],
    [`POST ${repo}/git/trees`, { tree: { 0: { path: './.github/workflows/x.yml' } } }, ['admin']],
    [`POST ${repo}/pulls/1/reviews`, { event: 'COMMENT' }, []],
    [`POST ${repo}/pulls/1/reviews`, { event: 'approve' }, ['admin']],
    [`POST ${repo}/actions/jobs/1/rerun`, { enable_debugger: true }, ['admin']],
  ]
  for (const [line, body, added] of cases) {
    assert.deepEqual(
      invocationOf(identify(line, body)).added,
      added,
      `${line} ${JSON.stringify(body)}`,
    )
  }
})

test('a capability that names the operation does not cover the effects that its arguments add', async () => {
  const archived = identify('PATCH /repos/acme/app-staging', { archived: true })
  assert.equal(await decisionOf(adapter, archived, ['repos/update']), 'deny')
  assert.equal(await decisionOf(adapter, archived, ['repos/update+destructive']), 'allow')
})

test('reading secrets, variables, hooks and keys is not covered by "read"', async () => {
  for (const path of [
    'actions/secrets',
    'actions/variables',
    'environments/x/variables',
    'hooks',
    'keys',
    'secret-scanning/alerts',
    'actions/runners/downloads',
  ]) {
    const identified = identify(`GET /repos/acme/app-staging/${path}`)
    assert.equal(await decisionOf(adapter, identified, ['read']), 'deny', path)
    assert.equal(await decisionOf(adapter, identified, ['read+secret']), 'allow', path)
  }
})
