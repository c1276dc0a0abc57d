import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readQuery, type ValueType } from '../../../src/provider/rest/query.ts'

const declared = new Map<string, ValueType>([
  ['path', 'string'],
  ['q', 'string'],
  ['page', 'integer'],
  ['all', 'boolean'],
])

function read(query: string | undefined) {
  const result = readQuery(query, declared)
  return result.ok
    ? { ...Object.fromEntries(result.values), encoded: result.encoded }
    : result.refusal.code
}

test('no query and an empty one are the same', () => {
  assert.deepEqual(read(undefined), { encoded: '' })
  assert.deepEqual(read(''), { encoded: '' })
})

test('declared parameters are read by their type and written in the order they came', () => {
  assert.deepEqual(read('page=2&all=true&q=x'), {
    page: 2,
    all: true,
    q: 'x',
    encoded: 'page=2&all=true&q=x',
  })
})

test('dots and slashes mean nothing in a query and leave as they came', () => {
  assert.deepEqual(read('path=a/../b'), { path: 'a/../b', encoded: 'path=a/../b' })
})

test('a value is decoded once and encoded again', () => {
  assert.deepEqual(read('q=a+b%2Bc%26d%3D%23'), {
    q: 'a b+c&d=#',
    encoded: 'q=a%20b%2Bc%26d%3D%23',
  })
  assert.deepEqual(read('q=%252e'), { q: '%2e', encoded: 'q=%252e' })
  assert.deepEqual(read('q'), { q: '', encoded: 'q' })
})

test('a number has one spelling and a boolean two', () => {
  for (const bad of [
    'page=',
    'page=01',
    'page=1.0',
    'page=1e2',
    'page=%2B1',
    'page=0x1',
    'all=1',
    'all=True',
    'all=',
  ]) {
    assert.equal(read(bad), 'not_understood', bad)
  }
})
