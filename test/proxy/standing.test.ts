import { test } from 'node:test'
import assert from 'node:assert/strict'
import type { CapabilityClaims } from '../../src/capability/claims.ts'
import type { Policy } from '../../src/directory/policy.ts'
import { newId } from '../../src/ids.ts'
import { inactive, whoActs } from '../../src/proxy/standing.ts'

const [holder, b, c] = ['a', 'b', 'c'].map((name) => ({ id: newId('agent'), name })) as [
  Named,
  Named,
  Named,
]
type Named = { readonly id: ReturnType<typeof newId<'agent'>>; readonly name: string }

test('a policy that was read without those who act, or with others, lets nothing through', () => {
  const policyOf = (...actors: readonly Named[]) =>
    ({
      state: 'active',
      expiresAt: Number.POSITIVE_INFINITY,
      agent: holder,
      binding: 1,
      grant: { requireDpop: false },
      ...(actors.length === 0 ? {} : { actors }),
    }) as unknown as Policy
  const own = { sub: holder.id, binding: 1 } as unknown as CapabilityClaims
  const forC = { ...own, act: { sub: c.id, act: { sub: b.id } } }
  assert.equal(inactive(policyOf(), own, 0), undefined)
  assert.equal(inactive(policyOf(c, b), forC, 0), undefined)
  for (const policy of [policyOf(), policyOf(c), policyOf(b), policyOf(b, c), policyOf(c, b, b)])
    assert.equal(inactive(policy, forC, 0), 'another actor')
  assert.equal(inactive(policyOf(b), own, 0), 'another actor')
})

test('the log names who acts, and for whom, to the one whose grant it is', () => {
  const of = ({ id, name }: Named, kind = 'agent') => ({ kind, id, name })
  assert.deepEqual(whoActs({ agent: holder }, null), { actor: of(holder) })
  assert.deepEqual(whoActs({ agent: holder, actors: [c, b] }, 'tr_1'), {
    actor: of(c),
    onBehalfOf: [of(b), of(holder, 'workload')],
  })
})
