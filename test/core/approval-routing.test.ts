import { test } from 'node:test'
import assert from 'node:assert/strict'
import { routedTo, routingOf, type RoutingFacts } from '../../src/core/approval-routing.ts'
import { newId } from '../../src/ids.ts'

const [ada, grace, alan] = [newId('operator'), newId('operator'), newId('operator')]
const facts = (change: Partial<RoutingFacts> = {}): RoutingFacts => ({
  now: 1_000,
  requestedAt: 0,
  escalateSeconds: 120,
  rule: 'anyone',
  agentOwner: alan,
  owners: [{ id: ada, isApprover: true }],
  ...change,
})
const everyone = { to: 'every_approver' }

test('the owners of an environment are asked first, and everyone from the stated time on', () => {
  assert.deepEqual(routingOf(facts()), { to: 'owners', owners: [ada], until: 120_000 })
  assert.deepEqual(routingOf(facts({ now: 119_999 })).to, 'owners')
  assert.deepEqual(routingOf(facts({ now: 120_000 })), everyone)
  assert.deepEqual(routingOf(facts({ escalateSeconds: 0 })), everyone)
})

test('everyone is asked at once where the owners could not answer', () => {
  assert.deepEqual(routingOf(facts({ owners: [] })), everyone, 'there are none')
  const demoted = [{ id: ada, isApprover: false }]
  assert.deepEqual(routingOf(facts({ owners: demoted })), everyone, 'none of them approves')
  assert.deepEqual(routingOf(facts({ rule: 'two_persons' })), everyone, 'two are needed')
  const both = [
    { id: ada, isApprover: true },
    { id: grace, isApprover: true },
  ]
  assert.equal(routingOf(facts({ rule: 'two_persons', owners: both })).to, 'owners')
  const own = { rule: 'not_owner', agentOwner: ada } as const
  assert.deepEqual(routingOf(facts(own)), everyone, 'the only one is the agent’s owner')
  assert.equal(routingOf(facts({ ...own, owners: both })).to, 'owners')
})

test('whoever is looked for is among those it goes to, or is not', () => {
  assert.ok(!routedTo(routingOf(facts()), grace).includes(grace))
  assert.ok(routedTo(routingOf(facts()), ada).includes(ada))
  assert.ok(routedTo(routingOf(facts({ owners: [] })), grace).includes(grace))
})
