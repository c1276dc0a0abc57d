import { test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { canonicalize, type Canonical } from '../../src/core/canonical.ts'

test('RFC 8785: the example of its section 3.2.2 comes out as the RFC prints it', () => {
  const value = {
    numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
    string: '\u20ac$\u000f\u000aA\'\u0042\u0022\u005c\\"/',
    literals: [null, true, false],
  }
  assert.equal(
    canonicalize(value),
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  )
})

test('RFC 8785: members are sorted by UTF-16 code units, at every level', () => {
  const value = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, ö: 7 }
  const keys = [...canonicalize(value).matchAll(/:([0-9])/g)].map((match) => match[1])
  assert.deepEqual(keys.map(Number), [2, 4, 6, 7, 1, 5, 3])
  assert.equal(canonicalize({ b: [{ d: 1, c: 2 }], a: 0 }), '{"a":0,"b":[{"c":2,"d":1}]}')
})

test('what has no canonical form is refused, and what is undefined is left out', () => {
  assert.throws(() => canonicalize(NaN), RangeError)
  assert.throws(() => canonicalize([Number.POSITIVE_INFINITY]), RangeError)
  assert.equal(canonicalize({ a: undefined, b: -0 }), '{"b":0}')
})

const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Canonical>

test('the order of members does not matter, and reading it back gives the value (property)', () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = canonicalize(value)
      // JSON has no -0, and the RFC writes it as 0.
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)))
      assert.equal(canonicalize(reversed(value)), text)
    }),
  )
})

test('two different strings have two different spellings, lone surrogates too (property)', () => {
  const unit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code))
  const any = fc.array(unit, { maxLength: 4 }).map((units) => units.join(''))
  fc.assert(
    fc.property(any, any, (a, b) => {
      const [left, right] = [Buffer.from(canonicalize(a)), Buffer.from(canonicalize(b))]
      assert.equal(left.equals(right), a === b)
    }),
    { numRuns: 2_000 },
  )
})

function reversed(value: Canonical): Canonical {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(reversed)
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, member === undefined ? undefined : reversed(member)]),
  )
}
