import { test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { readCompactJws } from '../../src/core/compact-jws.ts'

const encode = (text: string): string => Buffer.from(text).toString('base64url')
const good = `${encode('{"alg":"ES256"}')}.${encode('{"aud":"a"}')}.AAAA`

test('a compact JWS around an object is read', () => {
  assert.deepEqual(readCompactJws(good, 1_000), {
    header: { alg: 'ES256' },
    payload: { aud: 'a' },
  })
  assert.equal(readCompactJws(good, good.length - 1), undefined)
})

test('one token has one spelling: no letter can be put in, taken out or changed for another', () => {
  const [header = '', payload = ''] = good.split('.')
  const spellings = [
    `${header}=.${payload}.AAAA`,
    `${header}.${payload}.AAA=`,
    // The last letter of three holds bits that mean nothing.
    `${header}.${payload}.AAB`,
    `${header}.${payload}.AA+A`,
    `${header}.${payload}.AA/A`,
    `${header}.${payload}.AA A`,
    ` ${good}`,
    `${good}\n`,
    `${good}.`,
    `${good}.AAAA.AAAA`,
    `${header}.${payload}.`,
    `${header}..AAAA`,
    `${header}.${payload}`,
    '',
  ]
  for (const text of spellings) assert.equal(readCompactJws(text, 1_000), undefined, text)
})

test('what is not an object, or an object that two parsers read in two ways, is nothing', () => {
  for (const text of ['[]', 'null', '1', '"a"', '{', '{"a":1,"a":2}', '{"aud":"a","AUD":"b"}', ''])
    for (const token of [
      `${encode(text)}.${encode('{}')}.AAAA`,
      `${encode('{}')}.${encode(text)}.AAAA`,
    ])
      assert.equal(readCompactJws(token, 1_000), undefined, text)
})

test('whatever is sent, reading it ends without an exception', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      readCompactJws(text, 1_000)
      readCompactJws(`${text}.${text}.${text}`, 1_000)
      readCompactJws(`${encode(text)}.${encode(text)}.AAAA`, 1_000)
    }),
  )
})
