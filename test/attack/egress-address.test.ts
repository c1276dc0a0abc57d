/** A provider's name that leads inwards: to this machine, its network, or the cloud's metadata service. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { test } from 'node:test'
import { isPublicAddress } from '../../src/proxy/address.ts'
import { createEgress } from '../../src/proxy/egress.ts'
import { exchange } from '../support/exchange.ts'

test('no spelling of an inner address is public', () => {
  for (const address of [
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.192',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::127.0.0.1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::1',
    '100::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%lo',
    'fec0::1',
    'ff02::1',
  ]) {
    assert.ok(!isPublicAddress(address), address)
  }
})

test('neither a name nor an address leads inwards, unless configuration says so', async (t) => {
  let requests = 0
  const server = createServer((_request, response) => {
    requests++
    response.end('inside')
  }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const declared = `http://127.0.0.1:${port}`
  const egress = createEgress({ allowInternal: new Set([declared]) })
  t.after(() => egress.close())

  for (const host of [
    'localhost',
    '127.0.0.2',
    '2130706433',
    '0x7f.1',
    '0',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
  ]) {
    const { failure } = await exchange(egress, `http://${host}:${port}`)
    assert.deepEqual(failure, { kind: 'unreachable', sent: false, detail: 'ADDRESS_REFUSED' }, host)
  }
  assert.equal(requests, 0)
  assert.equal((await exchange(egress, declared)).body, 'inside')
})
