import { test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { approverRules } from '../../src/core/approval.ts'
import {
  defaultTerms,
  effectiveTerms,
  notWeaker,
  type ApprovalTerms,
} from '../../src/core/approval-terms.ts'

const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined })
const own = {
  holdSeconds: maybe(fc.integer({ min: 0, max: 3 })),
  approver: maybe(fc.constantFrom(...approverRules)),
  preconditions: maybe(
    fc.array(
      fc.record({
        name: fc.constantFrom('newest_independent_backup', 'newest_surviving_backup'),
        maxAgeSeconds: fc.integer({ min: 1, max: 3 }),
      }),
      { maxLength: 2 },
    ),
  ),
} as const
const grants: fc.Arbitrary<ApprovalTerms> = fc.record({
  ...own,
  expirySeconds: maybe(fc.integer({ min: 10, max: 12 })),
  waitSeconds: maybe(fc.integer({ min: 0, max: 2 })),
  execute: maybe(fc.constantFrom('agent', 'broker')),
})
const environments = fc.record(own)

const rank = (rule: (typeof approverRules)[number]) => approverRules.indexOf(rule)

test('what is said nowhere is five minutes, anyone, and the agent itself at once', () => {
  assert.deepEqual(effectiveTerms({}), { ...defaultTerms, preconditions: [] })
})

test('neither a grant nor an environment loosens what the other asks for', () => {
  fc.assert(
    fc.property(grants, environments, (grant, environment) => {
      const both = effectiveTerms(grant, environment)
      for (const one of [grant, environment]) {
        assert.ok(both.holdSeconds >= (one.holdSeconds ?? 0))
        assert.ok(rank(both.approver) >= rank(one.approver ?? 'anyone'))
        for (const precondition of one.preconditions ?? [])
          assert.ok(both.preconditions.includes(precondition))
      }
      if (both.holdSeconds > 0) assert.equal(both.execute, 'broker')
    }),
  )
})

test('terms that count as not weaker ask for no less, in whatever environment', () => {
  fc.assert(
    fc.property(grants, grants, environments, (before, next, environment) => {
      if (!notWeaker(before, next)) return
      const a = effectiveTerms(before, environment)
      const b = effectiveTerms(next, environment)
      assert.ok(b.holdSeconds >= a.holdSeconds)
      assert.ok(rank(b.approver) >= rank(a.approver))
      assert.ok(b.expirySeconds <= a.expirySeconds)
      for (const { name, maxAgeSeconds } of a.preconditions)
        assert.ok(
          b.preconditions.some((one) => one.name === name && one.maxAgeSeconds <= maxAgeSeconds),
        )
    }),
    { numRuns: 2_000 },
  )
})

test('the same terms are not weaker than themselves, and each way of asking for less is', () => {
  fc.assert(fc.property(grants, (terms) => assert.ok(notWeaker(terms, terms))))
  const strict: ApprovalTerms = {
    holdSeconds: 60,
    approver: 'two_persons',
    expirySeconds: 60,
    preconditions: [{ name: 'newest_independent_backup', maxAgeSeconds: 60 }],
  }
  const less: readonly ApprovalTerms[] = [
    { holdSeconds: 59 },
    { approver: 'not_owner' },
    { expirySeconds: 61 },
    { expirySeconds: undefined },
    { preconditions: [] },
    { preconditions: [{ name: 'newest_independent_backup', maxAgeSeconds: 61 }] },
    { preconditions: [{ name: 'newest_surviving_backup', maxAgeSeconds: 60 }] },
    { waitSeconds: 1 },
  ]
  for (const change of less) assert.ok(!notWeaker(strict, { ...strict, ...change }))
})
