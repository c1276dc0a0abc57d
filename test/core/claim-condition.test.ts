import { test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  claimAt,
  claimHolds,
  claimPath,
  conditionFault,
  type ClaimCondition,
  type Scalar,
} from '../../src/core/claim-condition.ts'

const claims = {
  sub: 'repo:acme/app:ref:refs/heads/main',
  repository: 'acme/app',
  repository_id: '123',
  run_attempt: 1,
  protected: true,
  'kubernetes.io': { namespace: 'prod', pod: { name: 'a' }, 'a/b~c': 'x' },
  kubernetes: { io: { namespace: 'staging' } },
  groups: ['admins'],
  nothing: null,
}
const holds = (condition: ClaimCondition): boolean => claimHolds(condition, claims)

test('equality is of the value and of its type', () => {
  assert.ok(holds({ claim: 'repository_id', equals: '123' }))
  assert.ok(!holds({ claim: 'repository_id', equals: 123 }))
  assert.ok(holds({ claim: 'run_attempt', equals: 1 }))
  assert.ok(!holds({ claim: 'run_attempt', equals: '1' }))
  assert.ok(!holds({ claim: 'run_attempt', equals: true }))
  assert.ok(holds({ claim: 'protected', equals: true }))
  assert.ok(!holds({ claim: 'protected', equals: 'true' }))
  assert.ok(!holds({ claim: 'repository', equals: 'Acme/app' }))
})

test('one of a set is equality with one of them', () => {
  assert.ok(holds({ claim: 'repository_id', oneOf: ['9', '123'] }))
  assert.ok(!holds({ claim: 'repository_id', oneOf: ['9', 123] }))
})

test('a prefix ends where a name ends', () => {
  assert.ok(holds({ claim: 'sub', prefix: 'repo:acme/' }))
  assert.ok(!holds({ claim: 'sub', prefix: 'repo:acm/' }))
  const evil = { sub: 'repo:acme-evil/app:ref:refs/heads/main' }
  assert.ok(!claimHolds({ claim: 'sub', prefix: 'repo:acme/' }, evil))
  assert.ok(!claimHolds({ claim: 'sub', prefix: 'repo:acme' }, evil), 'nor one that cannot be kept')
  assert.ok(!holds({ claim: 'sub', prefix: 'repo:acme' }))
  assert.ok(
    !claimHolds({ claim: 'sub', prefix: 'repo:acme/' }, { sub: 'repo:acme/' }),
    'something must follow',
  )
  assert.match(conditionFault({ claim: 'sub', prefix: 'repo:acme' }) ?? '', /acme-evil/)
  for (const prefix of ['/', ':', '://', 'spiffe://', 'repo:acme*', 'repo:acme-', 'repo:acme.'])
    assert.ok(conditionFault({ claim: 'sub', prefix }) !== undefined, prefix)
  assert.equal(conditionFault({ claim: 'sub', prefix: 'spiffe://acme.example/' }), undefined)
  assert.equal(conditionFault({ claim: 'sub', prefix: 'system:serviceaccount:' }), undefined)
})

test('a claim that is missing, null, a list or an object meets nothing', () => {
  for (const claim of ['absent', 'nothing', 'groups', 'kubernetes.io', '/kubernetes.io/pod'])
    for (const test of [
      { equals: 'admins' },
      { oneOf: ['admins', true, 0] },
      { prefix: 'admins/' },
    ])
      assert.ok(!holds({ claim, ...test }), claim)
  assert.ok(!holds({ claim: '/groups/0', equals: 'admins' }))
  assert.ok(!holds({ claim: 'toString', equals: 'x' }))
  assert.equal(claimAt({}, '/__proto__/name'), undefined)
  assert.equal(claimAt({}, 'constructor'), undefined)
  const inherited = Object.create({ sub: 'x' }) as Record<string, unknown>
  assert.equal(claimAt(inherited, 'sub'), undefined, 'nor one that is inherited')
})

test('a claim is addressed in one way: dots belong to its name, and a pointer leads further in', () => {
  assert.equal(claimAt(claims, '/kubernetes.io/namespace'), 'prod')
  assert.equal(claimAt(claims, '/kubernetes/io/namespace'), 'staging')
  assert.equal(claimAt(claims, 'kubernetes.io.namespace'), undefined)
  assert.equal(claimAt(claims, '/kubernetes.io/a~1b~0c'), 'x')
  assert.equal(claimAt(claims, '/repository_id'), '123')
  assert.equal(claimAt({ '/x': 'y' }, '/~1x'), 'y')
  for (const claim of ['', '/', '//a', '/a/', '/a~', '/a~2', '/a/b/c/d/e/f/g', 'x'.repeat(201)])
    assert.equal(claimPath(claim), undefined, claim)
})

test('a condition that tests nothing, or two things, or what every token says, is refused', () => {
  for (const condition of [
    { claim: 'sub' },
    { claim: 'sub', equals: 'a', prefix: 'a/' },
    { claim: 'sub', equals: 'a', oneOf: ['a'] },
    { claim: 'sub', oneOf: [] },
    { claim: 'sub', equals: '' },
    { claim: 'sub', oneOf: ['a', ''] },
    { claim: 'sub', equals: 1.5 },
    { claim: 'id', equals: 2 ** 53 },
    { claim: 'iss', equals: 'https://acme.example' },
    { claim: '/iss', equals: 'https://acme.example' },
    { claim: 'aud', equals: 'x' },
    { claim: 'exp', equals: 1 },
    { claim: 'jti', prefix: 'a/' },
  ] as ClaimCondition[]) {
    assert.ok(conditionFault(condition) !== undefined, JSON.stringify(condition))
    assert.ok(
      !claimHolds(condition, {
        sub: '',
        id: 2 ** 53,
        iss: 'https://acme.example',
        aud: 'x',
        exp: 1,
        jti: 'a/b',
      }),
    )
  }
})

const scalar: fc.Arbitrary<Scalar> = fc.oneof(
  fc.constantFrom('a', '1', 'true', '0', 'a/b', 'a:b'),
  fc.string({ minLength: 1, maxLength: 20 }),
  fc.maxSafeInteger(),
  fc.boolean(),
)
const delimiter = fc.constantFrom('/', ':')
const name = fc.stringMatching(/^[a-z0-9.-]{1,10}$/)

test('whatever the values, equality and sets hold for the very value and no other', () => {
  fc.assert(
    fc.property(scalar, fc.array(scalar, { minLength: 1, maxLength: 5 }), (value, set) => {
      const it = { claim: value }
      assert.equal(claimHolds({ claim: 'claim', equals: value }, it), true)
      assert.equal(claimHolds({ claim: 'claim', oneOf: set }, it), set.includes(value))
      const [other] = set
      if (other !== undefined)
        assert.equal(claimHolds({ claim: 'claim', equals: other }, it), other === value)
    }),
  )
})

test('whatever the names, a prefix matches what lies below that very name, and no name that only begins with it', () => {
  fc.assert(
    fc.property(name, name, delimiter, name, (owner, suffix, end, rest) => {
      const condition = { claim: 'sub', prefix: `repo:${owner}${end}` }
      assert.ok(claimHolds(condition, { sub: `repo:${owner}${end}${rest}` }))
      assert.ok(!claimHolds(condition, { sub: `repo:${owner}${suffix}${end}${rest}` }))
      assert.ok(!claimHolds(condition, { sub: `repo:${owner}` }))
      assert.ok(!claimHolds(condition, { sub: `x:repo:${owner}${end}${rest}` }))
      assert.ok(!claimHolds(condition, {}))
    }),
  )
})

test('whatever the names on the way, a pointer made of them finds the value and reads back as them', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 6 }),
      scalar,
      (path, value) => {
        const pointer = path
          .map((each) => `/${each.replaceAll('~', '~0').replaceAll('/', '~1')}`)
          .join('')
        assert.deepEqual(claimPath(pointer), path)
        let nested: unknown = value
        for (const each of path.toReversed()) nested = Object.fromEntries([[each, nested]])
        assert.equal(claimAt(nested as Record<string, unknown>, pointer), value)
      },
    ),
  )
})
