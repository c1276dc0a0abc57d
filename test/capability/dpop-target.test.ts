import { test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { normalTarget } from '../../src/capability/dpop-target.ts'

test('two spellings of one URI have one normal form (RFC 3986 §6.2.2 and §6.2.3)', () => {
  for (const [one, other] of [
    ['HTTPS://Example.COM/a', 'https://example.com/a'],
    ['https://example.com', 'https://example.com/'],
    ['https://example.com:443/a', 'https://example.com/a'],
    ['https://example.com:/a', 'https://example.com/a'],
    ['http://example.com:80/a', 'http://example.com/a'],
    ['https://example.com/a?x=1#y', 'https://example.com/a'],
    ['https://example.com/%7Ea', 'https://example.com/~a'],
    ['https://example.com/%3a', 'https://example.com/%3A'],
    ['https://example.com/a/./b/../c', 'https://example.com/a/c'],
    ['https://example.com/a/%2e%2E/c', 'https://example.com/c'],
    ['https://example.com/../a', 'https://example.com/a'],
    ['https://example.com/a/..', 'https://example.com/'],
    ['https://example.com/a/b/..', 'https://example.com/a/'],
    ['https://example.com/a/.', 'https://example.com/a/'],
    ['http://[::1]:8474/', 'http://[::1]:8474'],
  ] as const) {
    assert.equal(normalTarget(one), normalTarget(other), one)
    assert.notEqual(normalTarget(one), undefined, one)
  }
})

test('what differs stays different', () => {
  for (const [one, other] of [
    ['https://example.com/a', 'http://example.com/a'],
    ['https://example.com:8443/a', 'https://example.com/a'],
    ['https://example.com:80/a', 'https://example.com/a'],
    ['https://example.com/a', 'https://example.com/A'],
    ['https://example.com/a', 'https://example.com/a/'],
    ['https://example.com/a//b', 'https://example.com/a/b'],
    ['https://example.com/a%2Fb', 'https://example.com/a/b'],
    ['https://example.com/a%3Fb', 'https://example.com/a'],
    ['https://example.com/a;b', 'https://example.com/a'],
    ['https://example.com.evil.test/a', 'https://example.com/a'],
  ] as const)
    assert.notEqual(normalTarget(one), normalTarget(other), one)
})

test('what would have to be repaired has no normal form', () => {
  for (const uri of [
    '',
    '/a',
    '//example.com/a',
    'https:/example.com/a',
    'https:example.com',
    'ftp://example.com/a',
    'https://user@example.com/a',
    'https://user:pw@example.com/a',
    'https://example.com\\@evil.test/a',
    'https://example.com/a\\b',
    'https://example.com/a b',
    ' https://example.com/a',
    'https://example.com/a\n',
    'https://exa\tmple.com/a',
    'https://example.com/%',
    'https://example.com/%2',
    'https://example.com/%zz',
    'https://example.com/ä',
    'https://ex%61mple.com/',
    'https://example.com:x/',
    'https://example.com:443:443/',
    'https:///a',
  ])
    assert.equal(normalTarget(uri), undefined, uri)
})

test('a normal form is its own, and holds nothing of query or fragment', () => {
  const piece = fc.constantFrom('a', 'B', '.', '..', '%2e', '%2F', '%41', '%7e', '', ';x', '%c3%a4')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const normal = normalTarget(`https://Example.com/${pieces.join('/')}?q#f`)
      assert.ok(normal !== undefined)
      assert.equal(normalTarget(normal), normal)
      assert.doesNotMatch(normal, /[?#]|\/\.\.?(\/|$)/)
    }),
  )
})
