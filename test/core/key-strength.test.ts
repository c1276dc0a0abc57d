import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { algorithmsOf, weaknessOf, type Jwk } from '../../src/core/key-strength.ts'
import { makeKey } from '../support/foreign-issuer.ts'

const base64 = (value: bigint): string => {
  const hex = value.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('base64url')
}
const valueOf = (text: unknown): bigint =>
  BigInt(`0x${Buffer.from(String(text), 'base64url').toString('hex')}`)

const rsa: Jwk = makeKey('RS256').jwk
const ec: Jwk = makeKey('ES256').jwk
const ed: Jwk = makeKey('EdDSA').jwk

test('a sound key of each kind is good for its own algorithms and no others', () => {
  const bare = (jwk: Jwk): Jwk => ({ ...jwk, alg: undefined })
  assert.deepEqual(algorithmsOf(bare(rsa)), ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'])
  assert.deepEqual(algorithmsOf(bare(ec)), ['ES256'])
  assert.deepEqual(algorithmsOf(makeKey('ES384').jwk), ['ES384'])
  assert.deepEqual(algorithmsOf(makeKey('ES512').jwk), ['ES512'])
  assert.deepEqual(algorithmsOf(bare(ed)), ['EdDSA', 'Ed25519'])
  assert.deepEqual(algorithmsOf({ ...rsa, alg: 'PS256' }), ['PS256'])
  assert.deepEqual(algorithmsOf({ ...rsa, key_ops: ['verify'] }), ['RS256'])
  for (const alg of ['RS256', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'])
    assert.equal(weaknessOf(makeKey(alg).jwk), undefined, alg)
})

test('a key that says it is for something else is good for nothing', () => {
  for (const jwk of [
    { ...rsa, use: 'enc' },
    { ...rsa, key_ops: ['encrypt'] },
    { ...rsa, key_ops: 'verify' },
    { ...rsa, alg: 'RSA-OAEP' },
    { ...rsa, alg: 'HS256' },
    { ...rsa, alg: 'none' },
    { ...rsa, alg: ['RS256'] },
    { ...ec, alg: 'RS256' },
    { ...ec, alg: 'ES384' },
    { ...ec, crv: 'secp256k1', alg: 'ES256K' },
    { ...ec, kty: 'RSA', alg: 'ES256' },
    { ...ec, kty: ['EC'] },
    { ...ec, crv: ['P-256'] },
    { ...ed, crv: 'X25519', alg: undefined },
    { ...ed, crv: 'Ed448' },
    { kty: 'oct' },
    { kty: 'AKP', alg: 'ML-DSA-44' },
    {},
  ])
    assert.ok(weaknessOf(jwk) !== undefined, JSON.stringify(jwk))
})

test('a key that shows its private part is refused', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  assert.equal(weaknessOf(privateKey.export({ format: 'jwk' })), 'it shows its private part')
  assert.equal(weaknessOf({ ...ec, d: 'AQ' }), 'it shows its private part')
  assert.equal(weaknessOf({ kty: 'oct', k: 'AQ' }), 'it shows its private part')
})

test('an RSA key that is short, long, malformed or has a useless exponent is refused', () => {
  const n = valueOf(rsa['n'])
  const short = generateKeyPairSync('rsa', { modulusLength: 2047 }).publicKey
  for (const [jwk, weakness] of [
    [{ ...rsa, ...short.export({ format: 'jwk' }) }, /fewer than 2048/],
    [{ ...rsa, n: base64(2n ** 8199n + 1n) }, /more than 8192/],
    [{ ...rsa, n: base64(2n ** 9000n + 1n) }, /malformed/],
    [{ ...rsa, n: Buffer.alloc(1_000_000, 0xff).toString('base64url') }, /malformed/],
    [{ ...rsa, n: base64(n + 1n) }, /small factor/],
    [{ ...rsa, n: base64(743n * 2n ** 2048n + 743n) }, /small factor/],
    [{ ...rsa, n: undefined }, /malformed/],
    [{ ...rsa, n: 17 }, /malformed/],
    [{ ...rsa, n: '' }, /malformed/],
    [{ ...rsa, n: `${String(rsa['n'])}=` }, /malformed/],
    [{ ...rsa, n: `AA${String(rsa['n'])}` }, /malformed/],
    [{ ...rsa, e: 'AAEAAQ' }, /malformed/],
    [{ ...rsa, e: undefined }, /malformed/],
    [{ ...rsa, e: base64(1n) }, /exponent/],
    [{ ...rsa, e: base64(3n) }, /exponent/],
    [{ ...rsa, e: base64(65_538n) }, /exponent/],
    [{ ...rsa, e: base64(2n ** 31n + 1n) }, /too large/],
    [{ ...rsa, e: base64(n - 2n) }, /exponent|too large/],
  ] as const)
    assert.match(String(weaknessOf(jwk)), weakness, JSON.stringify(jwk).slice(0, 200))
})

test('an RSA key whose factors lie close together is refused, and a square', () => {
  const p = 2n ** 1024n - 105n
  for (const distance of [0n, 2n, 2_000n, 10n ** 20n, 2n ** 500n]) {
    let q = p - distance
    let weakness = String(weaknessOf({ ...rsa, n: base64(p * q) }))
    // The next that could be a prime.
    for (; weakness.includes('small factor'); q -= 2n)
      weakness = String(weaknessOf({ ...rsa, n: base64(p * (q - 2n)) }))
    assert.match(weakness, /too close/, String(distance))
  }
  const square = valueOf(
    generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' }).n,
  )
  assert.match(String(weaknessOf({ ...rsa, n: base64(square ** 2n) })), /close/)
  // Those of an honest generator are not.
  assert.equal(weaknessOf(rsa), undefined)
})

test('a modulus made the way that ROCA finds is refused', () => {
  // Of the form of CVE-2017-15361 by construction: a power of 65537 modulo the product of the first odd primes.
  const primes = [3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n, 41n, 43n, 47n, 53n, 59n, 61n]
  primes.push(67n, 71n, 73n, 79n, 83n, 89n, 97n, 101n, 103n, 107n, 109n, 113n, 127n, 131n, 137n)
  primes.push(139n, 149n, 151n, 157n, 163n, 167n)
  const product = primes.reduce((a, b) => a * b, 1n)
  let power = 1n
  for (let i = 0; i < 1_234; i++) power = (power * 65_537n) % product
  let made = 0
  for (let k = (2n ** 2048n / product / 2n) * 2n, tries = 0; tries < 400; k += 1n, tries++) {
    const n = k * product + power
    const weakness = String(weaknessOf({ ...rsa, n: base64(n) }))
    assert.ok(/ROCA|small factor|fewer/.test(weakness), weakness)
    if (weakness.includes('ROCA')) made++
  }
  assert.ok(made > 10)
})

test('the weak keys of Wycheproof are refused, and its sound ones are not', (t) => {
  const file = new URL('../../../shared/vectors/wycheproof-json_web_key_test.json', import.meta.url)
  if (!existsSync(file)) return t.skip('../shared is not there')
  const { testGroups } = JSON.parse(readFileSync(file, 'utf8')) as {
    testGroups: { comment: string; public?: { keys: Jwk[] } }[]
  }
  const weak = new Map<string, string | undefined>()
  for (const { comment, public: set } of testGroups)
    for (const jwk of set?.keys ?? []) weak.set(`${comment} ${String(jwk['use'])}`, weaknessOf(jwk))
  assert.match(String(weak.get('jws_rsa_roca_key sig')), /ROCA/)
  assert.match(String(weak.get('keysize_too_small sig')), /fewer than 2048/)
  assert.match(String(weak.get('exponentOne sig')), /exponent/)
  assert.ok(weak.has('rs256 sig'))
  assert.equal(weak.get('rs256 sig'), undefined)
})

/** The y of twice a point, from its own (RFC 8032 §5.1: -x² + y² = 1 + d·x²·y²). */
function doubled(y: bigint, p: bigint): bigint {
  const mod = (value: bigint): bigint => ((value % p) + p) % p
  const inverse = (value: bigint): bigint => {
    let result = 1n
    for (let base = mod(value), power = p - 2n; power > 0n; power >>= 1n, base = mod(base * base))
      if ((power & 1n) === 1n) result = mod(result * base)
    return result
  }
  const d = mod(-121_665n * inverse(121_666n))
  const yy = mod(y * y)
  const xx = mod((yy - 1n) * inverse(d * yy + 1n))
  return mod((yy + xx) * inverse(1n - d * xx * yy))
}

test('an Ed25519 key of small order, under which signatures of nobody verify, is refused', () => {
  const p = 2n ** 255n - 19n
  const order8 = p - 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n
  const jwkOf = (y: bigint, sign: number): Jwk => {
    const x = Buffer.from(y.toString(16).padStart(64, '0'), 'hex').toReversed()
    x[31] = (x[31] ?? 0) | sign
    return { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(x).toString('base64url') }
  }
  for (const y of [0n, 1n, p - 1n, order8, p - order8])
    for (const sign of [0, 0x80]) {
      // That eight times the point is the neutral element is shown, not believed.
      assert.equal(doubled(doubled(doubled(y, p), p), p), 1n, y.toString(16))
      assert.equal(weaknessOf(jwkOf(y, sign)), 'its point is of small order', y.toString(16))
    }
  for (const y of [p, p + 1n, 2n ** 255n - 1n])
    assert.equal(weaknessOf(jwkOf(y, 0)), 'its point is not in its canonical form')
})

test('coordinates of another length or spelling are refused', () => {
  for (const jwk of [
    { ...ec, x: 'AQ' },
    { ...ec, y: undefined },
    { ...ec, y: `${String(ec['y'])}=` },
    { ...ec, x: `AA${String(ec['x'])}` },
    { ...ed, x: 'AQ' },
    { ...ed, x: undefined },
  ])
    assert.equal(weaknessOf(jwk), 'its coordinates are malformed', JSON.stringify(jwk))
})
