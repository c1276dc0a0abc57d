/** `__proto__` in a body: an inherited value satisfies a look-up that the provider never sees. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseJson } from '../../src/core/json.ts'

test('__proto__ is refused at any depth and in any spelling', () => {
  for (const body of [
    '{"__proto__":{"id":"x"}}',
    '{"variables":{"__proto__":{"id":"x"}}}',
    '[[{"a":[{"__proto__":null}]}]]',
    '{"__pr\\u006fto__":{"id":"x"}}',
    '{"a":{"constructor":{"prototype":{"id":"x"}}}}',
  ]) {
    assert.ok(!parseJson(Buffer.from(body)).ok, body)
  }
  assert.equal(({} as Record<string, unknown>)['id'], undefined)
})

test('the words themselves are harmless as values, and constructor alone as a key', () => {
  for (const body of [
    '{"a":"__proto__"}',
    '{"constructor":"Acme"}',
    '{"prototype":{"x":1}}',
    '{"constructor":{"name":"x"}}',
  ]) {
    assert.ok(parseJson(Buffer.from(body)).ok, body)
  }
})
