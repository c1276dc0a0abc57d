import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTemplate } from '../../../src/provider/rest/template.ts'
import { buildTrie, match } from '../../../src/provider/rest/trie.ts'

function trieOf(...routes: readonly string[]) {
  return buildTrie(
    routes.map((route) => {
      const [method = '', path = ''] = route.split(' ')
      return { method, template: parseTemplate(path), value: route }
    }),
  )
}

const trie = trieOf(
  'GET /',
  'GET /issues/{n|integer}',
  'PATCH /issues/{n|integer}',
  'GET /issues/comments',
  'GET /issues/comments/{id}',
  'GET /branches/{branch|slashes}',
  'GET /branches/{branch|slashes}/protection',
  'GET /contents/{path|slashes}',
  'PUT /contents/{path|slashes}',
  'GET /labels/{name}',
)

function found(method: string, ...segments: readonly string[]) {
  const result = match(trie, method, segments)
  return result.kind === 'found' ? [result.value, ...result.captures] : result.kind
}

test('the root is a path like any other', () => {
  assert.deepEqual(found('GET'), ['GET /'])
})

test('a literal is preferred to a parameter', () => {
  assert.deepEqual(found('GET', 'issues', 'comments'), ['GET /issues/comments'])
  assert.deepEqual(found('GET', 'issues', '7'), ['GET /issues/{n|integer}', ['7']])
})

test('a literal that leads nowhere is not tried again as a parameter', () => {
  assert.deepEqual(match(trie, 'PATCH', ['issues', 'comments']), {
    kind: 'other_methods',
    methods: ['GET'],
  })
})

test('literals are told apart by case', () => {
  assert.deepEqual(found('GET', 'Issues', 'comments'), 'none')
})

test('a path that is only the beginning of an operation, or longer than one, is none', () => {
  assert.equal(found('GET', 'issues'), 'none')
  assert.equal(found('GET', 'labels', 'a', 'b'), 'none')
  assert.equal(found('GET', 'issues', 'comments', '1', '2'), 'none')
})

test('a method that the path does not have is told from a path that does not exist', () => {
  assert.deepEqual(match(trie, 'DELETE', ['issues', '7']), {
    kind: 'other_methods',
    methods: ['GET', 'PATCH'],
  })
  assert.deepEqual(match(trie, 'DELETE', ['nothing']), { kind: 'none' })
})

test('a last parameter that may hold slashes takes every segment that is left', () => {
  assert.deepEqual(found('PUT', 'contents', 'a', 'b/c', 'd'), [
    'PUT /contents/{path|slashes}',
    ['a', 'b/c', 'd'],
  ])
  assert.equal(found('PUT', 'contents'), 'none')
})

test('a parameter that something continues takes one segment only', () => {
  assert.deepEqual(found('GET', 'branches', 'a/b', 'protection'), [
    'GET /branches/{branch|slashes}/protection',
    ['a/b'],
  ])
  assert.equal(found('GET', 'branches', 'a', 'b'), 'none')
})

test('a slash in a value that would read as what continues it is ambiguous', () => {
  assert.equal(found('GET', 'branches', 'a/protection'), 'ambiguous_slash')
  assert.equal(found('GET', 'branches', 'a/protection/x'), 'ambiguous_slash')
  assert.equal(found('GET', 'issues', 'comments/1'), 'ambiguous_slash')
  assert.deepEqual(found('GET', 'branches', 'protection/a'), [
    'GET /branches/{branch|slashes}',
    ['protection/a'],
  ])
})

test('names that every object inherits are segments like any other', () => {
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    assert.equal(found('GET', name), 'none')
    assert.deepEqual(found('GET', 'labels', name), ['GET /labels/{name}', [name]])
    assert.equal(found(name, 'labels', 'x'), 'other_methods')
  }
})

test('two operations that no request could tell apart are not both taken', () => {
  assert.throws(() => trieOf('GET /a/{b}', 'GET /a/{c|integer}'), /two operations/)
})
