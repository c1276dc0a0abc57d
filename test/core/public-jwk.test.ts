import { test } from 'node:test'
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { calculateJwkThumbprint } from 'jose'
import { readPublicKey } from '../../src/core/public-jwk.ts'
import { newTestKey, type TestAlgorithm } from '../support/client-assertion.ts'

const algorithms: readonly TestAlgorithm[] = ['EdDSA', 'ES256', 'PS256', 'RS256']
const keys = Object.fromEntries(algorithms.map((each) => [each, newTestKey(each)])) as Record<
  TestAlgorithm,
  ReturnType<typeof newTestKey>
>

function refusalOf(jwk: unknown): string | undefined {
  const read = readPublicKey(jwk)
  return read.ok ? undefined : read.detail
}

test('a key of each kind is read, with the algorithm it is for and its RFC 7638 thumbprint', async () => {
  for (const algorithm of algorithms) {
    const { publicJwk } = keys[algorithm]
    const read = readPublicKey({ ...publicJwk, use: 'sig', key_ops: ['verify'], ext: true })
    assert.ok(read.ok, algorithm)
    const thumbprint = await calculateJwkThumbprint(publicJwk)
    assert.equal(read.key.thumbprint, thumbprint)
    assert.equal(read.key.kid, thumbprint)
    assert.equal(read.key.algorithm, algorithm)
    const { alg: _, ...bare } = publicJwk
    assert.deepEqual(read.key.jwk, bare)
  }
})

test('its own kid is kept, and without an alg it is for the safer one', () => {
  const named = readPublicKey({ ...keys.ES256.publicJwk, kid: 'laptop-2026' })
  assert.ok(named.ok && named.key.kid === 'laptop-2026')
  const { alg: _, ...rsa } = keys.RS256.publicJwk
  const plain = readPublicKey(rsa)
  assert.ok(plain.ok && plain.key.algorithm === 'PS256')
  const renamed = readPublicKey({ ...keys.EdDSA.publicJwk, alg: 'Ed25519' })
  assert.ok(renamed.ok && renamed.key.algorithm === 'EdDSA')
})

test('a private key is refused by name, and nothing of it is repeated', () => {
  for (const algorithm of algorithms) {
    const jwk = keys[algorithm].privateKey.export({ format: 'jwk' }) as Record<string, string>
    const refusal = refusalOf(jwk) ?? ''
    assert.match(refusal, /private key/)
    for (const value of Object.values(jwk).filter((each) => each.length > 5))
      assert.ok(!refusal.includes(value))
    // One private member is enough, whatever it holds.
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'])
      assert.match(refusalOf({ ...keys[algorithm].publicJwk, [member]: null }) ?? '', /private/)
  }
  assert.match(refusalOf({ kty: 'oct', k: 'c2VjcmV0' }) ?? '', /private/)
})

test('what is no key, a weak key, or a key for something else is refused', () => {
  const { EdDSA, ES256, PS256 } = keys
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey
  const other = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey
  const { x = '', y = '' } = ES256.publicJwk
  const cases: readonly (readonly [string, unknown])[] = [
    ['nothing', undefined],
    ['null', null],
    ['a list', [EdDSA.publicJwk]],
    ['a text', JSON.stringify(EdDSA.publicJwk)],
    ['an empty object', {}],
    ['a short RSA key', short.export({ format: 'jwk' })],
    ['an RSA key with e = 1', { ...PS256.publicJwk, e: 'AQ' }],
    ['P-384', p384.export({ format: 'jwk' })],
    ['secp256k1', other.export({ format: 'jwk' })],
    ['X25519', { ...EdDSA.publicJwk, crv: 'X25519' }],
    ['a point of small order', { ...EdDSA.publicJwk, x: 'A'.repeat(43) }],
    ['a point that is on no curve', { ...ES256.publicJwk, x: y, y: x }],
    ['a coordinate in another spelling', { ...ES256.publicJwk, x: `${x}=` }],
    ['an x that is a number', { ...EdDSA.publicJwk, x: 7 }],
    ['a curve on RSA', { ...PS256.publicJwk, crv: 'Ed25519' }],
    ['an alg of another kind', { ...EdDSA.publicJwk, alg: 'ES256' }],
    ['alg none', { ...EdDSA.publicJwk, alg: 'none' }],
    ['alg HS256', { ...PS256.publicJwk, alg: 'HS256' }],
    ['alg PS512', { ...PS256.publicJwk, alg: 'PS512' }],
    ['use enc', { ...EdDSA.publicJwk, use: 'enc' }],
    ['key_ops sign', { ...EdDSA.publicJwk, key_ops: ['sign', 'verify'] }],
    ['a certificate', { ...ES256.publicJwk, x5c: ['MIIB'] }],
    ['a key to fetch', { ...ES256.publicJwk, x5u: 'https://a.example/x' }],
    ['a list of keys', { keys: [EdDSA.publicJwk] }],
    ['an empty kid', { ...EdDSA.publicJwk, kid: '' }],
    ['a kid with a line end', { ...EdDSA.publicJwk, kid: 'a\nb' }],
    ['a kid in letters that look like others', { ...EdDSA.publicJwk, kid: 'lаptop' }],
    ['a long kid', { ...EdDSA.publicJwk, kid: 'k'.repeat(129) }],
    ['a kid that is a list', { ...EdDSA.publicJwk, kid: ['k'] }],
    ['a kty that is of the prototype', { ...EdDSA.publicJwk, kty: '__proto__' }],
  ]
  for (const [what, jwk] of cases) assert.ok(refusalOf(jwk) !== undefined, what)
})
