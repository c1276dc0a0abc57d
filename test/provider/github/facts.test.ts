import assert from 'node:assert/strict'
import { test } from 'node:test'
import { githubAdapter } from '../../../src/provider/github/adapter.ts'
import { telling, toldAt } from '../../support/telling.ts'

const adapter = githubAdapter(
  () => 0,
  () => toldAt,
)

test('of a repository the approver reads how big and how alive it is, and what goes with it', async () => {
  const { facts, objects } = await telling(adapter, 'DELETE /repos/Acme/App', {
    '/repos/Acme/App': {
      id: 7,
      full_name: 'acme/app',
      visibility: 'private',
      archived: false,
      size: 41_300,
      default_branch: 'main',
      pushed_at: '2026-06-01T09:00:00Z',
      created_at: '2020-06-01T12:00:00Z',
      stargazers_count: 80,
      forks_count: 9,
      open_issues_count: 12,
      temp_clone_token: 'hunter2',
    },
    '/repos/Acme/App/branches?per_page=100': Array.from({ length: 100 }, (_, i) => ({
      name: `b${String(i)}`,
    })),
    '/repos/Acme/App/releases?per_page=100': [{ tag_name: 'v1' }],
  })
  assert.equal(
    facts.get('Repository "acme/app"'),
    'visibility "private"; archived false; size 41.3 MB; default branch "main"; last push 2026-06-01 09:00 UTC (3 h old); stars 80; forks 9; open issues and pull requests 12; created 2020-06-01 12:00 UTC (2191 days old)',
  )
  // A whole page may not be all: only a header would say so.
  assert.match(facts.get('Branches deleted with it') ?? '', /^at least 100: "b0", .*"b11", …$/)
  assert.equal(facts.get('Releases deleted with it'), '1: "v1"')
  assert.deepEqual(objects, new Map([['repository:acme/app', { name: 'acme/app' }]]))
})

test('of a branch that is deleted, what it points to, however its name is spelled', async () => {
  const world = {
    '/repos/acme/app/git/ref/heads%2Ffeature%2Fa': {
      ref: 'refs/heads/feature/a',
      object: { type: 'commit', sha: 'aa218f56b14c9653891f9e74264a383fa43fefbd' },
    },
  }
  for (const line of [
    'DELETE /repos/acme/app/git/refs/heads/feature/a',
    'DELETE /repos/acme/app/git/refs/heads%2Ffeature%2Fa',
  ]) {
    const { facts } = await telling(adapter, line, world)
    assert.deepEqual(
      [...facts],
      [
        [
          'Reference "refs/heads/feature/a"',
          'points to the "commit"; with the id "aa218f56b14c9653891f9e74264a383fa43fefbd"',
        ],
      ],
    )
  }
})

test('of a release and of an environment, by their own names', async () => {
  const release = await telling(adapter, 'DELETE /repos/acme/app/releases/5', {
    '/repos/acme/app/releases/5': {
      id: 5,
      name: 'One',
      tag_name: 'v1',
      draft: false,
      assets: [{ name: 'app.tar.gz' }],
      published_at: '2026-06-01T09:00:00Z',
    },
  })
  assert.deepEqual(
    [...release.facts],
    [
      [
        'Release "One"',
        'tag "v1"; draft false; files deleted with it "app.tar.gz"; published 2026-06-01 09:00 UTC (3 h old)',
      ],
    ],
  )
  const environment = await telling(adapter, 'DELETE /repos/acme/app/environments/a%2Fb', {
    '/repos/acme/app/environments/a%2Fb': { name: 'a/b', protection_rules: [{ type: 'wait' }] },
  })
  assert.match(
    environment.facts.get('Deployment environment "a/b"') ?? '',
    /^protection rules "wait"; created not told$/,
  )
})
