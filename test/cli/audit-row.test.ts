import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auditRow } from '../../src/cli/audit-row.ts'

const common = {
  at: '2026-04-25T10:00:00.123Z',
  actor: { kind: 'agent', id: 'ag_1', name: 'deploy-bot' },
  environment: { id: 'env_1', name: 'acme/staging' },
}
const row = (entry: Record<string, unknown>): string[] =>
  auditRow({ id: 1, entry: { ...common, ...entry } })

test('a decision says when, who, what was decided, where, about which operations, and why', () => {
  assert.deepEqual(
    row({
      kind: 'decision',
      result: 'deny',
      operations: [
        { name: 'volumeDelete', effects: ['write', 'destructive'], resources: ['volume:v1'] },
      ],
      reason: 'outside',
      about: ['environment:production'],
    }),
    [
      '2026-04-25T10:00:00Z',
      'agent deploy-bot',
      'deny',
      'acme/staging',
      'volumeDelete [write destructive] volume:v1',
      'outside environment:production',
    ],
  )
})

test('the gravest operation comes first, however many harmless ones stand before it', () => {
  const harmless = { name: 'me', effects: ['read'], resources: ['x'.repeat(200)] }
  const hidden = { name: 'upsert', effects: ['write'], added: ['destructive'], resources: [] }
  const what =
    row({ kind: 'decision', result: 'deny', operations: [harmless, harmless, hidden] })[4] ?? ''
  assert.ok(what.startsWith('3: upsert [write destructive], me [read]'), what)
})

test('what went without an approval, and what lets it, is told at a glance', () => {
  const cells = row({
    kind: 'decision',
    result: 'allow',
    operations: [{ name: 'volumeDelete', effects: ['destructive'], resources: [] }],
    reason: 'break_glass',
    about: ['volumeDelete is destructive'],
    breakGlassId: 'bg_1',
  })
  assert.equal(cells[4], 'BREAK-GLASS volumeDelete [destructive]')
  assert.equal(cells[5], 'no approval: bg_1 volumeDelete is destructive')
  const loud = (action: string) => row({ kind: 'admin', result: 'done', action, subject: 'x' })[4]
  assert.equal(loud('break_glass.confirm'), 'BREAK-GLASS break_glass.confirm x')
  assert.equal(loud('passkey.allow'), 'NEW PASSKEY passkey.allow x')
})

test('each other kind of entry says what it is about', () => {
  assert.equal(
    row({ kind: 'decision', result: 'deny', operations: [], method: 'POST', path: '/x' })[4],
    'POST /x',
  )
  assert.equal(
    row({ kind: 'outcome', result: 'completed', status: 200, latencyMs: 12.4 })[4],
    'outcome HTTP 200 in 12 ms',
  )
  assert.equal(
    row({ kind: 'lookup', result: 'asked', method: 'GET', path: '/y' })[4],
    'look-up GET /y',
  )
  assert.equal(row({ kind: 'issuance', result: 'issued', verbs: ['read'] })[4], 'capability read')
  assert.equal(
    row({ kind: 'admin', result: 'done', action: 'grant.create', subject: 'gr_1' })[4],
    'grant.create gr_1',
  )
  const recovered = row({
    kind: 'system',
    result: 'done',
    action: 'operator.RECOVERED',
    detail: 'x was made admin',
  })
  assert.deepEqual(recovered.slice(4), ['operator.RECOVERED', 'x was made admin'])
  assert.equal(row({ kind: 'sign_in', result: 'refused', reason: 'password' })[5], 'password')
})

test('an entry of a shape that is not known is shown as far as it can be', () => {
  for (const item of [
    {},
    { entry: null },
    { entry: [] },
    { entry: { kind: 'decision', operations: 'x', actor: 3 } },
  ]) {
    assert.equal(auditRow(item).length, 6)
  }
})
