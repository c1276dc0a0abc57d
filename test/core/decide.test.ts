import { test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  decide,
  effectiveRule,
  needsFreshAnswer,
  type Decision,
  type Facts,
} from '../../src/core/decide.ts'
import { effects, type Effect, type Invocation, type Located } from '../../src/core/operation.ts'
import { nothingUnreviewed, type Unreviewed } from '../../src/core/reviewed.ts'
import type { EnvironmentId, GrantId } from '../../src/ids.ts'

const grantId = 'gr_1' as GrantId
const environmentId = 'env_1' as EnvironmentId
const inside: Located = { places: ['environment:a'], unresolved: [] }

function invocation(change: Partial<Invocation> = {}): Invocation {
  return {
    operation: 'volumeCreate',
    root: 'mutation',
    effects: ['write'],
    added: [],
    scope: 'environment',
    arguments: {},
    resources: [],
    widens: [],
    ...change,
  }
}

type Changes = {
  readonly facts?: Partial<Facts>
  readonly capability?: Partial<Facts['capability']>
  readonly grant?: Partial<Facts['grant']>
  readonly invocation?: Partial<Invocation>
  readonly located?: Located | undefined
}

function factsOf(change: Changes = {}): Facts {
  return {
    now: 1_000,
    provider: 'railway',
    capability: {
      grantId,
      environmentId,
      provider: 'railway',
      verbs: ['volumeCreate'],
      expiresAt: 2_000,
      ...change.capability,
    },
    grant: {
      id: grantId,
      state: 'active',
      environmentId,
      provider: 'railway',
      verbs: ['volumeCreate'],
      constraints: [],
      approval: 'never',
      unreviewed: nothingUnreviewed,
      ...change.grant,
    },
    environment: {
      id: environmentId,
      name: 'pocketos/staging',
      protected: false,
      places: new Map([['railway', new Set(['environment:a', 'environment:b'])]]),
    },
    frozen: undefined,
    operations: [
      {
        invocation: invocation(change.invocation),
        located: 'located' in change ? change.located : inside,
      },
    ],
    ...change.facts,
  }
}

function reasonOf(decision: Decision): string {
  return decision.kind === 'deny' ? decision.reason.kind : decision.kind
}

test('what every fact speaks for is allowed', () => {
  assert.deepEqual(decide(factsOf()), { kind: 'allow' })
})

const refusals: readonly (readonly [string, Changes, string])[] = [
  ['an expired capability', { capability: { expiresAt: 1_000 } }, 'capability_expired'],
  ['an expiry that is not a number', { capability: { expiresAt: NaN } }, 'capability_expired'],
  [
    'a capability of another grant',
    { capability: { grantId: 'gr_2' as GrantId } },
    'capability_mismatch',
  ],
  [
    'a capability for another environment',
    { capability: { environmentId: 'env_2' as EnvironmentId } },
    'capability_mismatch',
  ],
  [
    'a capability for another provider',
    { capability: { provider: 'github' } },
    'capability_mismatch',
  ],
  ['a request to another provider', { facts: { provider: 'github' } }, 'capability_mismatch'],
  ['a disabled grant', { grant: { state: 'disabled' } }, 'grant_inactive'],
  ['a revoked grant', { grant: { state: 'revoked' } }, 'grant_inactive'],
  ['an expired grant', { grant: { state: 'expired' } }, 'grant_inactive'],
  ['a freeze', { facts: { frozen: 'everything' } }, 'frozen'],
  ['a request without an operation', { facts: { operations: [] } }, 'no_operation'],
  ['a verb that only the grant has', { capability: { verbs: ['read'] } }, 'verb_missing'],
  ['a verb that only the capability has', { grant: { verbs: ['read'] } }, 'verb_missing'],
  ['an operation on the account', { invocation: { scope: 'account' } }, 'account_scope'],
  ['an edge that widens', { invocation: { widens: ['it reaches a workspace'] } }, 'widens'],
  [
    'an effect that the arguments added',
    { invocation: { added: ['destructive'] } },
    'verb_missing',
  ],
  [
    'a constraint that is not met',
    { grant: { constraints: [{ path: 'replicas', max: 2 }] } },
    'argument_forbidden',
  ],
  ['a reach that is not known yet', { located: undefined }, 'locate'],
  ['a reach that is empty', { located: { places: [], unresolved: [] } }, 'nothing_located'],
  [
    'a reach that could not be established, although the rest is inside',
    {
      located: {
        places: ['environment:a'],
        unresolved: [{ kind: 'volume', id: 'v', why: 'view_incomplete' }],
      },
    },
    'unresolved',
  ],
  [
    'one place outside among several inside',
    { located: { places: ['environment:a', 'environment:z', 'environment:b'], unresolved: [] } },
    'outside',
  ],
]
for (const [what, change, reason] of refusals) {
  test(`${what} is never allowed (${reason})`, () => {
    assert.equal(reasonOf(decide(factsOf(change))), reason)
  })
}

test('an environment of another provider, bound to the same words, does not count', () => {
  const facts = factsOf()
  const places = new Map([['github', new Set(['environment:a'])]])
  const decision = decide({ ...facts, environment: { ...facts.environment, places } })
  assert.equal(reasonOf(decision), 'outside')
})

test('the second operation of a request is looked at as closely as the first', () => {
  const good = { invocation: invocation(), located: inside }
  const outside = { ...good, located: { places: ['environment:z'], unresolved: [] } }
  const unnamed = { ...good, invocation: invocation({ operation: 'volumeDelete' }) }
  assert.equal(reasonOf(decide(factsOf({ facts: { operations: [good, outside] } }))), 'outside')
  assert.equal(
    reasonOf(decide(factsOf({ facts: { operations: [good, unnamed] } }))),
    'verb_missing',
  )
})

test('a public operation needs no place, and takes none from the others', () => {
  const open = { invocation: invocation({ scope: 'public' }), located: undefined }
  const closed = { invocation: invocation(), located: undefined }
  assert.equal(reasonOf(decide(factsOf({ facts: { operations: [open] } }))), 'allow')
  assert.equal(reasonOf(decide(factsOf({ facts: { operations: [open, closed] } }))), 'locate')
})

test('verbs come before places: who lacks the verb learns nothing about an id', () => {
  const located = { places: ['environment:z'], unresolved: [] }
  assert.equal(reasonOf(decide(factsOf({ located, capability: { verbs: ['x'] } }))), 'verb_missing')
})

test('a missing verb names the narrowest one, and whether the grant has it', () => {
  const narrow = decide(factsOf({ capability: { verbs: ['read'] } }))
  const wide = decide(factsOf({ grant: { verbs: ['read'] } }))
  const reason = { kind: 'verb_missing', operation: 'volumeCreate', verbs: ['volumeCreate'] }
  assert.deepEqual(narrow, { kind: 'deny', reason: { ...reason, grantCovers: true } })
  assert.deepEqual(wide, { kind: 'deny', reason: { ...reason, grantCovers: false } })
})

test('grave effects wait for a person by the rule, and always do in a protected environment', () => {
  for (const effect of ['destructive', 'secret', 'admin'] as const) {
    for (const [approval, isProtected, expected] of [
      ['never', false, 'allow'],
      ['never', true, 'needs_approval'],
      ['destructive', false, 'needs_approval'],
      ['always', false, 'needs_approval'],
    ] as const) {
      const facts = factsOf({ grant: { approval }, invocation: { effects: ['write', effect] } })
      const environment = { ...facts.environment, protected: isProtected }
      assert.equal(reasonOf(decide({ ...facts, environment })), expected, `${effect} ${approval}`)
    }
  }
  const mild = factsOf({ grant: { approval: 'destructive' } })
  assert.equal(reasonOf(decide(mild)), 'allow')
  assert.equal(reasonOf(decide(factsOf({ grant: { approval: 'always' } }))), 'needs_approval')
})

test('an effect that an argument added waits for a person like one of the operation itself', () => {
  const facts = factsOf({
    grant: { approval: 'destructive', verbs: ['volumeCreate+destructive'] },
    capability: { verbs: ['volumeCreate+destructive'] },
    invocation: { added: ['destructive'] },
  })
  assert.equal(reasonOf(decide(facts)), 'needs_approval')
})

test('protection raises the rule "never" and lowers none', () => {
  const { environment } = factsOf()
  const guarded = { ...environment, protected: true }
  assert.equal(effectiveRule('never', environment), 'never')
  assert.equal(effectiveRule('never', guarded), 'destructive')
  assert.equal(effectiveRule('destructive', guarded), 'destructive')
  assert.equal(effectiveRule('always', guarded), 'always')
})

test('a constraint on other operations does not bind this one, and one on all of them does', () => {
  const constraints = (operations?: string[]) => [
    { path: 'x', equals: 1, ...(operations === undefined ? {} : { operations }) },
  ]
  assert.equal(reasonOf(decide(factsOf({ grant: { constraints: constraints(['y']) } }))), 'allow')
  for (const operations of [undefined, ['volumeCreate']]) {
    const decision = decide(factsOf({ grant: { constraints: constraints(operations) } }))
    assert.equal(reasonOf(decision), 'argument_forbidden')
  }
})

test('whatever is grave asks the provider anew', () => {
  assert.equal(needsFreshAnswer(invocation()), false)
  assert.equal(needsFreshAnswer(invocation({ effects: ['read', 'secret'] })), true)
  assert.equal(needsFreshAnswer(invocation({ added: ['destructive'] })), true)
})

const anyEffects = fc.uniqueArray(fc.constantFrom<Effect>(...effects))
const anyPlaces = fc.oneof(
  fc.constant(['environment:a']),
  fc.uniqueArray(fc.constantFrom('environment:a', 'environment:b', 'environment:z')),
)
const rarely = fc.nat(5).map((n) => n === 0)
const anyVerbs = fc.oneof(
  fc.constant(['read+write+destructive+secret+admin']),
  fc.uniqueArray(
    fc.constantFrom(
      'read',
      'read+secret',
      'volume*',
      'volumeCreate',
      'volumeDelete',
      '',
      '+',
      'x+',
    ),
  ),
)
const anyFacts = fc
  .record({
    capabilityVerbs: anyVerbs,
    grantVerbs: anyVerbs,
    operations: fc.array(
      fc.record({
        operation: fc.constantFrom('volumeCreate', 'volumeDelete', 'variables'),
        effects: anyEffects,
        added: fc.oneof(fc.constant<Effect[]>([]), anyEffects),
        scope: fc.constantFrom(...(['environment', 'environment', 'public', 'account'] as const)),
        widens: fc.constantFrom<readonly string[]>([], [], ['edge']),
        places: anyPlaces,
        unresolved: rarely,
        unlocated: rarely,
      }),
      { maxLength: 4 },
    ),
    approval: fc.constantFrom('never' as const, 'destructive' as const, 'always' as const),
    isProtected: fc.boolean(),
  })
  .map((given): Facts => {
    const facts = factsOf({
      capability: { verbs: given.capabilityVerbs },
      grant: { verbs: given.grantVerbs, approval: given.approval },
      facts: {
        operations: given.operations.map((one) => ({
          invocation: invocation({
            operation: one.operation,
            effects: one.effects,
            added: one.added,
            scope: one.scope,
            widens: one.widens,
          }),
          located: one.unlocated
            ? undefined
            : {
                places: one.places,
                unresolved: one.unresolved ? [{ kind: 'v', id: '1', why: 'not_found' }] : [],
              },
        })),
      },
    })
    return { ...facts, environment: { ...facts.environment, protected: given.isProtected } }
  })

test('whatever is allowed lies inside, is resolved, and is covered (property)', () => {
  let allowed = 0
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const decision = decide(facts)
      if (decision.kind !== 'allow') return
      allowed++
      assert.ok(facts.operations.length > 0)
      for (const { invocation: call, located } of facts.operations) {
        assert.notEqual(call.scope, 'account')
        assert.deepEqual(call.widens, [])
        assert.ok(facts.capability.verbs.length > 0 && facts.grant.verbs.length > 0)
        if (facts.environment.protected)
          for (const effect of [...call.effects, ...call.added])
            assert.ok(effect === 'read' || effect === 'write')
        if (call.scope === 'public') continue
        assert.ok(located !== undefined && located.places.length > 0)
        assert.deepEqual(located.unresolved, [])
        for (const place of located.places) assert.notEqual(place, 'environment:z')
      }
    }),
    { numRuns: 10_000 },
  )
  // About eighty are; none at all would mean that the property says nothing.
  assert.ok(allowed > 0, 'the generator reaches what is allowed')
})

test('taking a verb away never allows what was not allowed before (property)', () => {
  fc.assert(
    fc.property(anyFacts, fc.nat(7), (facts, i) => {
      const verbs = facts.capability.verbs.filter((_, at) => at !== i)
      const less = decide({ ...facts, capability: { ...facts.capability, verbs } })
      if (less.kind === 'allow') assert.equal(decide(facts).kind, 'allow')
    }),
    { numRuns: 1_000 },
  )
})

const since = (change: 'new' | 'changed'): Unreviewed => new Map([['volumeCreate', change]])

function underVerb(verb: string, unreviewed: Unreviewed, capability = verb): Decision {
  const facts = factsOf({ grant: { verbs: [verb], unreviewed } })
  return decide({ ...facts, capability: { ...facts.capability, verbs: [capability] } })
}

test('what came since the grant was reviewed is covered by a verb that names it, and by no other', () => {
  for (const verb of ['write', 'read+write+destructive', 'volume*', 'volumeCreate*']) {
    const decision = underVerb(verb, since('new'))
    assert.ok(decision.kind === 'deny' && decision.reason.kind === 'verb_missing', verb)
    assert.equal(decision.reason.unreviewed, 'new')
    assert.equal(decision.reason.grantCovers, false)
    assert.equal(underVerb(verb, nothingUnreviewed).kind, 'allow', verb)
  }
  assert.equal(underVerb('volumeCreate', since('new')).kind, 'allow')
  const wider = underVerb('volumeCreate', since('new'), 'write')
  assert.equal(wider.kind, 'deny', 'nor does a set in the capability')
})

test('what changed since, or may have, is covered by no verb until the grant is reviewed', () => {
  for (const unreviewed of [since('changed'), 'all'] as const) {
    for (const verb of ['volumeCreate', 'mutation:volumeCreate', 'write', 'volume*']) {
      const decision = underVerb(verb, unreviewed)
      assert.ok(decision.kind === 'deny' && decision.reason.kind === 'verb_missing', verb)
      assert.equal(decision.reason.unreviewed, 'changed')
      assert.equal(decision.reason.grantCovers, false, 'another capability would not help')
      assert.equal(underVerb(verb, nothingUnreviewed).kind, 'allow', verb)
    }
  }
})

test('a review is called for only where it would help', () => {
  for (const change of ['new', 'changed'] as const) {
    const decision = underVerb('read', since(change))
    assert.ok(decision.kind === 'deny' && decision.reason.kind === 'verb_missing')
    assert.equal(decision.reason.unreviewed, undefined)
  }
})

const upload: Partial<Invocation> = { opaque: true, effects: ['write', 'destructive'] }

test('what nobody can read nobody can approve: it is refused where a person would have to', () => {
  for (const approval of ['always', 'destructive'] as const) {
    const opaque = decide(factsOf({ grant: { approval }, invocation: upload }))
    assert.deepEqual(opaque, {
      kind: 'deny',
      reason: { kind: 'not_approvable', operation: 'volumeCreate' },
    })
    const read = decide(
      factsOf({ grant: { approval }, invocation: { effects: ['write', 'destructive'] } }),
    )
    assert.equal(read.kind, 'needs_approval')
  }
  assert.equal(decide(factsOf({ invocation: upload })).kind, 'allow', 'where nobody is asked')
})

test('one opaque operation among several that need an approval is enough', () => {
  const [grave, opaque] = [
    invocation({ effects: ['write', 'destructive'] }),
    invocation({ opaque: true }),
  ]
  for (const both of [
    [grave, opaque],
    [opaque, grave],
  ]) {
    const facts = factsOf({ grant: { approval: 'destructive' } })
    const operations = both.map((one) => ({ invocation: one, located: inside }))
    assert.equal(reasonOf(decide({ ...facts, operations })), 'not_approvable')
  }
})

test('where an opaque operation reaches outside, that is what is said', () => {
  const located: Located = { places: ['environment:z'], unresolved: [] }
  const facts = factsOf({ grant: { approval: 'always' }, invocation: upload, located })
  assert.equal(reasonOf(decide(facts)), 'outside')
})
