import { test } from 'node:test'
import assert from 'node:assert/strict'
import { agentKeyId, hashAgentKey, newAgentKey } from '../../src/directory/agent.ts'

test('a key names its row, is kept as a hash, and holds 256 bits that no other has', () => {
  const [a, b] = [newAgentKey(0), newAgentKey(0)]
  assert.equal(agentKeyId(a.key), a.id)
  assert.deepEqual(hashAgentKey(a.key), a.hash)
  assert.notDeepEqual(a.hash, b.hash)
  assert.equal(Buffer.from(a.key.split('_').slice(3).join('_'), 'base64url').length, 32)
})

test('what is not exactly a key names no row', () => {
  const { key } = newAgentKey(0)
  for (const text of [
    '',
    'vka_',
    key.slice(1),
    key.slice(0, -1),
    `${key}x`,
    `${key}\n`,
    key.toUpperCase(),
    key.replace('ak_', 'ag_'),
    ` ${key}`,
  ])
    assert.equal(agentKeyId(text), undefined, JSON.stringify(text))
})
