import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { place, type Invocation } from '../../../src/core/operation.ts'
import type { Ask, LocateContext } from '../../../src/provider/adapter.ts'
import { githubAdapter } from '../../../src/provider/github/adapter.ts'
import {
  startGithubStandIn,
  type GithubStandIn,
  type StandInOptions,
} from '../../support/github-stand-in.ts'
import { invocationOf, jsonType, requestOf } from './request.ts'

const adapter = githubAdapter()
const token = 'ghs_standin'
const staging = new Set([place('repository', 'acme/app-staging')])

async function standIn(
  t: TestContext,
  options: Partial<StandInOptions> = {},
): Promise<GithubStandIn> {
  const server = await startGithubStandIn({ token, ...options })
  t.after(() => server.close())
  return server
}

function asking(server: GithubStandIn, given: string = token): Ask {
  return async ({ method, target, headers }) => {
    const answer = await fetch(`${server.origin}${target}`, {
      method,
      redirect: 'manual',
      headers: { ...headers, ...adapter.headers, authorization: `Bearer ${given}` },
    })
    return { status: answer.status, json: await answer.json() }
  }
}

function context(server: GithubStandIn, fresh: boolean): LocateContext {
  return { ask: asking(server), fresh, cacheKey: 'c1', bound: staging }
}

const invoke = (line: string, body = ''): Invocation =>
  invocationOf(adapter.identify(requestOf(line, body === '' ? {} : jsonType, body)))

test('a read is located by its name alone, in lower case, without asking', async (t) => {
  const server = await standIn(t)
  const located = adapter.locate(
    invoke('GET /repos/Acme/App-Staging/issues'),
    context(server, false),
  )
  assert.deepEqual(located, { places: ['repository:acme/app-staging'], unresolved: [] })
  assert.equal(server.requests.length, 0)
})

test('a grave operation is located by asking GitHub whether the name is still its own', async (t) => {
  const server = await standIn(t)
  const located = await adapter.locate(
    invoke('DELETE /repos/acme/App-Staging'),
    context(server, true),
  )
  assert.deepEqual(located, { places: ['repository:acme/app-staging'], unresolved: [] })
  assert.deepEqual(
    server.requests.map(({ line }) => line),
    ['GET /repos/acme/app-staging HTTP/1.1'],
  )
  assert.equal(server.requests[0]?.headers['user-agent'], 'valetkey')
})

test('a repository that was renamed away is not where its old name says', async (t) => {
  const server = await standIn(t)
  server.rename('acme/app-staging', 'acme/app-archive')
  const { places, unresolved } = await adapter.locate(
    invoke('DELETE /repos/acme/app-staging'),
    context(server, true),
  )
  assert.deepEqual(places, [])
  assert.deepEqual(unresolved, [{ kind: 'repository', id: 'acme/app-staging', why: 'not_found' }])
})

test('an answer that names another repository, or none, or that fails, leaves it unresolved', async () => {
  const answers: readonly (readonly [unknown, number, string])[] = [
    [{ full_name: 'acme/app-prod' }, 200, 'not_found'],
    [{}, 200, 'not_found'],
    [undefined, 200, 'not_found'],
    [{ full_name: 'acme/app-staging' }, 404, 'not_found'],
    [{ full_name: 'acme/app-staging' }, 500, 'lookup_failed'],
  ]
  for (const [json, status, why] of answers) {
    const ask: Ask = async () => ({ status, json })
    const given = { ask, fresh: true, cacheKey: 'c1', bound: staging }
    const { places, unresolved } = await adapter.locate(
      invoke('DELETE /repos/acme/app-staging'),
      given,
    )
    assert.deepEqual([places, unresolved.map((one) => one.why)], [[], [why]])
  }
  const ask: Ask = async () => {
    throw new Error('timed out')
  }
  const { unresolved } = await adapter.locate(invoke('DELETE /repos/acme/app-staging'), {
    ask,
    fresh: true,
    cacheKey: 'c1',
    bound: staging,
  })
  assert.equal(unresolved[0]?.why, 'lookup_failed')
})

test('GitHub is not asked about a repository that the environment does not have', async (t) => {
  const server = await standIn(t)
  const { places } = await adapter.locate(
    invoke('DELETE /repos/acme/app-prod'),
    context(server, true),
  )
  assert.deepEqual(places, ['repository:acme/app-prod'])
  assert.equal(server.requests.length, 0)
})

test('an operation that names two repositories is in both', () => {
  const invocation = invoke(
    'GET /repos/acme/app-staging/code-scanning/codeql/variant-analyses/1/repos/acme/app-prod',
  )
  assert.deepEqual(
    invocation.resources.map(({ id, path }) => [id, path]),
    [
      ['acme/app-staging', 'owner,repo'],
      ['acme/app-prod', 'repo_owner,repo_name'],
    ],
  )
})

test('an id of a kind that has no resolver is not located', async () => {
  const invocation = invoke('GET /repos/acme/app-staging')
  const resources = [
    { kind: 'repositoryId', id: '700000001', role: 'target', path: 'repository_id' },
  ] as const
  const ask: Ask = async () => ({ status: 200, json: { full_name: 'acme/app-staging' } })
  for (const fresh of [false, true]) {
    const given = { ask, fresh, cacheKey: 'c1', bound: staging }
    const { places, unresolved } = await adapter.locate({ ...invocation, resources }, given)
    assert.deepEqual([places, unresolved.map((one) => one.why)], [[], ['no_resolver']])
  }
})

test('a bound id is spelled as locate spells places', () => {
  assert.equal(
    adapter.bindingPlace('repository', 'Acme/App-Staging'),
    'repository:acme/app-staging',
  )
  const [binding] = adapter.bindings
  assert.ok(binding)
  const shape = new RegExp(binding.pattern)
  for (const good of [binding.example, 'acme/.github', 'a-b/c.d_e'])
    assert.ok(shape.test(good), good)
  for (const bad of [
    'acme',
    'acme/',
    'acme/..',
    'acme/app.git',
    'acme/app/x',
    'acme /app',
    'acme/app%2f',
  ]) {
    assert.ok(!shape.test(bad), bad)
  }
})

test('an installation token is within its environment exactly when it lists nothing else', async (t) => {
  const narrow = await standIn(t, {
    tokenOf: 'installation',
    repositories: { 'Acme/app-staging': 1 },
  })
  assert.deepEqual(await adapter.reach(asking(narrow), staging), { kind: 'within' })
  const wide = await standIn(t, { tokenOf: 'installation' })
  assert.equal((await adapter.reach(asking(wide), staging)).kind, 'wider')
})

test('an installation token that has more repositories than one page is wider than the ones seen', async () => {
  const repositories = [{ full_name: 'acme/app-staging' }]
  const ask: Ask = async () => ({ status: 200, json: { total_count: 101, repositories } })
  assert.equal((await adapter.reach(ask, staging)).kind, 'wider')
})

test("a person's token is wider or unknown, never within", async (t) => {
  const narrow = await standIn(t, { repositories: { 'acme/app-staging': 1 } })
  assert.equal((await adapter.reach(asking(narrow), staging)).kind, 'unknown')
  const wide = await standIn(t)
  const reach = await adapter.reach(asking(wide), staging)
  assert.ok(reach.kind === 'wider' && !reach.detail.includes('app-prod'))
})

test('a token that GitHub does not accept is rejected', async (t) => {
  const server = await standIn(t)
  assert.equal((await adapter.reach(asking(server, 'ghs_wrong'), staging)).kind, 'rejected')
})

test('what GitHub answers oddly leaves the reach unknown', async () => {
  for (const json of [
    undefined,
    {},
    [],
    { total_count: 1, repositories: [{}] },
    { repositories: [] },
  ]) {
    assert.equal(
      (await adapter.reach(async () => ({ status: 200, json }), staging)).kind,
      'unknown',
    )
  }
})

test('the token in the answer to a runner’s registration is known to be one', () => {
  const registration = invoke('POST /repos/acme/app-staging/actions/runners/registration-token')
  assert.deepEqual(adapter.minted?.(registration), { paths: [['token']] })
  assert.equal(adapter.minted?.(invoke('GET /repos/acme/app-staging')), undefined)
})

test('the contents of the root of a repository can be asked for', () => {
  const identified = adapter.identify(requestOf('GET /repos/acme/app-staging/contents?ref=main'))
  assert.equal(invocationOf(identified).operation, 'repos/get-content')
  assert.ok(
    identified.ok && identified.request.target === '/repos/acme/app-staging/contents?ref=main',
  )
})

test('what Octokit, gh and curl send by themselves is understood', () => {
  const octokit = {
    accept: 'application/vnd.github.v3+json',
    'user-agent': 'octokit',
    'x-github-api-version': '2022-11-28',
  }
  const read = adapter.identify(
    requestOf('GET /repos/acme/app-staging/contents/docs%2Freadme.md', octokit),
  )
  assert.equal(invocationOf(read).arguments['path'], 'docs/readme.md')
  assert.ok(read.ok)
  assert.deepEqual(read.request.headers, {
    accept: 'application/vnd.github.v3+json',
    'x-github-api-version': '2022-11-28',
  })
  const label = { ...octokit, 'content-type': 'application/json; charset=utf-8' }
  const body = '{"title": "x", "labels": ["a"]}'
  const write = adapter.identify(requestOf('POST /repos/acme/app-staging/issues', label, body))
  assert.ok(write.ok && write.request.body?.toString() === '{"title":"x","labels":["a"]}')
  const empty = adapter.identify(requestOf('PUT /repos/acme/app-staging/issues/1/lock', label))
  assert.ok(
    empty.ok &&
      empty.request.body === undefined &&
      empty.request.headers['content-type'] === undefined,
  )
})
