/** Every check of RFC 9449 §4.3, in a table: one thing wrong at a time. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { createSign, randomBytes } from 'node:crypto'
import {
  createDpopVerifier,
  dpopAlgorithms,
  type CheckedProof,
  type ExpectedProof,
} from '../../src/capability/dpop.ts'
import type { ReplayStore } from '../../src/capability/replay.ts'
import { athOf, dpopKey, signProof, type DpopKey } from '../support/dpop.ts'

const now = 1_800_000_000_000
const seconds = now / 1000
const token = 'aaa.bbb.ccc'
const htu = 'https://broker.example/proxy/railway/graphql/v2'
const remembered: string[] = []
const replay: ReplayStore = {
  use: (...what) => {
    const text = JSON.stringify(what)
    if (remembered.includes(text)) return Promise.resolve(false)
    remembered.push(text)
    return Promise.resolve(true)
  },
}
const verifier = createDpopVerifier({ replay, nonceSecret: () => Buffer.alloc(32, 3) })
const nonce = verifier.nonce(now)
const key = await dpopKey()

function expectedOf(jkt: string = key.jkt): ExpectedProof {
  return { method: 'POST', uri: `${htu}?x=1`, capability: { token, jkt } }
}

const good = { jti: 'one', iat: seconds, htm: 'POST', htu, ath: athOf(token), nonce }

function check(
  given: string | readonly string[],
  expected: ExpectedProof = expectedOf(),
): Promise<CheckedProof> {
  return verifier.check(typeof given === 'string' ? [given] : given, expected, now)
}

async function refused(
  given: string | readonly string[],
  detail: RegExp,
  expected?: ExpectedProof,
): Promise<void> {
  const checked = await check(given, expected)
  assert.ok(!checked.ok, `${String(detail)} was not seen`)
  assert.match(checked.detail, detail)
  assert.equal(checked.reason, /nonce/.test(detail.source) ? 'nonce' : 'invalid')
}

for (const alg of dpopAlgorithms) {
  test(`a good proof by ${alg} is taken, and says whose key it is`, async () => {
    const own = await dpopKey(alg)
    const checked = await check(await signProof(own, good), expectedOf(own.jkt))
    assert.deepEqual(checked, {
      ok: true,
      proof: { jkt: own.jkt, jti: 'one', iat: seconds, nextNonce: undefined },
    })
  })
}

/** §4.3, by the number of the check; a claim that is undefined is left out. */
const wrongClaims: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
  ['3, no jti', { jti: undefined }, /jti/],
  ['3, an empty jti', { jti: '' }, /jti/],
  ['3, a jti that is no text', { jti: 7 }, /jti/],
  ['3, a jti that is too long', { jti: 'x'.repeat(257) }, /jti/],
  ['3, no htm', { htm: undefined }, /htm/],
  ['3, no htu', { htu: undefined }, /htu/],
  ['3, no iat', { iat: undefined }, /iat/],
  ['8, another method', { htm: 'GET' }, /htm/],
  ['8, the method in small letters', { htm: 'post' }, /htm/],
  ['8, several methods', { htm: ['POST'] }, /htm/],
  ['9, another path', { htu: 'https://broker.example/proxy/github/graphql' }, /htu/],
  ['9, another host', { htu: 'https://evil.example/proxy/railway/graphql/v2' }, /htu/],
  ['9, another scheme', { htu: htu.replace('https', 'http') }, /htu/],
  ['9, another port', { htu: htu.replace('.example', '.example:444') }, /htu/],
  [
    '9, a host that begins like ours',
    { htu: htu.replace('.example', '.example.evil.test') },
    /htu/,
  ],
  ['9, ours as the name of a user', { htu: htu.replace('broker', 'broker@evil') }, /htu/],
  ['9, a relative URI', { htu: '/proxy/railway/graphql/v2' }, /htu/],
  ['9, several URIs', { htu: [htu] }, /htu/],
  ['10, no nonce', { nonce: undefined }, /nonce/],
  ['10, a nonce of nobody’s', { nonce: randomBytes(20).toString('base64url') }, /nonce/],
  ['10, several nonces', { nonce: [nonce] }, /nonce/],
  ['11, over a minute old', { iat: seconds - 61 }, /iat is too long ago/],
  ['11, in the future', { iat: seconds + 6 }, /iat is in the future/],
  ['11, a text', { iat: String(seconds) }, /iat/],
  ['11, in milliseconds', { iat: now }, /iat is in the future/],
  ['12, no ath', { ath: undefined }, /ath/],
  ['12, of another capability', { ath: athOf('aaa.bbb.ddd') }, /ath/],
  ['12, padded', { ath: `${athOf(token)}=` }, /ath/],
]
for (const [name, wrong, detail] of wrongClaims)
  test(`§4.3 check ${name}: refused`, async () =>
    refused(await signProof(key, { ...good, ...wrong }), detail))

test('the edges of the window are inside it', async () => {
  for (const iat of [seconds - 60, seconds + 5, seconds - 0.5])
    assert.ok((await check(await signProof(key, { ...good, iat }))).ok, String(iat))
})

test('another spelling of the same URI is the same URI, with a query and without', async () => {
  for (const same of [
    htu,
    `${htu}?x=1`,
    `${htu}?other#fragment`,
    'HTTPS://BROKER.example:443/proxy/railway/graphql/v2',
    htu.replace('railway', '%72ailway'),
  ])
    assert.ok((await check(await signProof(key, { ...good, htu: same }))).ok, same)
})

test('§4.3 check 1: exactly one field, and one proof in it', async () => {
  const proof = await signProof(key, good)
  await refused([], /exactly one/)
  await refused([proof, proof], /exactly one/)
  await refused(`${proof}, ${proof}`, /not a JWT/)
})

test('§4.3 check 2: a JWT in canonical base64url, of a length that is read', async () => {
  const proof = await signProof(key, good)
  const [head = '', body = '', signature = ''] = proof.split('.')
  for (const other of [
    '',
    'x',
    `${head}.${body}`,
    `${head}.${body}.`,
    `${proof}.x`,
    `${proof}=`,
    ` ${proof}`,
    `${head}.${body}.${signature.slice(0, -1)}${signature.endsWith('B') ? 'C' : 'B'}`,
    `${head}.${body}.${Buffer.from(signature, 'base64url').toString('base64')}==`,
    `${Buffer.from('[]').toString('base64url')}.${body}.${signature}`,
    `${head}.${body}.${'A'.repeat(20_000)}`,
  ])
    await refused(other, /not a JWT/)
})

const wrongHeaders: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
  ['4, no typ', { typ: undefined }, /alg, jwk and typ/],
  ['4, the typ of a capability', { typ: 'at+jwt' }, /typ/],
  ['4, the typ in capitals', { typ: 'DPOP+JWT' }, /typ/],
  ['7, no key', { jwk: undefined }, /alg, jwk and typ/],
  ['7, a key that is a text', { jwk: 'x' }, /jwk/],
  ['7, a private key', { jwk: key.privateJwk }, /private/],
  ['7, a MAC’s key', { jwk: { kty: 'oct', k: 'AAAA' } }, /private/],
  ['5, a name of a key besides', { kid: 'x' }, /alg, jwk and typ/],
  ['5, a place of keys besides', { jku: 'https://evil.example/jwks' }, /alg, jwk and typ/],
  ['5, certificates in the key', { jwk: { ...key.jwk, x5c: ['x'] } }, /jwk/],
  ['5, a key for encryption', { jwk: { ...key.jwk, use: 'enc' } }, /jwk/],
  ['5, a key for another alg', { jwk: { ...key.jwk, alg: 'ES384' } }, /jwk/],
  [
    '5, a coordinate in another spelling',
    { jwk: { ...key.jwk, x: `${String(key.jwk.x)}=` } },
    /jwk/,
  ],
  ['5, a point that is not on the curve', { jwk: { ...key.jwk, y: key.jwk.x } }, /jwk/],
]
for (const [name, wrong, detail] of wrongHeaders)
  test(`§4.3 check ${name}: refused`, async () =>
    refused(await signProof(key, good, wrong), detail))

test('the refusal of a private key repeats nothing of it', async () => {
  const checked = await check(await signProof(key, good, { jwk: key.privateJwk }))
  assert.ok(!checked.ok)
  assert.ok(!JSON.stringify(checked).includes(String(key.privateJwk.d)))
})

function forged(header: object, signature: string): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${encode({ typ: 'dpop+jwt', jwk: key.jwk, ...header })}.${encode(good)}.${signature}`
}

test('§4.3 check 5: no alg but the stated ones, and none that is not the key’s', async () => {
  for (const alg of ['none', 'HS256', 'RS256', 'PS256', 'ES384', 'ES512', 'es256', '', 7])
    await refused(forged({ alg }, 'AAAA'), /alg must be/)
  await refused(forged({ alg: 'EdDSA' }, 'AAAA'), /not one for its alg/)
  const rsa = await dpopKey('RS256')
  await refused(await signProof({ ...rsa, alg: 'RS256' }, good), /alg must be/)
  await refused(forged({ alg: 'ES256', jwk: rsa.jwk }, 'AAAA'), /alg/)
})

test('§4.3 check 6: the signature is the key’s own', async () => {
  const other = await dpopKey()
  await refused(await signProof({ ...other, jwk: key.jwk }, good), /signature/)
  await refused(forged({ alg: 'ES256' }, Buffer.alloc(64).toString('base64url')), /signature/)
  // DER is another spelling of an ECDSA signature, and none of a JWS (RFC 7518 §3.4).
  const [head = '', body = ''] = (await signProof(key, good)).split('.')
  const der = createSign('sha256')
    .update(`${head}.${body}`)
    .sign({ key: key.privateJwk, format: 'jwk' })
  await refused(`${head}.${body}.${der.toString('base64url')}`, /signature/)
})

test('a key of small order, under which anybody’s signature verifies, is refused', async () => {
  const identity = Buffer.alloc(32)
  identity[0] = 1
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: identity.toString('base64url') }
  const signature = Buffer.concat([identity, Buffer.alloc(32)])
  await refused(forged({ alg: 'EdDSA', jwk }, signature.toString('base64url')), /small order/)
})

test('§4.3 check 12: the key is the one that the capability is bound to', async () => {
  const other = await dpopKey()
  await refused(await signProof(other, good), /bound to/)
  assert.ok((await check(await signProof(other, good), expectedOf(other.jkt))).ok)
})

test('at the token endpoint there is no capability to be the hash of', async () => {
  const expected = { method: 'POST', uri: htu, capability: undefined }
  assert.ok((await check(await signProof(key, { ...good, ath: undefined }), expected)).ok)
})

test('duplicate members, which two parsers read in two ways, are refused', async () => {
  const proof = await signProof(key, good)
  const [, body = '', signature = ''] = proof.split('.')
  const header = `{"typ":"at+jwt","typ":"dpop+jwt","alg":"ES256","jwk":${JSON.stringify(key.jwk)}}`
  await refused(`${Buffer.from(header).toString('base64url')}.${body}.${signature}`, /not a JWT/)
})

test('a proof is used once, by its key and its jti, whatever else it says', async () => {
  async function use(own: DpopKey, claims: object): Promise<boolean> {
    const checked = await check(await signProof(own, { ...good, ...claims }), expectedOf(own.jkt))
    assert.ok(checked.ok)
    return verifier.use(checked.proof)
  }
  const other = await dpopKey('EdDSA')
  assert.equal(await use(key, { jti: 'once' }), true)
  assert.equal(await use(key, { jti: 'once', htu: `${htu}?again` }), false)
  assert.equal(await use(key, { jti: 'once', htu: htu.replace('railway', '%72ailway') }), false)
  assert.equal(await use(key, { jti: 'twice' }), true)
  assert.equal(await use(other, { jti: 'once' }), true)
})

test('a proof is remembered for as long as it would be taken', async () => {
  const before = remembered.length
  const checked = await check(await signProof(key, { ...good, jti: 'kept' }))
  assert.ok(checked.ok)
  await verifier.use(checked.proof)
  assert.deepEqual(remembered.slice(before), [
    JSON.stringify(['dpop', key.jkt, 'kept', now + 60_000]),
  ])
})

test('whoever uses an older nonce is told the present one', async () => {
  const later = now + 30_000
  const old = verifier.nonce(later - 60_000)
  const proof = await signProof(key, { ...good, iat: later / 1000, nonce: old })
  const checked = await verifier.check([proof], expectedOf(), later)
  assert.ok(checked.ok)
  assert.equal(checked.proof.nextNonce, verifier.nonce(later))
  assert.notEqual(checked.proof.nextNonce, old)
})
