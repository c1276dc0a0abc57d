import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fits, parseTemplate, type ParameterType } from '../../../src/provider/rest/template.ts'

test('a template is literals and typed parameters', () => {
  assert.deepEqual(parseTemplate('/a/{b}/{c|integer}').parts, [
    { literal: 'a' },
    { parameter: 'b', type: 'string' },
    { parameter: 'c', type: 'integer' },
  ])
  assert.deepEqual(parseTemplate('/').parts, [])
})

test('a template that is not well-formed is not taken for a literal', () => {
  for (const bad of ['', 'a', '/a/{b', '/a/{b}...{c}', '/a//b', '/a/', '/a/{b|number}', '/a%2f']) {
    assert.throws(() => parseTemplate(bad), bad)
  }
})

test('each type of parameter holds what it says and nothing else', () => {
  const good: Record<ParameterType, readonly string[]> = {
    name: ['app', 'a.b_c-D', '...', '.github'],
    integer: ['0', '7', '700000002'],
    string: ['good first issue', 'é', 'a;b', 'x'],
    slashes: ['feature/login', 'x'],
  }
  const bad: Record<ParameterType, readonly string[]> = {
    name: ['', '.', '..', 'a b', 'a/b', 'a;b', 'a.git', 'A.GIT', 'é', 'a%', 'a\n', 'x'.repeat(101)],
    integer: ['', '-1', '+1', '01', '1.0', '1e3', '0x1', '１', '1 ', '9'.repeat(16)],
    string: ['a/b', '/'],
    slashes: [],
  }
  for (const type of Object.keys(good) as ParameterType[]) {
    for (const value of good[type]) assert.ok(fits(value, type), `${type} ${value}`)
    for (const value of bad[type]) assert.ok(!fits(value, type), `${type} ${value}`)
  }
})

test('a slash in any spelling of it is none of a segment’s text', () => {
  for (const value of ['a/b', 'a\uff0fb', '\u2100']) assert.ok(!fits(value, 'string'), value)
  assert.ok(fits('Größe ½', 'string'))
})
