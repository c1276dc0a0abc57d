/** Header fields that mean one thing to us and another to the next hop. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspectRequestHeaders } from '../../src/proxy/headers.ts'

function refuses(code: string, ...raw: string[]) {
  const inspected = inspectRequestHeaders(['Host', 'a', ...raw])
  assert.ok(!inspected.ok, raw.join(' '))
  assert.equal(inspected.refusal.code, code, raw.join(' '))
}

test('a field that comes twice is refused, in whatever case', () => {
  refuses('not_understood', 'host', 'evil.example')
  refuses('not_understood', 'Authorization', 'Bearer a', 'AUTHORIZATION', 'Bearer a')
  refuses('not_understood', 'Content-Type', 'a/b', 'content-type', 'a/b')
  refuses('not_understood', 'Content-Length', '2', 'Content-Length', '2')
  refuses('not_understood', 'Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked')
  refuses('not_understood', 'x-a', '1', 'X-A', '1')
})

test('a name with an underscore is refused, since some servers take it for a hyphen', () => {
  refuses('not_understood', 'Transfer_Encoding', 'chunked')
  refuses('not_understood', 'Content_Length', '1')
  refuses('not_understood', 'X_Forwarded_For', '1')
})

test('two ways of saying the length, or an unclear one, are refused', () => {
  for (const coding of [
    'identity',
    ',chunked',
    'chunked, chunked',
    'gzip, chunked',
    'xchunked',
    '',
    'chunked;a=b',
  ]) {
    refuses('not_understood', 'Transfer-Encoding', coding)
  }
  refuses('not_understood', 'Content-Length', '2', 'Transfer-Encoding', 'chunked')
  for (const length of [
    '',
    '+2',
    '-1',
    '2_4',
    '0x10',
    '2, 2',
    '02',
    ' 2',
    '2 2',
    '99999999999999999',
  ]) {
    refuses('not_understood', 'Content-Length', length)
  }
})

test('Connection cannot name a field for removal, nor may the connection become another', () => {
  refuses('not_understood', 'Connection', 'authorization')
  refuses('not_understood', 'Connection', 'close, authorization')
  refuses('not_understood', 'Connection', 'keep-alive, te')
  refuses('not_understood', 'Connection', 'Upgrade', 'Upgrade', 'h2c')
  refuses('not_understood', 'Upgrade', 'websocket')
  refuses('expectation_failed', 'Expect', '200-ok')
  refuses('expectation_failed', 'Expect', '100-continue, x')
})

test('a method other than the request line’s is refused', () => {
  for (const name of ['X-HTTP-Method-Override', 'x-http-method', 'X-Method-Override']) {
    refuses('not_understood', name, 'DELETE')
    refuses('not_understood', name, 'GET')
  }
})

test('a refusal quotes at most a little of the name, and nothing of the value', () => {
  const inspected = inspectRequestHeaders([`x_${'n'.repeat(500)}`, 'value'])
  assert.ok(!inspected.ok)
  assert.ok(inspected.refusal.detail.length < 150)
  assert.ok(!inspected.refusal.detail.includes('value'))
})
