import assert from 'node:assert/strict'
import { promisify } from 'node:util'
import { test } from 'node:test'
import { AddressRefused, isPublicAddress, publicLookup } from '../../src/proxy/address.ts'

test('an address on the public internet is public', () => {
  for (const address of [
    '1.1.1.1',
    '140.82.121.6',
    '172.15.0.1',
    '172.32.0.1',
    '192.169.0.1',
    '100.128.0.1',
    '223.255.255.255',
    '2606:4700::1111',
    '2a00:1450:4001::1',
  ]) {
    assert.ok(isPublicAddress(address), address)
  }
})

test('a name that resolves to the machine itself is refused at the look-up, in either form of asking', async () => {
  const lookup = promisify(publicLookup)
  await assert.rejects(lookup('localhost', { all: true }), AddressRefused)
  await assert.rejects(lookup('localhost', {}), AddressRefused)
})
