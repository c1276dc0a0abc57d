import { test } from 'node:test'
import assert from 'node:assert/strict'
import type { EffectiveTerms } from '../../src/core/approval-terms.ts'
import { effectiveTerms } from '../../src/core/approval-terms.ts'
import type { Policy } from '../../src/directory/policy.ts'
import { objection } from '../../src/proxy/still-approved.ts'
import { noon, useWorld } from '../approval/parked.ts'

const worldOf = useWorld()

function policyOf(terms: EffectiveTerms): Policy {
  const { people } = worldOf()
  return {
    approvalTerms: terms,
    agent: { ownerId: people[0] },
    environment: { protected: false },
  } as unknown as Policy
}

test('a row is objected to, for its terms or for want of proof, and never let through for an error', async () => {
  const world = worldOf()
  const { a: db } = world
  const approval = await world.approved()
  const { requestDigest } = approval
  const publicUrl = 'http://localhost:8474'
  const ask = (terms: EffectiveTerms, check = { db, publicUrl }) =>
    objection(check, approval, { requestDigest, policy: policyOf(terms), now: noon })
  for (const stricter of [
    { approver: 'not_owner' },
    { approver: 'two_persons' },
    { holdSeconds: 1 },
    { expirySeconds: 299 },
  ] as const)
    assert.match((await ask(effectiveTerms(stricter))) ?? '', /became stricter/)
  // Its evidence is none.
  assert.match((await ask(effectiveTerms({}))) ?? '', /no decision about it is proven/)
  const broken = { db: undefined as never, publicUrl }
  const why = await objection(broken, approval, {
    requestDigest,
    policy: policyOf(effectiveTerms({})),
    now: noon,
  })
  assert.match(why ?? '', /could not be established/)
})
