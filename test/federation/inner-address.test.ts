import { test } from 'node:test'
import assert from 'node:assert/strict'
import { isIPv6, type LookupFunction } from 'node:net'
import { promisify } from 'node:util'
import { internalLookup, isNeverIssuer } from '../../src/federation/inner-address.ts'

const never = [
  '0.0.0.0',
  '0.1.2.3',
  '169.254.0.1',
  '169.254.169.254',
  '169.254.170.2',
  '100.100.100.200',
  '192.0.0.192',
  '168.63.129.16',
  '224.0.0.1',
  '239.255.255.250',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::ffff:169.254.169.254',
  '::ffff:a9fe:a9fe',
  '::ffff:6464:64c8',
  '::a9fe:a9fe',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b::169.254.169.254',
  '64:ff9b::6464:64c8',
  '64:ff9b:1::a00:1',
  '2002:a9fe:a9fe::1',
  '2002:6464:64c8:1:2:3:4:5',
  'fe80::1',
  'fe80::1%eth0',
  'febf:ffff::1',
  'ff02::1',
  'ff0e::1',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd00:0ec2:0:0:0:0:0:254',
  'fd20:ce::254',
  'fd00:c1::a9fe:a9fe',
  'fd00:42::42',
]
const inner = [
  '127.0.0.1',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.1.1',
  '100.64.0.1',
  '100.100.100.201',
  '192.0.0.191',
  '8.8.8.8',
  '::1',
  '::ffff:10.0.0.1',
  '64:ff9b::a00:1',
  'fd00::1',
  'fd00:ec3::1',
  'fc00::1',
  '2606:4700::1111',
]

test('what is no machine’s, or where clouds keep credentials, is no issuer’s, however it is written', () => {
  for (const address of never) assert.ok(isNeverIssuer(address), address)
  for (const address of inner) assert.ok(!isNeverIssuer(address), address)
})

/** A resolver that answers with these, in the form that it is asked for. */
function answering(...addresses: readonly string[]): LookupFunction {
  return (_name, options, callback) => {
    assert.equal(options.all, true, 'every address is looked at, not the first')
    callback(
      null,
      addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 })),
    )
  }
}

test('a name is connected to only where all that it leads to may be an issuer’s', async () => {
  const ask = (...addresses: readonly string[]) =>
    promisify(internalLookup(answering(...addresses)))('issuer.internal', {})
  for (const address of inner) assert.deepEqual(await ask(address), address)
  for (const address of never)
    for (const all of [[address], [address, '10.0.0.1'], ['10.0.0.1', address]])
      await assert.rejects(ask(...all), { code: 'ADDRESS_REFUSED' }, all.join())
  await assert.rejects(ask(), { code: 'ADDRESS_REFUSED' })
})

test('a name that is not found is said to be so', async () => {
  const failing: LookupFunction = (_name, _options, callback) =>
    callback(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), '', 0)
  await assert.rejects(promisify(internalLookup(failing))('issuer.internal', {}), {
    code: 'ENOTFOUND',
  })
})
