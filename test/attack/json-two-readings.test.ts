/** A body that two parsers read differently: the policy sees one request, the provider performs another. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseJson } from '../../src/core/json.ts'

function refuses(body: string | Uint8Array, detail: RegExp) {
  const result = parseJson(typeof body === 'string' ? Buffer.from(body) : body)
  assert.ok(!result.ok, `accepted ${String(body).slice(0, 80)}`)
  assert.match(result.detail, detail)
}

test('a key that comes twice is refused, however it is spelled and wherever it stands', () => {
  refuses('{"query":"mutation { a }","query":"{ b }"}', /same key twice/)
  refuses('{"query":1,"qu\\u0065ry":2}', /same key twice/)
  refuses('{"a":{"id":"1","b":[{"x":1,"x":1}]}}', /same key twice/)
  refuses('{"\\ud83d\\ude00":1,"😀":2}', /same key twice/)
  refuses('{"1":1,"1":2}', /same key twice/)
  refuses('{"":1,"":2}', /same key twice/)
})

test('the same key in two objects is no duplicate, nor is a colon inside a string a key', () => {
  const bodies = ['[{"a":1},{"a":2}]', '{"a":{"a":{"a":1}}}', '{"a":"x:y:\\"z\\":","b":":"}']
  for (const body of bodies) assert.ok(parseJson(Buffer.from(body)).ok, body)
})

test('keys of the envelope that differ only in case are refused, as Go would merge them', () => {
  refuses('{"query":"{ a }","Query":"mutation { b }"}', /differ only in case/)
  refuses('[{"query":1,"QUERY":2}]', /differ only in case/)
  refuses('{"visibility":1,"viſibility":2}', /differ only in case/)
  refuses('{"token":1,"to\u212aen":2}', /differ only in case/)
})

test('keys further in may differ in case, since there they are data', () => {
  assert.ok(parseJson(Buffer.from('{"variables":{"PATH":"a","path":"b"}}')).ok)
})

test('a number that parsing changes is refused', () => {
  const lossy = [
    '1e400',
    '-1e400',
    '12345678901234567890',
    '9007199254740993',
    '1e-400',
    '-0',
    '-0.0',
    '-0e5',
    '0.1000000000000000055511151231257827',
  ]
  for (const number of lossy) refuses(`{"id":[${number}]}`, /number/)
  const exact = [
    '0',
    '0.1',
    '1.0',
    '-1.50',
    '1E2',
    '0e9',
    '0.000',
    '9007199254740992',
    '100000000000000000000000',
    '-2.5e-7',
    '123456789012345',
    '0e999999999999',
  ]
  for (const number of exact) assert.ok(parseJson(Buffer.from(`[${number}]`)).ok, number)
})

test('a lone surrogate is refused, since each parser replaces it differently', () => {
  for (const text of [
    '\\ud800',
    '\\udc00',
    '\\ud800\\ud800',
    '\\udc00\\ud800',
    '\\ud83dx',
    '\\uD83D\\n',
    '\\ud83d😀',
  ]) {
    refuses(`{"a":"${text}"}`, /surrogate/)
    refuses(`{"${text}":"a"}`, /surrogate/)
  }
  assert.ok(parseJson(Buffer.from('"\\\\ud800"')).ok)
})

test('other encodings and byte order marks are refused', () => {
  const body = '{"query":"{ a }"}'
  refuses(Buffer.from(`\ufeff${body}`), /byte order mark/)
  refuses(Buffer.from(body, 'utf16le'), /not JSON/)
  refuses(Buffer.from(`\ufeff${body}`, 'utf16le'), /UTF-8/)
  refuses(Buffer.from([0x22, 0xc0, 0xaf, 0x22]), /UTF-8/)
  refuses(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), /UTF-8/)
  refuses(Buffer.from([0x22, 0xff, 0x22]), /UTF-8/)
})

test('a comment cannot hide a key', () => {
  refuses('{"query":"{ a }"/*,*/,"query":"mutation { b }"}', /./)
  refuses('{"query":"{ a }"//\n,"x":"mutation { b }"}', /not JSON/)
})
