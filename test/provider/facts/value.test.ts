import assert from 'node:assert/strict'
import { test } from 'node:test'
import { age, fieldOf, filled, isSame, timeOf } from '../../../src/provider/facts/value.ts'
import type { Field } from '../../../src/provider/facts/rule.ts'
import { toldAt } from '../../support/telling.ts'

function told(json: unknown, field: Partial<Field>): string {
  return fieldOf(json, { label: 'x', at: 'a', ...field }, toldAt)
}

test('a field is told under its label, in its unit, or as not told', () => {
  assert.equal(told({ a: 80 }, { unit: 'GB' }), 'x 80 GB')
  assert.equal(told({ a: '25' }, { unit: 'GB' }), 'x 25 GB')
  assert.equal(told({ a: 0.03364864 }, { unit: 'GB' }), 'x 0.034 GB')
  assert.equal(told({ a: 0 }, { unit: 'GB' }), 'x 0 GB')
  assert.equal(told({ a: 2_500_000 }, { unit: 'KB' }), 'x 2.5 GB')
  assert.equal(told({ a: 41_000_000 }, { unit: 'bytes' }), 'x 41 MB')
  assert.equal(told({ a: false }, {}), 'x false')
  assert.equal(told({ a: 3 }, {}), 'x 3')
  assert.equal(told({ a: null }, {}), 'x not told')
  assert.equal(told({}, {}), 'x not told')
  assert.equal(told({ a: { b: 1 } }, {}), 'x not readable')
  for (const value of [-1, Number.NaN, 'many', '1e9', {}])
    assert.equal(told({ a: value }, { unit: 'GB' }), 'x not readable')
})

test('a text is quoted, bounded, and cannot pose as the words around it', () => {
  assert.equal(told({ a: 'a"; size 1 GB\n' }, {}), 'x "a\\"; size 1 GB\\n"')
  const long = told({ a: 'y'.repeat(5_000) }, {})
  assert.ok(long.length < 400)
  assert.match(long, /4800 more characters/)
  const many = told({ a: Array.from({ length: 500 }, (_, i) => `n${String(i)}`) }, { at: 'a.*' })
  assert.match(many, /^x "n0", .*"n11", and 488 more$/)
})

test('a time is told with its age, whichever way it is written, and what is none is not made one', () => {
  assert.equal(
    told({ a: '2026-06-01T09:00:00Z' }, { as: 'time' }),
    'x 2026-06-01 09:00 UTC (3 h old)',
  )
  assert.equal(timeOf('2026-06-01T09:00:00.123+02:00', 'time'), Date.UTC(2026, 5, 1, 7) + 123)
  // Without a zone it is UTC, wherever this runs.
  assert.equal(timeOf('2026-06-01 09:00:00', 'time'), Date.UTC(2026, 5, 1, 9))
  assert.equal(timeOf(1_780_304_400, 'seconds'), 1_780_304_400_000)
  for (const value of ['yesterday', '2026', '', 5, null, {}, '2026-13-41T99:00:00Z'])
    assert.equal(timeOf(value, 'time'), undefined)
  for (const value of ['5', Number.POSITIVE_INFINITY, 1e18])
    assert.equal(timeOf(value, 'seconds'), undefined)
  assert.equal(told({ a: 'soon' }, { as: 'time' }), 'x not readable')
  assert.equal(age(-600_000), 'dated in the future')
})

test('a question names an argument of the request once, or is not written', () => {
  const args = { id: 7, name: 'a', list: ['b', 'c'], deep: { one: true }, odd: { x: 1 } }
  assert.equal(filled('{id}/{name}', args), '7/a')
  assert.equal(filled('{deep.one}', args), 'true')
  assert.equal(filled('100', args), '100')
  for (const template of ['{gone}', '{list}', '{list.*}', '{odd}', '{constructor}', 'x{gone}'])
    assert.equal(filled(template, args), undefined, template)
})

test('an answer is about what was asked only where it says so, once', () => {
  const args = { id: '7', owner: 'Acme' }
  assert.ok(isSame({ id: 7 }, { at: 'id', is: '{id}' }, args))
  assert.ok(isSame({ n: 'ACME' }, { at: 'n', is: '{owner}', caseless: true }, args))
  for (const json of [{ id: 8 }, {}, { id: ['7'] }, { id: { id: 7 } }, undefined, '7'])
    assert.ok(!isSame(json, { at: 'id', is: '{id}' }, args))
  assert.ok(!isSame({ n: 'ACME' }, { at: 'n', is: '{owner}' }, args))
  assert.ok(!isSame({ l: [{ id: 7 }, { id: 7 }] }, { at: 'l.*.id', is: '{id}' }, args))
  // What the request does not say, no answer can match.
  assert.ok(!isSame({ id: '' }, { at: 'id', is: '{gone}' }, args))
})
