import { test } from 'node:test'
import assert from 'node:assert/strict'
import { narrow } from '../../src/capability/issue.ts'
import type { FindOperation } from '../../src/core/grant.ts'

const find: FindOperation = (name) =>
  name === 'volumeCreate' ? { operation: name, effects: ['write'] } : undefined

test('nothing asked for is all that is granted', () => {
  assert.deepEqual(narrow(undefined, ['read', 'x'], find), { ok: true, verbs: ['read', 'x'] })
})

test('what is asked for narrower is narrowed, once each', () => {
  const asked = ['volumeCreate', 'read', 'volumeCreate']
  assert.deepEqual(narrow(asked, ['read', 'write'], find), {
    ok: true,
    verbs: ['volumeCreate', 'read'],
  })
})

test('one verb too wide refuses all of it, and is named', () => {
  const asked = ['read', 'write', 'read+secret', 'nonsense']
  assert.deepEqual(narrow(asked, ['read'], find), {
    ok: false,
    wider: ['write', 'read+secret', 'nonsense'],
  })
})
