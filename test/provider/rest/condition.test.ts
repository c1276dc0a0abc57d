import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject, JsonValue } from '../../../src/core/operation.ts'
import type { Test } from '../../../src/provider/rest/catalogue.ts'
import { consequences } from '../../../src/provider/rest/condition.ts'

function holds(args: JsonObject, at: string, when?: Test): boolean {
  const condition = { at, adds: ['admin'] as const, ...(when === undefined ? {} : { when }) }
  return consequences([condition], args).added.length > 0
}

test('a condition without a place always holds, and each effect is added once', () => {
  const result = consequences(
    [{ adds: ['admin'] }, { adds: ['admin', 'secret'] }, { widens: 'it reaches out' }],
    {},
  )
  assert.deepEqual(result, { added: ['admin', 'secret'], widens: ['it reaches out'] })
})

test('an argument is present whatever its value', () => {
  for (const value of [null, false, '', 0, []]) assert.ok(holds({ body: { a: value } }, 'body.a'))
  assert.ok(!holds({ body: {} }, 'body.a'))
  assert.ok(!holds({ body: { toString: 1 } }, 'body.constructor'))
})

test('only false and null are not "not false"', () => {
  for (const value of [true, 'false', 0, '', 'no']) assert.ok(holds({ a: value }, 'a', 'not_false'))
  for (const value of [false, null]) assert.ok(!holds({ a: value }, 'a', 'not_false'))
})

test('every member of a list is looked at, and of an object in place of a list', () => {
  const inside = (entries: JsonValue) =>
    holds({ body: { tree: entries } }, 'body.tree.*.path', { under: ['.github'] })
  assert.ok(inside([{ path: 'a' }, { path: '.github/workflows/x.yml' }]))
  assert.ok(inside({ '0': { path: '.github/x' } }))
  assert.ok(!inside([{ path: 'a' }]))
})

test('a file is under a folder however its path is spelled', () => {
  const governs = (path: string) =>
    holds({ path }, 'path', { under: ['.github', 'docs/CODEOWNERS'] })
  for (const path of [
    '.github',
    '.GitHub/x',
    './.github/x',
    '.github//x',
    'a/../.github/x',
    'docs/codeowners',
  ]) {
    assert.ok(governs(path), path)
  }
  for (const path of ['src/.github/x', '.github2', 'docs', 'docs/CODEOWNERS.md'])
    assert.ok(!governs(path), path)
})

test('a value that cannot be compared counts as met', () => {
  for (const when of [
    { equals: 'x' },
    { contains: ':' },
    { under: ['x'] },
    { differsFrom: 'b' },
    { ownerDiffersFrom: 'b' },
  ]) {
    for (const value of [1, true, ['x'], {}]) assert.ok(holds({ a: value, b: 'b' }, 'a', when))
    assert.ok(!holds({ a: null, b: 'b' }, 'a', when))
  }
})

test('another owner is one that is named before a colon and is not the own', () => {
  const foreign = (head: string) =>
    holds({ owner: 'Acme', head }, 'head', { ownerDiffersFrom: 'owner' })
  for (const head of ['main', 'acme:main', 'feature/x']) assert.ok(!foreign(head), head)
  for (const head of ['eve:main', ':main', 'acme:other:main', 'acme :main'])
    assert.ok(foreign(head), head)
  assert.ok(
    holds({ head: 'acme:main' }, 'head', { ownerDiffersFrom: 'owner' }),
    'nothing to compare with',
  )
})
