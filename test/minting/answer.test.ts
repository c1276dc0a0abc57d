import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isToken, membersOf, momentOf, quoted, textAt } from '../../src/minting/answer.ts'

describe('a provider’s words', () => {
  it('are quoted without what was sent in secret, in any of its encodings', () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9+/=_.-]{24,80}$/)
    fc.assert(
      fc.property(secret, fc.stringMatching(/^[a-z :"'<>]{0,40}$/), (value, around) => {
        const bytes = Buffer.from(value)
        for (const form of [
          value,
          bytes.toString('base64'),
          bytes.toString('base64url'),
          bytes.toString('hex'),
          encodeURIComponent(value),
          [...bytes].map((byte) => `%${byte.toString(16)}`).join(''),
          [...bytes].map((byte) => `\\u00${byte.toString(16)}`).join(''),
          value.slice(0, 24),
        ])
          assert.ok(!quoted(`${around}${form}${around}`, []).includes(form))
      }),
    )
    assert.equal(quoted('the key hunter2 is bad', ['hunter2']), 'the key [redacted] is bad')
  })

  it('are one short line that no terminal obeys', () => {
    assert.equal(quoted('a\r\nb\u001b[31m\u202ec\0', []), 'a b [31m c')
    assert.ok(quoted('word '.repeat(100_000), []).length <= 200)
  })
})

describe('an answer', () => {
  it('is an object that every reader reads alike, or nothing', () => {
    assert.deepEqual(membersOf('{"a":1}'), { a: 1 })
    for (const text of ['', '[]', '"x"', 'null', '{"a":1,"a":2}', '{"__proto__":{}}', '<a/>'])
      assert.equal(membersOf(text), undefined, text)
    assert.equal(membersOf(`${'['.repeat(100)}${']'.repeat(100)}`), undefined)
    assert.equal(membersOf(`{"a":${'{"a":'.repeat(40)}1${'}'.repeat(41)}`), undefined)
  })

  it('has no member that it does not own', () => {
    assert.equal(textAt({ a: { b: 'c' } }, 'a', 'b'), 'c')
    for (const path of [['constructor', 'name'], ['a', 'toString'], ['a', 'b', 'length'], ['x']])
      assert.equal(textAt({ a: { b: 'c' } }, ...path), undefined)
  })

  it('holds no token that could be two fields, and no moment that is none', () => {
    assert.ok(isToken('ghs_0123456789'))
    for (const text of [
      '',
      'short',
      'with blank in',
      'line\nline123',
      'ü23456789',
      'x'.repeat(9000),
      7,
    ])
      assert.equal(isToken(text), false)
    assert.equal(momentOf('2026-01-01T00:00:00Z'), Date.UTC(2026, 0, 1))
    assert.equal(momentOf('2026-01-01T00:00:00.123456789Z'), Date.UTC(2026, 0, 1) + 123)
    for (const text of ['2026-01-01', '2026-13-01T00:00:00Z', '2026-01-01T00:00:00+02:00', 1e12])
      assert.equal(momentOf(text), undefined)
  })
})
