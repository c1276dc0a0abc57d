import { test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { verbCovers } from '../../src/core/grant.ts'
import { effects as allEffects, type Effect } from '../../src/core/operation.ts'
import {
  changeOf,
  changeSince,
  reviewedVersion,
  unreviewedSince,
  type Catalogued,
} from '../../src/core/reviewed.ts'

const read: Catalogued = { name: 'a', effects: ['read'], scope: 'environment', fingerprint: '1' }
const changed = (before: Catalogued, after: Partial<Catalogued>) =>
  changeSince(reviewedVersion([before]), { ...before, ...after })

test('an operation that was there and is the same is reviewed', () => {
  assert.equal(changed(read, {}), undefined)
})

test('one that was not there is new, also where it is called as an object’s own members are', () => {
  for (const name of ['b', 'constructor', '__proto__', 'toString'])
    assert.equal(changed(read, { name }), 'new', name)
  const odd = { ...read, name: '__proto__' }
  assert.equal(changeSince(reviewedVersion([odd]), odd), undefined)
})

test('one that was denied, or of the account, could not be used: that it can be is new', () => {
  assert.equal(changed({ ...read, denied: true }, { denied: false }), 'new')
  assert.equal(changed({ ...read, scope: 'account' }, { scope: 'environment' }), 'new')
})

test('one that has other effects than it had, more or fewer, is another operation', () => {
  const secret: Catalogued = { ...read, effects: ['read', 'secret'] }
  assert.equal(changed(secret, { effects: ['read'] }), 'changed')
  assert.equal(changed(read, { effects: ['read', 'secret'] }), 'changed')
  assert.equal(changed(read, { effects: ['write'] }), 'changed')
  assert.equal(changed(secret, { effects: ['secret', 'read'] }), undefined, 'in whatever order')
})

test('one whose ids, scope or conditions are others is another operation', () => {
  assert.equal(changed(read, { fingerprint: '2' }), 'changed')
})

test('where it is not known what a version held, everything may have changed since', () => {
  const unknown = unreviewedSince(undefined, [read])
  assert.equal(unknown, 'all')
  assert.equal(changeOf(unknown, 'a'), 'changed')
})

test('what became of each is told by its name', () => {
  const before = reviewedVersion([read, { ...read, name: 'b' }])
  const since = unreviewedSince(before, [
    read,
    { ...read, name: 'b', fingerprint: '2' },
    { ...read, name: 'c' },
  ])
  assert.deepEqual(
    ['a', 'b', 'c', 'constructor'].map((name) => changeOf(since, name)),
    [undefined, 'changed', 'new', undefined],
  )
})

test('no verb covers more of an unchanged operation than it did', () => {
  const effectsOf = fc
    .tuple(
      fc.constantFrom<Effect>('read', 'write'),
      fc.subarray<Effect>(['destructive', 'secret', 'admin']),
    )
    .map(([base, rest]): readonly Effect[] => [base, ...rest])
  const verb = fc.oneof(
    fc.subarray([...allEffects], { minLength: 1 }).map((some) => some.join('+')),
    fc.constantFrom('a*', 'ab*', 'a', 'a+secret'),
  )
  const invocation = (effects: readonly Effect[], added: readonly Effect[]) => ({
    operation: 'a',
    effects,
    added,
    scope: 'environment' as const,
    arguments: {},
    resources: [],
    widens: [],
  })
  fc.assert(
    fc.property(
      effectsOf,
      effectsOf,
      fc.subarray<Effect>(['destructive', 'secret', 'admin']),
      verb,
      (before, after, added, one) => {
        if (changed({ ...read, effects: before }, { effects: after }) !== undefined) return
        if (verbCovers(one, invocation(after, added)))
          assert.ok(verbCovers(one, invocation(before, added)))
      },
    ),
  )
})
