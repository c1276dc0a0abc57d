/** Targets that are no plain path: empty segments, other forms, raw characters, names that a server trims or folds. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { githubAdapter } from '../../src/provider/github/adapter.ts'
import { requestOf } from '../provider/github/request.ts'

const adapter = githubAdapter()

function codeOf(path: string, method = 'GET'): string {
  const identified = adapter.identify({
    method,
    path,
    query: undefined,
    headers: {},
    body: Buffer.alloc(0),
  })
  return identified.ok ? 'ok' : identified.refusal.code
}

test('an empty segment shifts no template', () => {
  for (const path of [
    '/repos//acme/app-staging',
    '//repos/acme/app-staging',
    '/repos/acme/app-staging/',
    '/repos/acme/app-staging//',
    '//',
  ]) {
    const identified = adapter.identify(requestOf(`GET ${path}`))
    assert.ok(!identified.ok && identified.refusal.detail.includes('empty segment'), path)
  }
})

test('only the origin form is a path', () => {
  for (const path of [
    'http://evil/repos/acme/app-staging',
    'repos/acme/app-staging',
    'xrepos/acme/app-staging',
    '*',
    '',
    '/http://evil/x',
    '//evil/x',
    'evil:443',
  ]) {
    assert.notEqual(codeOf(path), 'ok', path)
  }
})

test('a character that has another meaning in a target, or none, is refused raw', () => {
  const raw = [
    '#',
    '?',
    '\\',
    ' ',
    '"',
    '<',
    '>',
    '^',
    '`',
    '{',
    '|',
    '}',
    '[',
    ']',
    '\t',
    '\n',
    '\0',
    '\x7f',
    'é',
    '\uff0f',
    '\ud800',
  ]
  for (const character of raw) {
    assert.equal(
      codeOf(`/repos/acme/app-staging/contents/a${character}b`),
      'not_understood',
      JSON.stringify(character),
    )
    assert.equal(
      codeOf(`/repos/acme/app-staging${character}`),
      'not_understood',
      JSON.stringify(character),
    )
  }
})

test('an owner and a repository are plain names, as the environment binds them', () => {
  for (const name of [
    'app-staging%20',
    '%20app-staging',
    'app-staging;x',
    'app-staging.git',
    'app-staging%3f',
    'app-staging@main',
    'app-prod%3fx=',
    'app%2bstaging',
    'app~',
    '%ef%bd%81pp',
  ]) {
    assert.equal(codeOf(`/repos/acme/${name}`, 'DELETE'), 'not_understood', name)
    assert.equal(codeOf(`/repos/${name}/app-staging`), 'not_understood', name)
  }
})

test('a number is one, in one spelling', () => {
  for (const number of [
    '01',
    '+1',
    '1.0',
    '1e1',
    '0x1',
    '-1',
    '1%20',
    '%31%3b',
    '%d9%a1',
    '9'.repeat(20),
  ]) {
    assert.equal(codeOf(`/repos/acme/app-staging/issues/${number}`), 'not_understood', number)
  }
})

test('letters of another case are another path', () => {
  assert.equal(codeOf('/Repos/acme/app-staging'), 'operation_unknown')
  assert.equal(codeOf('/repos/acme/app-staging/Issues'), 'operation_unknown')
})

test('other ways to a repository are not in the catalogue', () => {
  for (const path of [
    '/repositories/700000002',
    '/repositories/700000002/issues',
    '/repos/acme/app-staging/brand-new-api',
    '/api/v3/repos/acme/app-staging',
  ]) {
    assert.equal(codeOf(path), 'operation_unknown', path)
  }
})

test('a path is bounded in bytes and in segments', () => {
  assert.equal(codeOf(`/repos/acme/app-staging/contents/${'a'.repeat(16_384)}`), 'uri_too_long')
  assert.equal(codeOf('/a'.repeat(5000)), 'uri_too_long')
  assert.equal(codeOf(`/repos/acme/app-staging/contents${'/a'.repeat(200)}`), 'uri_too_long')
})

test('a refusal repeats little of the input, and nothing that a terminal or a reader is fooled by', () => {
  for (const value of ['x'.repeat(2000), '%e2%80%ae', '%f0%9f%92%a9'.repeat(300)]) {
    const identified = adapter.identify(requestOf(`GET /repos/acme/${value}`))
    assert.ok(!identified.ok)
    assert.ok(identified.refusal.detail.length < 250)
    assert.match(identified.refusal.detail, /^[\x20-\x7e]*$/)
  }
})
