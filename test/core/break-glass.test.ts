import { test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { inForce, type BreakGlass } from '../../src/core/break-glass.ts'
import { decide, type Facts, type GrantState } from '../../src/core/decide.ts'
import type { ApprovalRule } from '../../src/core/grant.ts'
import type { Effect, Invocation } from '../../src/core/operation.ts'
import { nothingUnreviewed } from '../../src/core/reviewed.ts'
import type { BreakGlassId, EnvironmentId, GrantId } from '../../src/ids.ts'

const grantId = 'gr_1' as GrantId
const environmentId = 'env_1' as EnvironmentId
const grant = { id: grantId, environmentId }
const half = 30 * 60_000

function glass(change: Partial<BreakGlass> = {}): BreakGlass {
  return {
    id: 'bg_1' as BreakGlassId,
    grantId,
    environmentId,
    startsAt: 0,
    endsAt: half,
    ...change,
  }
}

test('a break-glass is in force for its grant, or all of its environment, until its end', () => {
  assert.equal(inForce([glass()], grant, half - 1)?.id, 'bg_1')
  assert.equal(inForce([glass()], grant, half), undefined)
  assert.equal(inForce([glass({ grantId: undefined })], grant, 1)?.id, 'bg_1')
  assert.equal(inForce(undefined, grant, 1), undefined)
  assert.equal(inForce([], grant, 1), undefined)
})

test('it is in force for no other grant, no other environment, and never for longer than half an hour', () => {
  const wrong: readonly Partial<BreakGlass>[] = [
    { grantId: 'gr_2' as GrantId },
    { environmentId: 'env_2' as EnvironmentId },
    { environmentId: 'env_2' as EnvironmentId, grantId: undefined },
    { endsAt: half + 1 },
    { endsAt: Number.NaN },
    { startsAt: Number.NaN },
    { endsAt: Number.POSITIVE_INFINITY },
  ]
  for (const change of wrong) assert.equal(inForce([glass(change)], grant, 1), undefined)
  assert.equal(inForce([...wrong.map(glass), glass()], grant, 1)?.id, 'bg_1')
})

const facts = (change: {
  readonly facts?: Partial<Facts>
  readonly grant?: Partial<Facts['grant']>
  readonly capability?: Partial<Facts['capability']>
  readonly invocation?: Partial<Invocation>
  readonly places?: readonly string[]
}): Facts => ({
  now: 1_000,
  provider: 'railway',
  capability: {
    grantId,
    environmentId,
    provider: 'railway',
    verbs: ['volumeDelete'],
    expiresAt: 2_000,
    ...change.capability,
  },
  grant: {
    id: grantId,
    state: 'active',
    environmentId,
    provider: 'railway',
    verbs: ['volumeDelete'],
    constraints: [],
    approval: 'destructive',
    unreviewed: nothingUnreviewed,
    ...change.grant,
  },
  environment: {
    id: environmentId,
    name: 'acme/production',
    protected: true,
    places: new Map([['railway', new Set(['environment:a'])]]),
  },
  frozen: undefined,
  operations: [
    {
      invocation: {
        operation: 'volumeDelete',
        root: 'mutation',
        effects: ['write', 'destructive'],
        added: [],
        scope: 'environment',
        arguments: {},
        resources: [],
        widens: [],
        ...change.invocation,
      },
      located: { places: change.places ?? ['environment:a'], unresolved: [] },
    },
  ],
  ...change.facts,
})
const broken = { breakGlass: [glass()] }

test('what would need an approval goes while it is in force, and says with what', () => {
  assert.equal(decide(facts({})).kind, 'needs_approval')
  assert.deepEqual(decide(facts({ facts: broken })), {
    kind: 'allow',
    breakGlass: { id: 'bg_1', because: ['volumeDelete is destructive'] },
  })
  const late = { ...broken, now: half }
  assert.equal(
    decide(facts({ facts: late, capability: { expiresAt: half + 1 } })).kind,
    'needs_approval',
  )
})

test('what needs no approval goes as ever, and is not marked', () => {
  const harmless = { effects: ['write'] as const }
  assert.deepEqual(decide(facts({ facts: broken, invocation: harmless })), { kind: 'allow' })
})

test('it lifts no refusal, whatever is refused', () => {
  const denied: readonly Parameters<typeof facts>[0][] = [
    { capability: { expiresAt: 1_000 } },
    { capability: { verbs: ['read'] } },
    { capability: { grantId: 'gr_2' as GrantId } },
    { grant: { state: 'revoked' } },
    { grant: { state: 'expired' } },
    { grant: { verbs: ['read'] } },
    { grant: { unreviewed: 'all' } },
    { grant: { constraints: [{ path: 'name', equals: 'x' }] } },
    { facts: { frozen: 'everything' } },
    { facts: { operations: [] } },
    { invocation: { scope: 'account' } },
    { invocation: { widens: ['projects'] } },
    { invocation: { opaque: true } },
    { places: ['environment:production'] },
    { places: [] },
  ]
  for (const change of denied) {
    const without = decide(facts(change))
    assert.equal(without.kind, 'deny', JSON.stringify(change))
    const within = decide(facts({ ...change, facts: { ...change.facts, ...broken } }))
    assert.deepEqual(within, without)
  }
})

test('with any break-glasses, only a need of approval becomes anything else', () => {
  const id = <T>(...all: T[]) => fc.constantFrom(...all)
  const glasses = fc.array(
    fc.record({
      id: id('bg_1' as BreakGlassId, 'bg_2' as BreakGlassId),
      grantId: id(grantId, 'gr_2' as GrantId, undefined),
      environmentId: id(environmentId, 'env_2' as EnvironmentId),
      startsAt: fc.integer({ min: 0, max: 2 * half }),
      endsAt: fc.integer({ min: 0, max: 4 * half }),
    }),
  )
  const change = fc.record({
    grant: fc.record({
      state: id<GrantState>('active', 'revoked', 'expired'),
      approval: id<ApprovalRule>('never', 'destructive', 'always'),
    }),
    invocation: fc.record({
      added: fc.subarray<Effect>(['admin', 'secret']),
      scope: id<Invocation['scope']>('environment', 'account'),
    }),
    places: fc.subarray(['environment:a', 'environment:b']),
  })
  fc.assert(
    fc.property(glasses, change, (breakGlass, given) => {
      const without = decide(facts(given))
      const within = decide(facts({ ...given, facts: { breakGlass } }))
      const held = inForce(breakGlass, grant, 1_000)
      if (without.kind !== 'needs_approval' || held === undefined) assert.deepEqual(within, without)
      else
        assert.deepEqual(within, {
          kind: 'allow',
          breakGlass: { id: held.id, because: without.because },
        })
    }),
  )
})
