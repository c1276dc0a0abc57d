import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brokerUrl } from '../../src/cli/broker-url.ts'

test('the flag wins over the variable, and both over the default', () => {
  assert.equal(brokerUrl(undefined, undefined), 'http://localhost:8474')
  assert.equal(brokerUrl(undefined, ''), 'http://localhost:8474')
  assert.equal(brokerUrl(undefined, 'https://broker.example/'), 'https://broker.example')
  assert.equal(brokerUrl('http://127.0.0.1:1', 'https://broker.example'), 'http://127.0.0.1:1')
})

for (const url of [
  'http://broker.example',
  'http://127.0.0.1.evil.example',
  'http://localhost.evil.example',
  'http://10.0.0.1:8474',
  'http://0.0.0.0:8474',
]) {
  test(`a password is not sent in the clear to ${url}`, () => {
    assert.throws(() => brokerUrl(url, undefined), /in the clear/)
  })
}

for (const url of [
  'nonsense',
  'ftp://localhost',
  'https://me:pw@broker.example',
  'https://broker.example/path',
  'https://broker.example/?x',
  'https://broker.example/#x',
]) {
  test(`${url} is no broker’s origin`, () => {
    assert.throws(() => brokerUrl(url, undefined), /--url/)
  })
}
