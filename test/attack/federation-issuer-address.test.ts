/** SSRF through an issuer’s URL, or the URL of its keys: to this machine, its network, a cloud’s metadata, another port. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, LookupFunction } from 'node:net'
import { test, type TestContext } from 'node:test'
import { createIssuerFetch, type FetchJson } from '../../src/federation/fetch.ts'
import { createForeignTokenVerifier } from '../../src/federation/foreign-token.ts'
import { isPublicAddress, publicLookup } from '../../src/proxy/address.ts'
import { makeKey, publicIssuer, signToken } from '../support/foreign-issuer.ts'

const key = makeKey('ES256', 'one')
const now = 1_800_000_000_000
const us = 'https://broker.example'

function tokenOf(iss: string): string {
  const claims = { iss, sub: 'me', aud: us, exp: now / 1000 + 60 }
  return signToken(key.privateKey, 'ES256', { alg: 'ES256', kid: 'one' }, claims)
}

/** A listener on loopback, and names that all lead to it. */
async function openInside(t: TestContext) {
  let connections = 0
  const server = createServer((socket) => {
    connections++
    socket.destroy()
  }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const lookups: string[] = []
  const lookup: LookupFunction = (name, options, callback) => {
    lookups.push(name)
    // The look-up that the broker is given, of a name that this machine has for itself.
    publicLookup('localhost', options, callback)
  }
  const fetchJson = createIssuerFetch({ lookup, isPublicAddress })
  const { port } = server.address() as AddressInfo
  return { port, lookups, fetchJson, connections: () => connections }
}

const inward = (port: number): readonly string[] => [
  `http://127.0.0.1:${port}`,
  `https://127.0.0.1:${port}`,
  `https://127.1:${port}`,
  `https://2130706433:${port}`,
  `https://0x7f.0.0.1:${port}`,
  `https://017700000001:${port}`,
  `https://0:${port}`,
  `https://[::1]:${port}`,
  `https://[::ffff:127.0.0.1]:${port}`,
  `https://[::ffff:7f00:1]:${port}`,
  `https://[::]:${port}`,
  `https://[64:ff9b::7f00:1]:${port}`,
  `https://[64:ff9b::a9fe:a9fe]`,
  `https://[2002:7f00:1::]:${port}`,
  `https://localhost:${port}`,
  `https://localhost.:${port}`,
  `https://keys.localhost:${port}`,
  `https://broker:${port}`,
  'https://10.0.0.1',
  'https://172.16.0.1',
  'https://192.168.0.1',
  'https://100.64.0.1',
  'https://169.254.169.254',
  'https://[fd00:ec2::254]',
  'https://[fe80::1]',
  `https://me@127.0.0.1:${port}`,
  `https://issuer.example@127.0.0.1:${port}`,
  `https://127.0.0.1:${port}#@issuer.example`,
  `https://127.0.0.1:${port}\\@issuer.example`,
  'http://issuer.example',
  'https://іssuer.example',
  'https://ISSUER.example',
  'https://issuer.example.',
  'file:///etc/passwd',
  'data:application/json,{"keys":[]}',
  'unix:/run/docker.sock',
]

test('no spelling of an inner address is connected to, or even looked up, as an issuer', async (t) => {
  const { port, lookups, fetchJson, connections } = await openInside(t)
  for (const issuer of inward(port)) {
    const verifier = createForeignTokenVerifier({ fetchJson, now: () => now })
    for (const trusted of [
      { issuer, internal: false },
      { issuer, internal: false, jwksUri: `${issuer}/keys` },
    ]) {
      const result = await verifier.verify(tokenOf(issuer), {
        issuers: () => trusted,
        audiences: [us],
      })
      assert.ok(!result.ok, issuer)
    }
  }
  assert.deepEqual(lookups, [])
  assert.equal(connections(), 0)
})

test('no key URL that metadata names leads inwards, or to another port', async (t) => {
  const { port, lookups, fetchJson, connections } = await openInside(t)
  const uris = [
    ...inward(port).map((origin) => `${origin}/keys`),
    'https://issuer.example:22/keys',
    'https://keys.example:8443/keys',
    'https://keys.example/keys#x',
    '/keys',
    'keys',
    '',
    '//127.0.0.1/keys',
  ]
  for (const uri of uris) {
    const asked: string[] = []
    const published: FetchJson = async (url, options) => {
      asked.push(url)
      if (asked.length > 1) return fetchJson(url, options)
      return { ok: true, value: { issuer: publicIssuer, jwks_uri: uri }, maxAge: undefined }
    }
    const verifier = createForeignTokenVerifier({ fetchJson: published, now: () => now })
    const result = await verifier.verify(tokenOf(publicIssuer), {
      issuers: () => ({ issuer: publicIssuer, internal: false }),
      audiences: [us],
    })
    assert.ok(!result.ok && result.reason === 'unavailable', uri)
  }
  assert.deepEqual(lookups, [])
  assert.equal(connections(), 0)
})

test('a name that leads inwards is refused at the addresses that would be connected to', async (t) => {
  const { port, lookups, fetchJson, connections } = await openInside(t)
  for (const host of ['issuer.example', 'metadata.google.internal', '127.0.0.1.nip.io']) {
    const fetched = await fetchJson(`https://${host}:${port}/keys`, { internal: false })
    assert.deepEqual(fetched, { ok: false, detail: 'it could not be fetched: ADDRESS_REFUSED' })
  }
  assert.equal(lookups.length, 3)
  assert.equal(connections(), 0)
})

test('a key URL elsewhere is not internal because its issuer is', async (t) => {
  const { port, fetchJson, connections } = await openInside(t)
  const issuer = 'https://10.0.0.1:6443'
  const published: FetchJson = async (url, options) =>
    url.includes('.well-known')
      ? {
          ok: true,
          value: { issuer, jwks_uri: `https://127.0.0.1:${port}/keys` },
          maxAge: undefined,
        }
      : fetchJson(url, options)
  const verifier = createForeignTokenVerifier({ fetchJson: published, now: () => now })
  const result = await verifier.verify(tokenOf(issuer), {
    issuers: () => ({ issuer, internal: true }),
    audiences: [us],
  })
  assert.ok(!result.ok && result.reason === 'unavailable')
  assert.equal(connections(), 0)
  // Only where an admin has named the very place.
  const declared = await createForeignTokenVerifier({ fetchJson, now: () => now }).verify(
    tokenOf(issuer),
    {
      issuers: () => ({ issuer, internal: true, jwksUri: `https://127.0.0.1:${port}/keys` }),
      audiences: [us],
    },
  )
  assert.equal(declared.ok, false)
  assert.equal(connections(), 1)
})

test('an internal issuer’s name does not lead to a cloud’s metadata, nor to this machine by another name', async (t) => {
  const { port, connections } = await openInside(t)
  const asked: string[] = []
  let found: readonly string[] = []
  const resolve: LookupFunction = (name, _options, callback) => {
    asked.push(name)
    callback(
      null,
      found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }
  const fetchJson = createIssuerFetch({ lookup: publicLookup, isPublicAddress, resolve })
  const get = () => fetchJson(`https://issuer.internal:${port}/keys`, { internal: true })
  // The last are where the listener is: they would be connected to.
  for (const addresses of [
    ['169.254.169.254'],
    ['100.100.100.200'],
    ['fd00:ec2::254'],
    ['fe80::1'],
    ['::ffff:169.254.169.254'],
    ['224.0.0.1'],
    ['127.0.0.1', '169.254.169.254'],
    ['0.0.0.0'],
    ['::'],
  ]) {
    found = addresses
    const refused = { ok: false, detail: 'it could not be fetched: ADDRESS_REFUSED' }
    assert.deepEqual(await get(), refused, addresses.join())
  }
  assert.equal(asked.length, 9)
  assert.equal(connections(), 0)
  found = ['127.0.0.1']
  assert.equal((await get()).ok, false)
  assert.equal(connections(), 1, 'a private address is connected to, since it was declared')

  for (const literal of [
    '169.254.169.254',
    '100.100.100.200',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '[::]',
    '[fe80::1]',
    '[ff02::1]',
    '[fd00:ec2::254]',
    '[::ffff:a9fe:a9fe]',
    '[64:ff9b::a9fe:a9fe]',
    '[2002:a9fe:a9fe::]',
  ]) {
    const fetched = await fetchJson(`https://${literal}:${port}/keys`, { internal: true })
    assert.deepEqual(
      fetched,
      { ok: false, detail: 'it is an address at which no issuer is' },
      literal,
    )
  }
  assert.equal(connections(), 1)
})
