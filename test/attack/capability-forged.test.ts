/** Tokens that nobody issued, or that were issued as something else: none of them is a capability. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { createHmac, sign as signBytes, type KeyObject } from 'node:crypto'
import { exportJWK, generateKeyPair, type CryptoKey } from 'jose'
import { issueCapability } from '../../src/capability/issue.ts'
import { createCapabilityVerifier } from '../../src/capability/verify.ts'
import { newId } from '../../src/ids.ts'
import { testKeyring } from '../capability/keyring.ts'

const publicUrl = 'http://localhost:8474'
const now = 1_800_000_000_000
const keyring = await testKeyring()
const revoked = new Set<string>()
const verifier = createCapabilityVerifier({
  keyring: () => keyring,
  publicUrl,
  isRevoked: (id) => revoked.has(id),
})
const issued = await issueCapability(keyring, publicUrl, {
  agentId: newId('agent'),
  grantId: newId('grant'),
  provider: 'railway',
  environmentId: newId('environment'),
  binding: 1,
  verbs: ['read'],
  lifetime: 300,
  now,
})
const header = { alg: 'EdDSA', typ: 'at+jwt', kid: keyring.kid }
const claims = issued.claims

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

async function signed(head: unknown, body: unknown, key: CryptoKey = keyring.privateKey) {
  const input = `${encode(head)}.${encode(body)}`
  const signature = await crypto.subtle.sign('Ed25519', key, Buffer.from(input))
  return `${input}.${Buffer.from(signature).toString('base64url')}`
}

async function outcome(token: string, at = now): Promise<string> {
  const first = await verifier.verify(token, at)
  const again = verifier.cached(token, at)
  if (again !== undefined) assert.deepEqual(again, first, 'the cache says what the verifier said')
  return first.ok ? 'good' : first.refusal.code
}

test('what the broker issued is good, so that what follows is refused for its own reason', async () => {
  assert.equal(await outcome(issued.token), 'good')
  assert.equal(await outcome(await signed(header, claims)), 'good')
})

const { privateKey: foreign, publicKey: foreignPublic } = await generateKeyPair('EdDSA', {
  extractable: true,
})
const foreignJwk = await exportJWK(foreignPublic)

const headers: readonly (readonly [string, Record<string, unknown>])[] = [
  ['its own key in jwk', { ...header, jwk: foreignJwk }],
  ['a key to fetch in jku', { ...header, jku: 'http://127.0.0.1/jwks.json' }],
  ['a certificate in x5c', { ...header, x5c: ['MIIB'] }],
  ['a certificate to fetch in x5u', { ...header, x5u: 'http://127.0.0.1/x' }],
  ['a critical extension', { ...header, crit: ['exp'], exp: 1 }],
  ['an empty list of critical extensions', { ...header, crit: [] }],
  ['b64 false', { ...header, b64: false, crit: ['b64'] }],
  ['a content type', { ...header, cty: 'JWT' }],
  ['compression', { ...header, zip: 'DEF' }],
  ['no kid', { alg: 'EdDSA', typ: 'at+jwt' }],
  ['an unknown kid', { ...header, kid: 'sk_other' }],
  ['a kid that is a path', { ...header, kid: '../../../../dev/null' }],
  ['a kid of the prototype', { ...header, kid: '__proto__' }],
  ['a kid that is a list', { ...header, kid: [keyring.kid] }],
  ['no typ', { alg: 'EdDSA', kid: keyring.kid }],
  ['typ JWT', { ...header, typ: 'JWT' }],
  ['typ in other letters', { ...header, typ: 'AT+JWT' }],
  ['the long typ', { ...header, typ: 'application/at+jwt' }],
  ['the typ of introspection (RFC 9701)', { ...header, typ: 'token-introspection+jwt' }],
  ['alg none', { ...header, alg: 'none' }],
  ['alg None', { ...header, alg: 'None' }],
  ['alg Ed25519', { ...header, alg: 'Ed25519' }],
  ['alg HS256', { ...header, alg: 'HS256' }],
  ['alg in a list', { ...header, alg: ['EdDSA'] }],
]
for (const [what, head] of headers) {
  test(`a header with ${what} is refused, although the signature is ours`, async () => {
    assert.equal(await outcome(await signed(head, claims)), 'capability_invalid')
  })
}

test('a signature of nobody, of another key, of other bytes, or none at all is refused', async () => {
  const [head = '', body = '', signature = ''] = issued.token.split('.')
  const none = encode({ ...header, alg: 'none' })
  for (const token of [
    `${head}.${body}.`,
    `${none}.${body}.`,
    `${none}.${body}.${signature}`,
    `${head}.${encode({ ...claims, exp: claims.exp + 1 })}.${signature}`,
    `${head}.${body}.${Buffer.alloc(64).toString('base64url')}`,
    await signed(header, claims, foreign),
    await signed({ ...header, jwk: foreignJwk }, claims, foreign),
  ])
    assert.equal(await outcome(token), 'capability_invalid')
})

test('the public key used as the secret of an HMAC is refused', async () => {
  const jwk = keyring.verification(keyring.kid, now)?.jwk
  assert.ok(jwk)
  const spellings = [JSON.stringify(jwk), String(jwk.x), Buffer.from(String(jwk.x), 'base64url')]
  for (const secret of spellings) {
    for (const alg of ['HS256', 'EdDSA']) {
      const input = `${encode({ ...header, alg })}.${encode(claims)}`
      const mac = createHmac('sha256', secret).update(input).digest('base64url')
      assert.equal(await outcome(`${input}.${mac}`), 'capability_invalid')
    }
  }
})

test('an ECDSA or RSA signature over the same claims is refused', async () => {
  const { generateKeyPairSync } = await import('node:crypto')
  const keys: [string, KeyObject][] = [
    ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
    ['RS256', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
  ]
  for (const [alg, key] of keys) {
    const input = `${encode({ ...header, alg })}.${encode(claims)}`
    const mac = signBytes('sha256', Buffer.from(input), key).toString('base64url')
    assert.equal(await outcome(`${input}.${mac}`), 'capability_invalid')
  }
})

test('one capability has one spelling: any other string is refused, so that none slips past a list', async () => {
  const { token } = issued
  const [head = '', body = '', signature = ''] = token.split('.')
  const last = signature.at(-1) ?? ''
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  // The last letter of 64 bytes carries four bits that mean nothing: 15 other letters say the same bytes.
  const siblings = alphabet
    .split('')
    .filter(
      (letter) =>
        letter !== last &&
        Buffer.from(signature.slice(0, -1) + letter, 'base64url').equals(
          Buffer.from(signature, 'base64url'),
        ),
    )
  assert.equal(siblings.length, 15)
  const spellings = [
    ...siblings.map((letter) => token.slice(0, -1) + letter),
    `${token}=`,
    `${head}=.${body}.${signature}`,
    `${token}\n`,
    ` ${token}`,
    `${token}.`,
    `.${token}`,
    `${head}.${body}.${signature}.`,
    `${head}..${body}.${signature}`,
    token.replaceAll('-', '+').replaceAll('_', '/') + '+',
    `${head}.${body}.${signature.slice(0, 20)} ${signature.slice(20)}`,
    `${token.slice(0, 10)}\u0000${token.slice(10)}`,
  ]
  for (const spelling of spellings)
    assert.equal(await outcome(spelling), 'capability_invalid', spelling.slice(-12))
})

const long = 'x'.repeat(300)
const other = newId('agent')
const acting = (act: object) => ({ client_id: other, act, ancestors: [newId('capability')] })
const agent = () => newId('agent')
const four = { sub: agent(), act: { sub: agent(), act: { sub: agent(), act: { sub: agent() } } } }
const mayFour = JSON.stringify(four).replaceAll('"act"', '"may_act"')
const wrongClaims: readonly (readonly [string, Record<string, unknown>])[] = [
  ['aud in a list', { aud: [publicUrl] }],
  ['two audiences', { aud: [publicUrl, 'https://other.example'] }],
  ['iss in a list', { iss: [publicUrl] }],
  ['another aud', { aud: `${publicUrl}/` }],
  ['the audience of operators', { aud: `${publicUrl}/operators` }],
  ['another iss', { iss: 'https://other.example' }],
  ['the issuer of operators', { iss: `${publicUrl}/operators` }],
  ['another client than its subject', { client_id: newId('agent') }],
  ['an actor that is not its client', { act: { sub: other }, ancestors: [newId('capability')] }],
  ['an actor, and nothing that it came of', { client_id: other, act: { sub: other } }],
  ['an actor that is an operator', acting({ sub: newId('operator') })],
  ['an actor of another issuer', acting({ sub: other, iss: publicUrl })],
  ['actors in a list', { ...acting({ sub: other }), act: [{ sub: other }] }],
  ['five actors', acting({ sub: other, act: four })],
  ['five that may act', { may_act: { sub: other, may_act: JSON.parse(mayFour) as object } }],
  ['no ancestor', { ancestors: [] }],
  ['an ancestor of another kind', { ancestors: [newId('grant')] }],
  ['nine ancestors', { ancestors: Array.from({ length: 9 }, () => newId('capability')) }],
  ['an operator as its subject', { sub: newId('operator'), client_id: newId('operator') }],
  ['exp as text', { exp: String(claims.exp) }],
  ['exp with a fraction', { exp: claims.exp + 0.5 }],
  ['an exp beyond all numbers', { exp: 1e300 }],
  ['a negative iat', { iat: -1 }],
  ['a lifetime beyond the longest', { exp: claims.iat + 901 }],
  ['a lifetime of nothing', { exp: claims.iat }],
  ['an exp before its iat', { iat: claims.exp, exp: claims.iat }],
  ['a claim that might be a limit', { cnf: { jkt: 'x' } }],
  ['nbf', { nbf: claims.exp }],
  ['a scope', { scope: 'everything' }],
  ['no details', { authorization_details: [] }],
  [
    'two details',
    { authorization_details: [...claims.authorization_details, ...claims.authorization_details] },
  ],
  [
    'details of another type',
    { authorization_details: [{ ...claims.authorization_details[0], type: 'other' }] },
  ],
  [
    'details with a member more',
    { authorization_details: [{ ...claims.authorization_details[0], approval: 'never' }] },
  ],
  ['no verbs', { authorization_details: [{ ...claims.authorization_details[0], verbs: [] }] }],
  [
    'verbs that are no list',
    { authorization_details: [{ ...claims.authorization_details[0], verbs: 'read' }] },
  ],
  ['a jti of another kind', { jti: newId('grant') }],
  ['a jti of many letters', { jti: `cap_${long}` }],
  ['a grant of another kind', { grant: newId('capability') }],
  ['a binding as text', { binding: '1' }],
]
for (const [what, change] of wrongClaims) {
  test(`claims with ${what} are refused, although the signature is ours`, async () => {
    const token = await signed(header, { ...claims, ...change })
    assert.equal(await outcome(token), 'capability_invalid')
  })
}

for (const name of Object.keys(claims)) {
  test(`claims without ${name} are refused`, async () => {
    const rest = Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name))
    assert.equal(await outcome(await signed(header, rest)), 'capability_invalid')
  })
}

test('claims or a header that say a thing twice are refused', async () => {
  const twice = JSON.stringify(claims).replace('{', '{"sub":"ag_x",')
  assert.equal(await outcome(await signed(header, twice)), 'capability_invalid')
  const heads = JSON.stringify(header).replace('{', '{"alg":"none",')
  assert.equal(await outcome(await signed(heads, claims)), 'capability_invalid')
})

test('claims that are no object, or no UTF-8, are refused', async () => {
  for (const body of ['[]', 'null', '"x"', '1', '', '{', '\u{feff}{}'])
    assert.equal(await outcome(await signed(header, body)), 'capability_invalid')
})

test('clocks that differ give half a minute ahead and nothing behind', async () => {
  const iat = now / 1000
  const at = async (from: number) =>
    outcome(await signed(header, { ...claims, iat: from, exp: from + 300 }))
  assert.equal(await at(iat + 30), 'good')
  assert.equal(await at(iat + 31), 'capability_invalid')
  assert.equal(await at(iat - 299), 'good')
  assert.equal(await at(iat - 300), 'capability_expired')
})

test('a token too long to be one is refused before it is looked at', async () => {
  const huge = await signed(header, { ...claims, pad: 'x'.repeat(9_000) })
  assert.equal(await outcome(huge), 'capability_invalid')
  assert.equal(await outcome('a'.repeat(1_000_000)), 'capability_invalid')
})
