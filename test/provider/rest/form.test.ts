import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { readForm } from '../../../src/provider/rest/form.ts'

function valueOf(text: string): unknown {
  const form = readForm(text)
  return form.ok ? form.value : 'refused'
}

test('brackets are objects, empty brackets lists', () => {
  assert.deepEqual(valueOf('items[0][price]=p&items[1][price]=q&expand[]=a&expand[]=b&x=1'), {
    items: { '0': { price: 'p' }, '1': { price: 'q' } },
    expand: ['a', 'b'],
    x: '1',
  })
  assert.deepEqual(valueOf(''), {})
  assert.deepEqual(valueOf('a=b=c&d'), { a: 'b=c', d: '' })
  assert.deepEqual(valueOf('a=1+2%2B3'), { a: '1 2+3' })
})

test('what two servers would read differently is refused', () => {
  for (const text of [
    'a=1&a=2',
    'a=1&a[b]=2',
    'a[b]=1&a=2',
    'a[]=1&a[b]=2',
    'a[b]=1&a[]=2',
    'a[][b]=1',
    'a[b]c=1',
    'a[b=1',
    'a]=1',
    '[a]=1',
    '=1',
    '&a=1',
    'a=1&&b=2',
    'a=1&',
    '%20a=1',
    '+a=1',
    'a%0a=1',
    'a[b%0d]=1',
    '%EF%BB%BFa=1',
    'a;b=1',
    'a=%00',
    'a=%ff',
    'a=%',
    '__proto__[x]=1',
    'a[__proto__]=1',
    'token=1',
    'Access_Token=1',
    `a${'[b]'.repeat(10)}=1`,
    'a=1&'.repeat(2_000) + 'b=1',
  ])
    assert.equal(valueOf(text), 'refused', text.slice(0, 40))
})

test('an object’s own names do not reach its prototype', () => {
  assert.deepEqual(valueOf('constructor[prototype][x]=1&toString=2'), {
    constructor: { prototype: { x: '1' } },
    toString: '2',
  })
  assert.equal(({} as Record<string, unknown>)['x'], undefined)
})

test('what is written anew means the same, and is written the same again', () => {
  const names = fc.stringMatching(/^[a-z]{1,4}(?:\[[a-z &=;%é]{0,4}\]){0,2}$/)
  const pairs = fc.array(fc.tuple(names, fc.string({ unit: 'grapheme', maxLength: 8 })), {
    maxLength: 4,
  })
  let read = 0
  fc.assert(
    fc.property(pairs, (given) => {
      const text = new URLSearchParams(given).toString()
      const form = readForm(text)
      if (!form.ok) return
      read++
      assert.deepEqual([...new URLSearchParams(form.encoded)], [...new URLSearchParams(text)])
      assert.deepEqual(readForm(form.encoded), form)
      assert.match(form.encoded, /^[A-Za-z0-9\-._~%&=/:@,]*$/)
    }),
    { numRuns: 500 },
  )
  assert.ok(read > 100)
})
