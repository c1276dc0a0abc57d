import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { consequences, mayHold, surelyHolds, type ArgumentTest } from '../../src/core/condition.ts'
import type { JsonObject, JsonValue } from '../../src/core/operation.ts'

type Tests = Omit<ArgumentTest, 'path'>

function holds(args: JsonObject, path: string, tests: Tests = {}): boolean {
  return consequences([{ path, ...tests, adds: ['admin'] }], args).added.length > 0
}

test('a condition without a place always holds, and each effect is added once', () => {
  const result = consequences(
    [{ adds: ['admin'] }, { adds: ['admin', 'secret'] }, { widens: 'it reaches out' }],
    {},
  )
  assert.deepEqual(result, { added: ['admin', 'secret'], widens: ['it reaches out'] })
})

test('an argument is present whatever its value', () => {
  for (const value of [null, false, '', 0, []]) assert.ok(holds({ body: { a: value } }, 'body.a'))
  assert.ok(!holds({ body: {} }, 'body.a'))
  assert.ok(!holds({ body: { toString: 1 } }, 'body.constructor'))
})

test('only false and null are not "not false"', () => {
  for (const value of [true, 'false', 0, '', 'no'])
    assert.ok(holds({ a: value }, 'a', { noneOf: [false, null] }))
  for (const value of [false, null]) assert.ok(!holds({ a: value }, 'a', { noneOf: [false, null] }))
})

test('every member of a list is looked at, and of an object in place of a list', () => {
  const inside = (entries: JsonValue) =>
    holds({ body: { tree: entries } }, 'body.tree.*.path', { under: ['.github'] })
  assert.ok(inside([{ path: 'a' }, { path: '.github/workflows/x.yml' }]))
  assert.ok(inside({ '0': { path: '.github/x' } }))
  assert.ok(!inside([{ path: 'a' }]))
})

test('a single value is the list of it to a condition, and no list to a constraint', () => {
  const args: JsonObject = { expand: 'number' }
  assert.ok(holds(args, 'expand.*', { contains: 'number' }))
  assert.ok(holds(args, 'expand.*.x', { contains: 'number' }))
  assert.ok(!surelyHolds({ path: 'expand.*', equals: 'number' }, args))
})

test('a file is under a folder however its path is spelled', () => {
  const governs = (path: string) =>
    holds({ path }, 'path', { under: ['.github', 'docs/CODEOWNERS'] })
  for (const path of [
    '.github',
    '.GitHub/x',
    './.github/x',
    '.github//x',
    'a/../.github/x',
    'docs/codeowners',
  ]) {
    assert.ok(governs(path), path)
  }
  for (const path of ['src/.github/x', '.github2', 'docs', 'docs/CODEOWNERS.md'])
    assert.ok(!governs(path), path)
})

test('a value that cannot be compared counts as met', () => {
  for (const when of [
    { equals: 'x' },
    { contains: ':' },
    { under: ['x'] },
    { differsFrom: 'b' },
    { ownerDiffersFrom: 'b' },
  ]) {
    for (const value of [1, true, ['x'], {}]) assert.ok(holds({ a: value, b: 'b' }, 'a', when))
    assert.ok(!holds({ a: null, b: 'b' }, 'a', when))
  }
})

test('another owner is one that is named before a colon and is not the own', () => {
  const foreign = (head: string) =>
    holds({ owner: 'Acme', head }, 'head', { ownerDiffersFrom: 'owner' })
  for (const head of ['main', 'acme:main', 'feature/x']) assert.ok(!foreign(head), head)
  for (const head of ['eve:main', ':main', 'acme:other:main', 'acme :main'])
    assert.ok(foreign(head), head)
  assert.ok(
    holds({ head: 'acme:main' }, 'head', { ownerDiffersFrom: 'owner' }),
    'nothing to compare with',
  )
})

test('an argument that is absent, inherited, or in a list meets no constraint', () => {
  const args = { input: { id: 'a', list: [1] }, none: null }
  assert.equal(surelyHolds({ path: 'input.id', equals: 'a' }, args), true)
  assert.equal(surelyHolds({ path: 'none', equals: null }, args), true)
  for (const path of ['input.other', 'other', 'input.list.0', 'input.list.length', 'none.x'])
    assert.equal(surelyHolds({ path, equals: 1 }, args), false, path)
  for (const path of ['constructor', '__proto__', 'toString', 'input.constructor.name'])
    assert.equal(surelyHolds({ path, oneOf: ['Object', 'a', {}] }, args), false, path)
})

test('a constraint without a test, and a bound on what is no number, is met by nothing', () => {
  const args = { a: '1', n: 3 }
  assert.equal(surelyHolds({ path: 'n' }, args), false)
  assert.equal(surelyHolds({ path: 'a', max: 5 }, args), false)
  assert.equal(surelyHolds({ path: 'n', max: 3, min: 3 }, args), true)
  assert.equal(surelyHolds({ path: 'n', max: 2 }, args), false)
  assert.equal(surelyHolds({ path: 'n', min: 4 }, args), false)
  assert.equal(surelyHolds({ path: 'n', equals: '3' }, args), false)
})

test('every value of a list must meet a constraint, and a list without any meets none', () => {
  const plan = { path: 'items.*.plan', oneOf: ['small', 'medium'] }
  assert.ok(surelyHolds(plan, { items: [{ plan: 'small' }, { plan: 'medium' }] }))
  assert.ok(!surelyHolds(plan, { items: [{ plan: 'small' }, { plan: 'huge' }] }))
  assert.ok(!surelyHolds(plan, { items: [] }))
  assert.ok(!surelyHolds(plan, { items: 'small' }))
})

test('an excluded value is excluded in every spelling, and counted as a danger only in its own', () => {
  const test = { path: 'force', noneOf: [true] }
  assert.ok(surelyHolds(test, { force: false }))
  for (const force of [true, 'true', 1]) assert.ok(!surelyHolds(test, { force }))
  assert.ok(!mayHold(test, { force: true }))
  assert.ok(mayHold(test, { force: 'true' }))
})

test('a number in any spelling that a loose server reads can be within a bound, and is never surely so', () => {
  const zero = { path: 'replicas', max: 0 }
  for (const replicas of [0, '0', ' 0', '0x0', '', false, [], {}, 'none'])
    assert.ok(mayHold(zero, { replicas }), JSON.stringify(replicas))
  for (const replicas of [1, '1', true]) assert.ok(!mayHold(zero, { replicas }))
  for (const replicas of ['0', '', false, null]) assert.ok(!surelyHolds(zero, { replicas }))
  assert.ok(surelyHolds(zero, { replicas: 0 }))
})

test('what surely holds could hold, whatever the value and the test', () => {
  const scalar = fc.oneof(
    fc.constantFrom('a', 'A', 'b', 'true', '0', ''),
    fc.boolean(),
    fc.integer({ min: -2, max: 2 }),
    fc.constant(null),
  )
  const tests = fc.record(
    {
      equals: scalar,
      oneOf: fc.array(scalar, { minLength: 1, maxLength: 3 }),
      noneOf: fc.array(scalar, { minLength: 1, maxLength: 3 }),
      max: fc.integer({ min: -2, max: 2 }),
      min: fc.integer({ min: -2, max: 2 }),
      contains: fc.constantFrom('a', ''),
      under: fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 2 }),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.oneof(scalar, fc.array(scalar, { maxLength: 2 })), tests, (value, given) => {
      const test = { path: 'x', ...given }
      if (surelyHolds(test, { x: value })) assert.ok(mayHold(test, { x: value }))
    }),
  )
})

test('what lies beyond the known members is told by none of them being it', () => {
  const beyond = ['name', 'emptyDir']
  for (const value of [{ hostPath: {} }, { name: 'a', new: 1 }, 'text', 0, [{ hostPath: {} }]])
    assert.ok(holds({ a: value }, 'a', { beyond }), JSON.stringify(value))
  for (const value of [{}, { name: 'a' }, { emptyDir: null }, null])
    assert.ok(!holds({ a: value }, 'a', { beyond }), JSON.stringify(value))
  assert.ok(surelyHolds({ path: 'a', beyond }, { a: { hostPath: {} } }))
  assert.ok(!surelyHolds({ path: 'a', beyond }, { a: 'text' }))
})

test('a member that is lacking is one that no object has there', () => {
  for (const value of [{}, { other: 1 }, null, 'text', []])
    assert.ok(holds({ a: value }, 'a', { lacks: 'replicas' }), JSON.stringify(value))
  assert.ok(!holds({ a: { replicas: 0 } }, 'a', { lacks: 'replicas' }))
  assert.ok(surelyHolds({ path: 'a', lacks: 'replicas' }, { a: {} }))
  assert.ok(!surelyHolds({ path: 'a', lacks: 'replicas' }, { a: null }))
})

test('what stands where a list was expected is itself looked at, whatever was to be found inside', () => {
  // A server that takes one for the list of it may take a text for the object that it names.
  assert.ok(holds({ tree: '.github/x' }, 'tree.*.path', { under: ['.github'] }))
  assert.ok(holds({ a: { tree: 7 } }, 'a.tree.*.path'))
  // At any depth, every text would be one.
  assert.ok(!holds({ model: 'x' }, '*.*.tools.*.type'))
  for (const nothing of [null, [], {}, [null]])
    assert.ok(!holds({ tree: nothing }, 'tree.*.path'), JSON.stringify(nothing))
  assert.ok(!surelyHolds({ path: 'tree.*.path', equals: 'x' }, { tree: 'x' }))
})
