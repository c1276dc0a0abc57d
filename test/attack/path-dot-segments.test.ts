/** Dot segments: the policy sees one repository, a hop that normalises sees another (GHSA-p224-6x5r-fjpm). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { githubAdapter } from '../../src/provider/github/adapter.ts'
import { requestOf } from '../provider/github/request.ts'

const adapter = githubAdapter()
const dots = [
  '.',
  '..',
  '%2e',
  '%2E%2e',
  '.%2e',
  '%2e.',
  '%252e%252e',
  '%25%32%65%25%32%65',
  '..;',
  '..;a=b',
  '%2e%2e%3b',
  '..%20',
  '%20..',
  '..%00',
  '..%0d',
  '..%09',
  '%ef%bc%8e%ef%bc%8e',
  '%e2%80%a5',
  '..%2f',
  '..%5c',
  '%2e%2e%2f',
  '..%252f',
  '..%c0%af',
  '..%ef%bc%8f',
  '%2f..',
  'a%2f..%2f..',
]

test('a dot segment is refused in every spelling, wherever it stands', () => {
  for (const dot of dots) {
    for (const path of [
      `/repos/acme/app-staging/${dot}/app-prod`,
      `/repos/acme/app-staging/${dot}`,
      `/repos/acme/${dot}/app-prod`,
      `/${dot}/repos/acme/app-staging`,
      `/repos/acme/app-staging/contents/${dot}/x`,
      `/repos/acme/app-staging/contents/a/${dot}`,
      `/repos/acme/app-staging/git/ref/heads/${dot}/${dot}`,
      `/repos/acme/app-staging/labels/${dot}`,
      `/repos/acme/app-staging/branches/x%2f${dot}%2fy`,
    ]) {
      assert.equal(adapter.identify(requestOf(`GET ${path}`)).ok, false, path)
    }
  }
})

test('a DELETE that climbs out of an allowed prefix is refused', () => {
  const path = '/repos/acme/app-staging/issues/../../app-prod'
  const identified = adapter.identify(requestOf(`DELETE ${path}`))
  assert.ok(!identified.ok && identified.refusal.code === 'not_understood')
})

test('dots that are part of a name are not dot segments', () => {
  for (const path of [
    '/contents/pages/%5B...slug%5D.tsx',
    '/contents/.../x',
    '/contents/..a',
    '/contents/a..',
    '/compare/a...b',
  ]) {
    assert.ok(adapter.identify(requestOf(`GET /repos/acme/app-staging${path}`)).ok, path)
  }
})
