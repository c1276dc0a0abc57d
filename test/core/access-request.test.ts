import { test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  boundBy,
  effectsOf,
  longestAccess,
  narrowWish,
  onlyAdminsGive,
  readWish,
  settlingRefusal,
  startingLimits,
  stricterRule,
  type SettlingFacts,
  type VerbCatalogue,
} from '../../src/core/access-request.ts'
import { verbCovers, type ApprovalRule } from '../../src/core/grant.ts'
import { effects as allEffects, type Effect, type Invocation } from '../../src/core/operation.ts'
import type { Change } from '../../src/core/reviewed.ts'
import type { OperatorId } from '../../src/ids.ts'

type Entry = {
  readonly name: string
  readonly root?: Invocation['root']
  readonly effects: readonly Effect[]
  readonly scope: Invocation['scope']
  readonly denied?: boolean
}

const entry = (name: string, effects: readonly Effect[], rest: Partial<Entry> = {}): Entry => ({
  name,
  effects,
  scope: 'environment',
  ...rest,
})

const entries: readonly Entry[] = [
  entry('volume', ['read'], { root: 'query' }),
  entry('volumeCreate', ['write'], { root: 'mutation' }),
  entry('volumeDelete', ['write', 'destructive'], { root: 'mutation' }),
  entry('variables', ['read', 'secret'], { root: 'query' }),
  entry('memberAdd', ['write', 'admin'], { root: 'mutation' }),
  entry('account', ['read'], { root: 'query', scope: 'account' }),
  entry('unknown', ['write'], { root: 'mutation', denied: true }),
  entry('query:twice', ['read'], { root: 'query' }),
  entry('mutation:twice', ['write', 'destructive'], { root: 'mutation' }),
  // One that is called like an effect.
  entry('write', ['write'], { root: 'mutation' }),
]
const catalogue: VerbCatalogue = {
  operations: () => entries,
  find(name) {
    const exact = entries.find((one) => one.name === name)
    if (exact !== undefined) return exact
    const colon = name.indexOf(':')
    if (colon === -1) {
      const two = entries.filter((one) => one.name.endsWith(`:${name}`))
      return two.length > 1 ? 'ambiguous' : two[0]
    }
    return entries.find(
      (one) => one.name === name.slice(colon + 1) && one.root === name.slice(0, colon),
    )
  },
}
const none: ReadonlyMap<string, Change> = new Map()
const find: VerbCatalogue['find'] = (name) => catalogue.find(name)
const read = (...verbs: string[]) => readWish(verbs, catalogue, none)

test('what is asked for in two spellings is one verb, and their order does not matter', () => {
  assert.deepEqual(read('mutation:volumeDelete', 'volumeDelete', 'volumeDelete+destructive'), {
    ok: true,
    verbs: ['volumeDelete'],
  })
  assert.deepEqual(read('write+read', 'volumeCreate+secret+destructive'), {
    ok: true,
    verbs: ['read+write', 'volumeCreate+destructive+secret'],
  })
  assert.deepEqual(read('volume', 'volumeCreate'), read('volumeCreate', 'volume'))
})

test('an operation that is called like an effect stays one operation', () => {
  assert.deepEqual(read('mutation:write'), { ok: true, verbs: ['mutation:write'] })
})

test('what names nothing, or could never be used, is refused by its place', () => {
  for (const verb of [
    'volumeDestroy',
    'query:volumeDelete',
    'twice',
    'unknown',
    'account',
    'nothing*',
    'memberA*',
    'variab*',
    'vol.*',
    'read+nonsense',
    '',
  ]) {
    const result = read('volume', verb)
    assert.ok(!result.ok, verb)
    assert.deepEqual(
      result.wrong.map(({ at }) => at),
      [1],
      verb,
    )
  }
})

test('an operation that is another since the grant was reviewed cannot be asked for; a new one can', () => {
  const changes = new Map<string, Change>([
    ['volumeCreate', 'changed'],
    ['volume', 'new'],
  ])
  assert.equal(readWish(['volumeCreate'], catalogue, changes).ok, false)
  assert.equal(readWish(['volume'], catalogue, changes).ok, true)
  assert.equal(readWish(['volume'], catalogue, 'all').ok, false)
})

const anyVerb = fc.oneof(
  fc.constantFrom(
    'volume',
    'volumeCreate',
    'volumeDelete',
    'mutation:volumeDelete',
    'variables',
    'memberAdd',
    'query:twice',
    'mutation:twice',
    'mutation:write',
    'volume*',
    'v*',
    'volumeCreate+destructive',
    'volume+secret',
  ),
  fc
    .uniqueArray(fc.constantFrom(...allEffects), { minLength: 1 })
    .map((effects) => effects.join('+')),
)
const anyInvocation = fc
  .record({
    of: fc.constantFrom(...entries),
    added: fc.uniqueArray(fc.constantFrom(...allEffects)),
  })
  .map(({ of, added }): Invocation => ({
    operation: of.name,
    ...(of.root === undefined ? {} : { root: of.root }),
    effects: of.effects,
    added,
    scope: of.scope,
    arguments: {},
    resources: [],
    widens: [],
  }))

test('whatever is asked and chosen, what is given covers nothing that was not asked for', () => {
  const verbs = fc.array(anyVerb, { minLength: 1, maxLength: 6 })
  let given = 0
  fc.assert(
    fc.property(
      verbs,
      fc.option(verbs, { nil: undefined }),
      anyInvocation,
      (asked, chosen, one) => {
        const wish = readWish(asked, catalogue, none)
        if (!wish.ok) return
        for (const verb of wish.verbs)
          if (verbCovers(verb, one)) assert.ok(asked.some((other) => verbCovers(other, one)))
        const narrowed = narrowWish(
          { verbs: wish.verbs, seconds: 600 },
          { verbs: chosen, seconds: undefined },
          find,
        )
        if (!narrowed.ok) return
        const final = readWish(narrowed.verbs, catalogue, none)
        if (!final.ok) return
        given++
        for (const verb of final.verbs)
          if (verbCovers(verb, one))
            assert.ok(
              asked.some((other) => verbCovers(other, one)),
              verb,
            )
      },
    ),
    { numRuns: 3_000 },
  )
  assert.ok(given > 500)
})

test('an approver narrows verbs and time, and widens neither', () => {
  const asked = { verbs: ['volume*', 'volumeDelete'], seconds: 600 }
  const narrow = (verbs?: string[], seconds?: number) => narrowWish(asked, { verbs, seconds }, find)
  assert.deepEqual(narrow(), { ok: true, ...asked })
  assert.deepEqual(narrow(['volumeCreate'], 60), { ok: true, verbs: ['volumeCreate'], seconds: 60 })
  assert.deepEqual(narrow(['memberAdd', 'volume']), { ok: false, wider: ['memberAdd'] })
  assert.deepEqual(narrow(['volumeDelete+secret']), { ok: false, wider: ['volumeDelete+secret'] })
  assert.deepEqual(narrow(undefined, 601), { ok: false, wider: 'seconds' })
  assert.deepEqual(narrow(undefined, Number.NaN), { ok: false, wider: 'seconds' })
  const long = narrowWish(
    { verbs: ['volume'], seconds: 10 * longestAccess },
    { verbs: undefined, seconds: undefined },
    find,
  )
  assert.ok(long.ok && long.seconds === longestAccess)
})

test('an approver who is no admin gives nothing that changes who may do what, and grave verbs by name only', () => {
  const reserved = (...verbs: string[]) => onlyAdminsGive(verbs, find)
  assert.deepEqual(reserved('read', 'write', 'read+write', 'volume*', 'volumeDelete'), [])
  assert.deepEqual(reserved('variables', 'volumeCreate+destructive'), [])
  const only = ['memberAdd', 'volumeCreate+admin', 'read+secret', 'destructive+write', 'admin']
  assert.deepEqual(reserved(...only), only)
  assert.deepEqual(reserved('gone'), ['gone'], 'what is not in the catalogue is not given')
})

test('the effects of a verb are all that it covers', () => {
  fc.assert(
    fc.property(anyVerb, anyInvocation, (verb, one) => {
      const known = effectsOf(verb, find)
      assert.ok(known)
      if (verbCovers(verb, one))
        for (const effect of [...one.effects, ...one.added]) assert.ok(known.includes(effect))
    }),
  )
  assert.equal(effectsOf('gone', find), undefined)
})

test('a grant made for a time asks a person about what is grave, and reveals no minted credential', () => {
  const base = {
    constraints: [],
    approval: 'never',
    approvalTerms: {},
    requireDpop: false,
    minted: 'reveal',
  } as const
  assert.deepEqual(startingLimits(base), { approval: 'destructive', minted: 'redact' })
  assert.deepEqual(startingLimits({ ...base, approval: 'always', minted: 'seal' }), {
    approval: 'always',
    minted: 'seal',
  })
})

test('the stricter of two rules holds, whichever comes first', () => {
  const rules: readonly ApprovalRule[] = ['never', 'destructive', 'always']
  for (const [i, one] of rules.entries())
    for (const [j, other] of rules.entries())
      assert.equal(stricterRule(one, other), rules[Math.max(i, j)])
})

test('the limits of the grant that it was asked under hold beside its own', () => {
  const own = { path: 'a', equals: 1 }
  const theirs = { path: 'b', equals: 2 }
  const grant = {
    constraints: [own],
    approval: 'destructive',
    approvalTerms: { waitSeconds: 9 },
    minted: 'redact',
    requireDpop: false,
  } as const
  const bound = boundBy(grant, {
    constraints: [theirs],
    approval: 'always',
    approvalTerms: { holdSeconds: 60, approver: 'two_persons', waitSeconds: 1 },
    minted: 'redact',
    requireDpop: true,
  })
  assert.deepEqual(bound.constraints, [own, theirs])
  assert.equal(bound.approval, 'always')
  assert.equal(bound.requireDpop, true)
  assert.deepEqual(bound.approvalTerms, {
    waitSeconds: 9,
    holdSeconds: 60,
    approver: 'two_persons',
  })
  const looser = {
    constraints: [],
    approval: 'never',
    approvalTerms: {},
    minted: 'reveal',
    requireDpop: false,
  } as const
  assert.deepEqual(boundBy(grant, looser), {
    ...grant,
    approvalTerms: { waitSeconds: 9, holdSeconds: 0, approver: 'anyone' },
  })
})

const owner = 'op_1' as OperatorId
const good: SettlingFacts = {
  now: 1_000,
  decision: 'grant',
  request: { state: 'pending', expiresAt: 2_000, filedBy: null },
  standing: 'active',
  frozen: undefined,
  owners: [owner],
  agentOwner: owner,
  rule: 'anyone',
  protected: false,
  proof: 'passkey',
  oneTimeCodes: false,
  operator: { id: owner, active: true, roles: ['approver'], via: 'cookie' },
}
type Wrong = { readonly [K in keyof SettlingFacts]?: Partial<SettlingFacts[K]> | undefined }
const withWrong = (wrong: Wrong): SettlingFacts =>
  ({
    ...good,
    ...wrong,
    request: { ...good.request, ...(wrong.request as object) },
    operator: { ...good.operator, ...(wrong.operator as object) },
  }) as SettlingFacts

test('an owner who approves may grant, by a cookie, in time, what nobody has frozen or taken away', () => {
  assert.equal(settlingRefusal(good), undefined)
  assert.equal(settlingRefusal(withWrong({ owners: [] })), undefined)
  const another = { agentOwner: 'op_2' as OperatorId, rule: 'not_owner' } as const
  assert.equal(settlingRefusal(withWrong(another)), undefined)
  assert.equal(
    settlingRefusal(withWrong({ proof: 'one_time_code', oneTimeCodes: true })),
    undefined,
  )
  assert.equal(settlingRefusal(withWrong({ protected: true })), undefined)
  const cases: readonly (readonly [string, Wrong])[] = [
    ['bearer', { operator: { via: 'bearer' } }],
    ['not_an_approver', { operator: { roles: ['auditor'] } }],
    ['not_an_approver', { operator: { roles: [] } }],
    ['not_an_approver', { operator: { active: false } }],
    ['not_pending', { request: { state: 'granted' } }],
    ['not_pending', { request: { state: 'denied' } }],
    ['expired', { request: { state: 'expired' } }],
    ['expired', { request: { expiresAt: 1_000 } }],
    ['expired', { request: { expiresAt: Number.NaN } }],
    ['filed_it', { request: { filedBy: owner } }],
    ['not_an_owner', { owners: ['op_2' as OperatorId] }],
    ['owner_of_the_agent', { rule: 'not_owner' }],
    ['owner_of_the_agent', { rule: 'two_persons' }],
    ['code_not_allowed', { proof: 'one_time_code' }],
    ['code_not_allowed', { proof: 'one_time_code', oneTimeCodes: true, protected: true }],
    ['inactive', { standing: 'disabled' }],
    ['inactive', { standing: 'revoked' }],
    ['inactive', { standing: 'expired' }],
    ['frozen', { frozen: 'agent' }],
  ]
  for (const [refusal, wrong] of cases) assert.equal(settlingRefusal(withWrong(wrong)), refusal)
})

test('every approver may say no, whoever asked and whatever has become of the grant; not by a bearer', () => {
  const deny = (wrong: Wrong) => settlingRefusal({ ...withWrong(wrong), decision: 'deny' })
  assert.equal(deny({ request: { filedBy: owner }, owners: [], standing: 'revoked' }), undefined)
  assert.equal(deny({ owners: ['op_2' as OperatorId], frozen: 'everything' }), undefined)
  assert.equal(deny({ proof: 'one_time_code', protected: true }), undefined)
  assert.equal(deny({ operator: { via: 'bearer' } }), 'bearer')
  assert.equal(deny({ operator: { roles: ['auditor'] } }), 'not_an_approver')
  assert.equal(deny({ request: { state: 'granted' } }), 'not_pending')
})
