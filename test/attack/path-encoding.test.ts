/** Encodings that one reader decodes and another does not: the operation decided on must be the one that is served. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { githubAdapter } from '../../src/provider/github/adapter.ts'
import { invocationOf, requestOf } from '../provider/github/request.ts'

const adapter = githubAdapter()
const identify = (line: string) => adapter.identify(requestOf(line))

test('a literal segment is matched after decoding, so that an encoded letter hides nothing (CVE-2026-22031)', () => {
  const identified = identify('DELETE /repos/acme/app-staging/%61ctions/secrets/X')
  assert.equal(invocationOf(identified).operation, 'actions/delete-repo-secret')
  assert.ok(
    identified.ok && identified.request.target === '/repos/acme/app-staging/actions/secrets/X',
  )
})

test('an encoded slash joins no two segments of an owner, a repository, a number or a name', () => {
  for (const path of [
    '/repos/acme%2fapp-prod',
    '/repos/acme%2Fapp-prod%2f..%2Fapp-staging',
    '/repos/acme/app-staging%2fissues',
    '/repos%2Facme/app-staging',
    '/repos/acme/app-staging/issues%2F1',
    '/repos/acme/app-staging/issues/1%2Fcomments',
    '/repos/acme/app-staging/actions/variables/a%2Fb',
  ]) {
    assert.equal(identify(`GET ${path}`).ok, false, path)
  }
})

test('an encoded slash stays one where a branch, a ref, a path or a label may hold it (encoded-slash-per-route)', () => {
  for (const path of [
    '/branches/feature%2Flogin',
    '/branches/feature%2Flogin/protection',
    '/git/ref/heads%2Ffeature%2Flogin',
    '/contents/docs%2Freadme.md',
    '/labels/area%2Fapi',
    '/environments/eu%2Fprod',
    '/compare/main...feature%2Flogin',
  ]) {
    const identified = identify(`GET /repos/acme/app-staging${path}`)
    assert.ok(identified.ok, path)
    assert.equal(identified.request.target, `/repos/acme/app-staging${path}`)
  }
})

test('an encoded slash does not make a harmless name out of a graver operation', () => {
  for (const line of [
    'GET /repos/acme/app-staging/environments/x%2Fvariables',
    'GET /repos/acme/app-staging/environments/x%2Fsecrets%2FY',
    'DELETE /repos/acme/app-staging/environments/x%2Fsecrets%2FY',
    'GET /repos/acme/app-staging/branches/x%2Fprotection',
    'GET /repos/acme/app-staging/commits/x%2Fcheck-runs',
  ]) {
    assert.equal(identify(line).ok, false, line)
  }
})

test('what is encoded twice, or not UTF-8, or a control character, is refused', () => {
  for (const value of [
    '%2565',
    '%252f',
    '%25%32%66',
    '%ff',
    '%c0%ae',
    '%ed%a0%80',
    '%00',
    '%0a',
    '%7f',
    '%c2%85',
    '%e2%80%a8',
    '%5c',
    '%',
  ]) {
    for (const path of [
      `/contents/${value}`,
      `/contents/a${value}b`,
      `/labels/x${value}`,
      `/branches/x${value}`,
    ]) {
      assert.equal(identify(`GET /repos/acme/app-staging${path}`).ok, false, path)
    }
  }
})

test('separators that are data stay encoded on the way out', () => {
  const identified = identify('GET /repos/acme/app-staging/contents/what%3Fa%23b%3Bc%26d')
  assert.ok(identified.ok)
  assert.equal(identified.request.target, '/repos/acme/app-staging/contents/what%3Fa%23b%3Bc%26d')
})
