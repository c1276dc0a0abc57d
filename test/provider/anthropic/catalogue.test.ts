import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { anthropicAdapter } from '../../../src/provider/anthropic/adapter.ts'
import { describe } from '../../../src/provider/anthropic/compile.ts'
import { reviewOf } from '../../../src/provider/anthropic/review.ts'
import { compileCatalogue, explain, serialise } from '../../../src/provider/compile/compile.ts'

const adapter = anthropicAdapter()
const list = new URL('../../../../shared/specs/operations/anthropic.json', import.meta.url)
const skip = existsSync(list) ? false : 'the list of operations is not here'

test('the catalogue is what the list and the review compile to', { skip }, () => {
  const rows = JSON.parse(readFileSync(list, 'utf8')) as unknown[]
  const described = describe(rows)
  const review = reviewOf(described)
  const committed = readFileSync(
    new URL('../../../src/provider/anthropic/catalogue.json', import.meta.url),
    'utf8',
  )
  assert.equal([...adapter.operations()].length, rows.length)
  assert.ok(committed === serialise(compileCatalogue(described, review)), 'compile it anew')
  const unreviewed = explain(described, review).filter((one) => one.unreviewed !== undefined)
  assert.deepEqual(
    unreviewed.map((one) => one.operation.name),
    [],
  )
})

test('every operation is there, and the organisation’s are of the account', () => {
  const operations = [...adapter.operations()]
  assert.equal(operations.length, 270)
  for (const { name, scope, denied } of operations) {
    const expected = name.startsWith('beta.organization.') ? 'account' : 'environment'
    assert.equal(scope, expected, name)
    assert.equal(denied, undefined, name)
  }
})

const expected: Readonly<Record<string, string>> = {
  'models.list': 'read',
  'files.download': 'read',
  'beta.messages.messages.countTokens': 'read',
  'beta.messages.messages.create': 'write',
  'beta.messages.batches.create': 'write',
  'beta.messages.batches.cancel': 'write destructive',
  'beta.messages.batches.delete': 'write destructive',
  'beta.environments.work.poll': 'write',
  'beta.sessions.sessions.create': 'write',
  'beta.sessions.sessions.list': 'read',
  'beta.memory-stores.memory-versions.redact': 'write destructive',
  'files.upload': 'write',
  'files.delete': 'write destructive',
  'beta.vaults.credentials.create': 'write admin',
  'beta.vaults.credentials.delete': 'write destructive admin',
  'beta.tunnels.tunnels.revealToken': 'write secret admin',
  'beta.tunnels.tunnels.rotateToken': 'write destructive secret admin',
  'beta.organization.api-keys.list': 'read secret',
  'beta.organization.api-keys.update': 'write secret admin',
}

test('well-known operations have the effects that they have', () => {
  for (const [name, effects] of Object.entries(expected)) {
    const found = adapter.find(name)
    assert.ok(found !== undefined && found !== 'ambiguous', name)
    assert.equal(found.effects.join(' '), effects, name)
  }
})

test('the secret of a piece of work is taken out of what is read of it', () => {
  const invocation = {
    operation: 'beta.environments.work.retrieve',
    effects: ['read'],
    added: [],
    scope: 'environment',
    arguments: {},
    resources: [],
    widens: [],
  } as const
  const revealed = adapter.revealed?.(invocation)?.map((path) => path.join('.'))
  assert.ok(revealed?.includes('secret'))
  // A stream of events is no JSON: were anything taken out of it, all of it would be withheld.
  const messages = { ...invocation, operation: 'beta.messages.messages.create' }
  assert.equal(adapter.revealed?.(messages), undefined)
})
