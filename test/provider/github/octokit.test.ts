/**
 * Octokit's REST methods, unmodified but for base URL and token, through a whole broker, over GitHub's own description:
 * what reaches GitHub is the operation that the method is named for, and holds against what GitHub says of it.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { after, afterEach, before, describe, test } from 'node:test'
import { Octokit } from 'octokit'
import { openTestBroker, type TestBroker } from '../../support/broker.ts'
import {
  startDescribedUpstream,
  type Arrived,
  type DescribedUpstream,
} from '../../support/described-upstream.ts'
import type { Answered, Recorded } from '../../support/recorded-server.ts'
import { grantOn, type Granted } from '../../support/world.ts'

const url = new URL('../../../../shared/specs/github-rest-openapi.json', import.meta.url)
const skip = existsSync(url) ? false : 'GitHub’s description is not here'

const secret = 'ghs_standInSecretOfTheBroker0123456789'
const here = { owner: 'acme', repo: 'app-staging' }
const sha = 'aa218f56b14c9653891f9e74264a383fa43fefbd'
const prod = { owner: 'acme', repo: 'app-prod' }

const repository = '/repos/{owner}/{repo}'
const paths = [
  '',
  '/actions/runs',
  '/actions/workflows/{workflow_id}/dispatches',
  '/branches/{branch}/protection',
  '/compare/{basehead}',
  '/contents/{path}',
  '/git/ref/{ref}',
  '/git/refs',
  '/git/refs/{ref}',
  '/git/trees',
  '/issues',
  '/issues/{issue_number}',
  '/issues/{issue_number}/comments',
  '/issues/{issue_number}/labels',
  '/issues/{issue_number}/labels/{name}',
  '/labels/{name}',
  '/pulls',
  '/pulls/{pull_number}/reviews',
  '/releases',
  '/topics',
]
  .map((below) => `${repository}${below}`)
  // What a credential reaches is asked when it is stored.
  .concat('/installation/repositories')

/** What reached GitHub, `below` the repository. */
type Sent = Omit<Arrived, 'path'> & { readonly status: number; readonly below: string }

/** The repository is the one that was asked for, and its pull requests fill three pages. */
function state({ method, target }: Recorded, described: Answered): Answered {
  const { pathname, searchParams } = new URL(target, 'https://api.github.com')
  const name = /^\/repos\/([^/]+\/[^/]+)$/.exec(pathname)?.[1]
  if (method === 'GET' && name !== undefined)
    return { ...described, json: { ...(described.json as object), full_name: name } }
  if (method === 'GET' && pathname.endsWith('/pulls')) {
    const page = Number(searchParams.get('page') ?? '1')
    const [example] = described.json as object[]
    const more = `<https://api.github.com/repositories/1296269/pulls?per_page=1&page=${String(page + 1)}>`
    return {
      ...described,
      headers: page < 3 ? { link: `${more}; rel="next"` } : {},
      json: page > 3 ? [] : [{ ...example, number: page }],
    }
  }
  return described
}

/** A client that leaves the broker has lost the test, and must not reach anybody with what it carries. */
function onlyHere(...[input, init]: Parameters<typeof fetch>): Promise<Response> {
  const address = new URL(input instanceof Request ? input.url : input)
  if (address.hostname !== '127.0.0.1') throw new Error(`it went to ${address.origin}`)
  return fetch(input, init)
}

/** Octokit does not read `application/problem+json`: it hands out the bytes, or the text where a charset is named. */
const refused = (code: string) => (error: unknown) => {
  const { data } = (error as { readonly response: { readonly data: ArrayBuffer | string } })
    .response
  const text = typeof data === 'string' ? data : Buffer.from(data).toString()
  assert.equal((JSON.parse(text) as { code: string }).code, code, text)
  return true
}

describe('octokit over GitHub’s description', { skip }, () => {
  let upstream: DescribedUpstream
  let broker: TestBroker
  let granted: Granted

  before(async () => {
    upstream = await startDescribedUpstream({
      description: JSON.parse(readFileSync(url, 'utf8')) as Record<string, unknown>,
      paths,
      token: secret,
      state,
    })
    broker = await openTestBroker(undefined, { upstreams: { github: upstream.origin } })
    granted = await grantOn(broker, {
      provider: 'github',
      bindings: [{ provider: 'github', kind: 'repository', id: 'acme/app-staging' }],
      secret,
      grant: { verbs: ['read', 'write', 'git/delete-ref'], approval: 'never' },
    })
    assert.deepEqual(names(), ['apps/list-repos-accessible-to-installation'])
  })

  after(async () => {
    await broker.close()
    await upstream.close()
  })

  afterEach(() => {
    upstream.take()
  })

  function names(): readonly string[] {
    return upstream.take().map(({ operation }) => operation)
  }

  async function client(verbs: readonly string[]): Promise<Octokit> {
    return new Octokit({
      baseUrl: `${broker.url}/proxy/github`,
      auth: await granted.token({ verbs }),
      retry: { enabled: false },
      throttle: { enabled: false },
      request: { fetch: onlyHere },
    })
  }

  type Call = (rest: Octokit['rest']) => Promise<{ readonly status: number }>

  /** Sends one request, and tells what reached GitHub of it. */
  async function sent(call: Call, verbs = ['read', 'write']): Promise<Sent> {
    const octokit = await client(verbs)
    const { status } = await call(octokit.rest)
    const [arrived, ...more] = upstream.take()
    assert.ok(arrived !== undefined && more.length === 0)
    const { path, ...rest } = arrived
    return { status, below: path.replace('/repos/acme/app-staging', ''), ...rest }
  }

  test('a repository is read, without the token that clones it', async () => {
    const { rest } = await client(['read'])
    const { data } = await rest.repos.get(here)
    assert.equal(data.full_name, 'acme/app-staging')
    assert.equal(data.temp_clone_token, '[redacted]')
    assert.deepEqual(names(), ['repos/get'])
  })

  test('issues and their labels are written as they were meant, whatever is in them', async () => {
    const issue = {
      title: 'Größe „7“ 🚗',
      body: 'one\r\ntwo\u0000',
      labels: ['bug', { name: 'needs: triage/now' }],
      assignees: ['octocat'],
    }
    assert.deepEqual(await sent((rest) => rest.issues.create({ ...here, ...issue })), {
      status: 201,
      operation: 'issues/create',
      below: '/issues',
      body: issue,
    })
    const closed = { state: 'closed', state_reason: 'completed' } as const
    assert.deepEqual(
      await sent((rest) => rest.issues.update({ ...here, issue_number: 7, ...closed })),
      { status: 200, operation: 'issues/update', below: '/issues/7', body: closed },
    )
    const name = 'needs: triage/now'
    assert.deepEqual(
      await sent((rest) => rest.issues.addLabels({ ...here, issue_number: 7, labels: [name] })),
      {
        status: 200,
        operation: 'issues/add-labels',
        below: '/issues/7/labels',
        body: { labels: [name] },
      },
    )
    assert.deepEqual(
      await sent((rest) => rest.issues.removeLabel({ ...here, issue_number: 7, name })),
      { status: 200, operation: 'issues/remove-label', below: `/issues/7/labels/${name}` },
    )
    const wish = {
      labels: 'bug,needs: triage',
      state: 'all',
      since: '2026-01-01T00:00:00Z',
    } as const
    assert.deepEqual(await sent((rest) => rest.issues.listForRepo({ ...here, ...wish })), {
      status: 200,
      operation: 'issues/list-for-repo',
      below: '/issues',
      query: wish,
    })
  })

  test('branches and files are written where they were meant, slashes and all', async () => {
    const ref = 'heads/feature/login'
    assert.deepEqual(
      await sent((rest) => rest.git.createRef({ ...here, ref: `refs/${ref}`, sha })),
      {
        status: 201,
        operation: 'git/create-ref',
        below: '/git/refs',
        body: { ref: `refs/${ref}`, sha },
      },
    )
    assert.deepEqual(await sent((rest) => rest.git.getRef({ ...here, ref })), {
      status: 200,
      operation: 'git/get-ref',
      below: `/git/ref/${ref}`,
    })
    assert.deepEqual(await sent((rest) => rest.git.updateRef({ ...here, ref, sha })), {
      status: 200,
      operation: 'git/update-ref',
      below: `/git/refs/${ref}`,
      body: { sha },
    })
    const path = 'docs/über uns?.md'
    const content = { message: 'Say who we are', content: 'eA==', sha, branch: 'feature/login' }
    assert.deepEqual(
      await sent((rest) => rest.repos.createOrUpdateFileContents({ ...here, path, ...content })),
      {
        status: 200,
        operation: 'repos/create-or-update-file-contents',
        below: `/contents/${path}`,
        body: content,
      },
    )
    assert.deepEqual(
      await sent((rest) => rest.repos.getContent({ ...here, path, ref: 'feature/login' })),
      {
        status: 200,
        operation: 'repos/get-content',
        below: `/contents/${path}`,
        query: { ref: 'feature/login' },
      },
    )
    const tree = [{ path: 'docs/a.md', mode: '100644', type: 'blob', content: 'x' }] as const
    assert.deepEqual(
      await sent((rest) => rest.git.createTree({ ...here, base_tree: sha, tree: [...tree] })),
      {
        status: 201,
        operation: 'git/create-tree',
        below: '/git/trees',
        body: { base_tree: sha, tree },
      },
    )
    assert.deepEqual(
      await sent((rest) =>
        rest.repos.compareCommitsWithBasehead({ ...here, basehead: 'main...feature/login' }),
      ),
      {
        status: 200,
        operation: 'repos/compare-commits-with-basehead',
        below: '/compare/main...feature/login',
      },
    )
    assert.deepEqual(
      await sent((rest) => rest.repos.getBranchProtection({ ...here, branch: 'release/1' })),
      {
        status: 200,
        operation: 'repos/get-branch-protection',
        below: '/branches/release/1/protection',
      },
    )
  })

  test('pull requests, releases and workflows are reached with all that was said', async () => {
    const pull = { title: 'Sign in', head: 'feature/login', base: 'main', draft: true }
    assert.deepEqual(await sent((rest) => rest.pulls.create({ ...here, ...pull })), {
      status: 201,
      operation: 'pulls/create',
      below: '/pulls',
      body: pull,
    })
    const review = {
      event: 'COMMENT' as const,
      body: 'Why?',
      comments: [{ path: 'a.ts', position: 1, body: 'Here' }],
    }
    assert.deepEqual(
      await sent((rest) => rest.pulls.createReview({ ...here, pull_number: 3, ...review })),
      {
        status: 200,
        operation: 'pulls/create-review',
        below: '/pulls/3/reviews',
        body: review,
      },
    )
    const release = { tag_name: 'v1', draft: true, generate_release_notes: true }
    assert.deepEqual(await sent((rest) => rest.repos.createRelease({ ...here, ...release })), {
      status: 201,
      operation: 'repos/create-release',
      below: '/releases',
      body: release,
    })
    assert.deepEqual(await sent((rest) => rest.repos.listReleases(here)), {
      status: 200,
      operation: 'repos/list-releases',
      below: '/releases',
    })
    const runs = { status: 'success', branch: 'main', created: '2026-01-01T00:00:00Z' } as const
    assert.deepEqual(
      await sent((rest) => rest.actions.listWorkflowRunsForRepo({ ...here, ...runs })),
      {
        status: 200,
        operation: 'actions/list-workflow-runs-for-repo',
        below: '/actions/runs',
        query: runs,
      },
    )
    const inputs = { target: 'staging' }
    assert.deepEqual(
      await sent((rest) =>
        rest.actions.createWorkflowDispatch({
          ...here,
          workflow_id: 'ci.yml',
          ref: 'main',
          inputs,
        }),
      ),
      {
        status: 200,
        operation: 'actions/create-workflow-dispatch',
        below: '/actions/workflows/ci.yml/dispatches',
        body: { ref: 'main', inputs },
      },
    )
  })

  test('a list is read page by page', async () => {
    const { rest } = await client(['read'])
    const numbers: number[] = []
    for (let page = 1; page < 9; page++) {
      const { data } = await rest.pulls.list({ ...here, state: 'open', per_page: 1, page })
      if (data.length === 0) break
      numbers.push(...data.map(({ number }) => number))
    }
    assert.deepEqual(numbers, [1, 2, 3])
  })

  test('octokit finds the next page by itself, and stays with the broker', async () => {
    const octokit = await client(['read'])
    const pulls = await octokit.paginate(octokit.rest.pulls.list, { ...here, per_page: 1 })
    assert.deepEqual(
      pulls.map(({ number }) => number),
      [1, 2, 3],
    )
  })

  test('what the capability does not cover is refused before it leaves', async () => {
    const { rest } = await client(['read', 'write'])
    await assert.rejects(rest.repos.delete(here), refused('verb_missing'))
    await assert.rejects(
      rest.git.deleteRef({ ...here, ref: 'heads/main' }),
      refused('verb_missing'),
    )
    await assert.rejects(
      rest.git.updateRef({ ...here, ref: 'heads/main', sha, force: true }),
      refused('verb_missing'),
    )
    await assert.rejects(
      rest.repos.createOrUpdateFileContents({
        ...here,
        path: '.github/workflows/ci.yml',
        message: 'm',
        content: 'eA==',
      }),
      refused('verb_missing'),
    )
    await assert.rejects(rest.repos.get(prod), refused('environment_outside'))
    await assert.rejects(
      rest.issues.create({ ...prod, title: 'x' }),
      refused('environment_outside'),
    )
    assert.deepEqual(upstream.take(), [])
  })

  test('what destroys asks GitHub first whether the name is still that repository’s', async () => {
    const { rest } = await client(['git/delete-ref'])
    await rest.git.deleteRef({ ...here, ref: 'heads/feature/login' })
    assert.deepEqual(names(), ['repos/get', 'git/delete-ref'])
  })

  test('what the description does not allow would be told: it is not for show', async () => {
    const straight = async (line: string, body?: unknown, authorization = `Bearer ${secret}`) => {
      const [method = '', target = ''] = line.split(' ')
      await fetch(`${upstream.origin}${target}`, {
        method,
        headers: { authorization, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return upstream.violations.splice(0).length
    }
    assert.equal(await straight('POST /repos/a/b/issues', { title: 'x' }), 0)
    assert.equal(await straight('POST /repos/a/b/issues', { titel: 'x' }), 1)
    assert.equal(await straight('POST /repos/a/b/issues', { title: 'x', labels: 7 }), 1)
    assert.equal(await straight('POST /repos/a/b/issues', { title: 'x' }, 'Bearer another'), 1)
    assert.equal(await straight('GET /repos/a/b/pulls?state=opne'), 1)
    assert.equal(await straight('GET /repos/a/b/pulls?stat=open'), 1)
    assert.equal(await straight('GET /repos/a/b/contents/docs/a.md'), 1)
    assert.equal(await straight('DELETE /repos/a/b/issues'), 1)
  })
})
