import { test } from 'node:test'
import assert from 'node:assert/strict'
import { frozenScope, type Freeze } from '../../src/directory/freeze.ts'
import type { FreezeId, OperatorId } from '../../src/ids.ts'

const request = { provider: 'railway', environmentId: 'env_1', agentId: 'ag_1' }

function freeze(scope: Freeze['scope'], subject: string | null): Freeze {
  return {
    id: 'fz_1' as FreezeId,
    scope,
    subject,
    reason: 'a test',
    createdBy: 'op_1' as OperatorId,
    createdAt: new Date(0),
    liftedAt: null,
  }
}

test('a freeze stops what it names, and nothing else', () => {
  const cases: [Freeze, boolean][] = [
    [freeze('everything', null), true],
    [freeze('provider', 'railway'), true],
    [freeze('provider', 'github'), false],
    [freeze('environment', 'env_1'), true],
    [freeze('environment', 'ag_1'), false],
    [freeze('agent', 'ag_1'), true],
    [freeze('agent', 'env_1'), false],
    [freeze('agent', null), false],
  ]
  for (const [each, stops] of cases)
    assert.equal(frozenScope([each], request), stops ? each.scope : undefined)
})

test('one freeze among several is enough', () => {
  const freezes = [freeze('provider', 'github'), freeze('agent', 'ag_2'), freeze('agent', 'ag_1')]
  assert.equal(frozenScope(freezes, request), 'agent')
  assert.equal(frozenScope([], request), undefined)
})
