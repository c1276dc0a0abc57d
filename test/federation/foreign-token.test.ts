import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createForeignTokenVerifier,
  longestForeignLifetime,
  type TrustedIssuer,
  type VerifiedForeignToken,
} from '../../src/federation/foreign-token.ts'
import {
  makeKey,
  openPublished,
  publicIssuer,
  publishKeys,
  signToken,
  type IssuerKey,
} from '../support/foreign-issuer.ts'

const now = 1_800_000_000_000
const seconds = now / 1000
const us = 'https://broker.example'
const key = makeKey('ES256', 'one')

type Setting = {
  readonly keys?: readonly IssuerKey[]
  readonly audiences?: readonly string[]
  readonly issuers?: (iss: string) => TrustedIssuer | undefined
}

/** What becomes of a token, and how many fetches it cost. */
async function verify(
  token: string,
  { keys = [key], audiences = [us], issuers }: Setting = {},
): Promise<VerifiedForeignToken & { readonly fetches: number }> {
  const published = openPublished()
  const trusted = publishKeys(published, keys)
  const verifier = createForeignTokenVerifier({ fetchJson: published.fetchJson, now: () => now })
  const result = await verifier.verify(token, {
    issuers: issuers ?? ((iss) => (iss === publicIssuer ? trusted : undefined)),
    audiences,
  })
  return { ...result, fetches: published.asked.length }
}

const claims = {
  iss: publicIssuer,
  sub: 'repo:acme/site:ref:refs/heads/main',
  aud: us,
  iat: seconds - 10,
  exp: seconds + 300,
}
const header = { alg: 'ES256', kid: 'one', typ: 'JWT' }

const signed = (changes: object = {}, headers: object = header): string =>
  signToken(key.privateKey, 'ES256', headers, { ...claims, ...changes })

test('a token of a trusted issuer, for us, is verified, and its claims are its own', async () => {
  const token = signed({ repository_id: '74', nested: { a: [1] } })
  const result = await verify(token)
  assert.ok(result.ok)
  assert.equal(result.issuer.issuer, publicIssuer)
  assert.deepEqual(result.claims, { ...claims, repository_id: '74', nested: { a: [1] } })
  assert.equal(result.fetches, 2)
})

test('every accepted algorithm verifies with a key of its kind', async () => {
  for (const alg of [
    'RS256',
    'RS384',
    'RS512',
    'PS256',
    'PS384',
    'PS512',
    'ES256',
    'ES384',
    'ES512',
    'EdDSA',
    'Ed25519',
  ]) {
    const of = makeKey(alg)
    const token = signToken(of.privateKey, alg, { alg, kid: `k-${alg}` }, claims)
    assert.equal((await verify(token, { keys: [of] })).ok, true, alg)
  }
})

test('two signatures over the same words are one token, by its digest', async () => {
  const [first, second] = [await verify(signed()), await verify(signed())]
  assert.ok(first.ok && second.ok)
  assert.equal(first.digest, second.digest)
  const other = await verify(signed({ sub: 'other' }))
  assert.ok(other.ok)
  assert.notEqual(first.digest, other.digest)
})

test('tokens as CI systems, clusters and SPIFFE make them are taken', async () => {
  for (const [headers, changes] of [
    [
      { typ: 'JWT', alg: 'ES256', x5t: 'AAAA', kid: 'one' },
      { jti: 'a-uuid', nbf: seconds - 300 },
    ],
    [
      { alg: 'ES256', kid: 'one' },
      { aud: [us], 'kubernetes.io': { namespace: 'ci' } },
    ],
    [
      { typ: 'JOSE', alg: 'ES256', kid: 'one' },
      { sub: 'spiffe://acme/ci', iat: undefined },
    ],
    [{ typ: 'at+jwt', alg: 'ES256', kid: 'one' }, { client_id: 'ci' }],
    [{ typ: 'application/at+jwt', alg: 'ES256' }, { exp: seconds + 299.5 }],
  ] as const)
    assert.equal((await verify(signed(changes, headers))).ok, true, JSON.stringify(changes))
})

test('an audience is ours alone, or the token is not for us', async () => {
  const both = { audiences: [us, 'urn:valetkey'] }
  assert.equal((await verify(signed({ aud: 'urn:valetkey' }), both)).ok, true)
  assert.equal((await verify(signed({ aud: [us, 'urn:valetkey'] }), both)).ok, true)
  for (const aud of [
    undefined,
    null,
    '',
    [],
    {},
    [[us]],
    [us, 1],
    [us, 'https://other.example'],
    ['https://other.example', us],
    'https://other.example',
    `${us}/`,
    us.toUpperCase(),
    `${us}.evil.example`,
    `${us} https://other.example`,
    { [us]: true },
  ]) {
    const result = await verify(signed({ aud }), both)
    assert.ok(!result.ok && result.reason === 'invalid', JSON.stringify(aud))
    assert.match(result.detail, /for this broker alone/)
    assert.equal(result.fetches, 0)
  }
  assert.equal((await verify(signed({ aud: '' }), { audiences: [] })).ok, false)
})

test('another kind of token is none, and nothing is fetched for it', async () => {
  for (const typ of [
    'dpop+jwt',
    'logout+jwt',
    'secevent+jwt',
    'client-authentication+jwt',
    'token-introspection+jwt',
    'oauth-id-jag+jwt',
    'application/dpop+jwt',
    'JWT+x',
    'x/jwt',
    '',
  ]) {
    const result = await verify(signed({}, { ...header, typ }))
    assert.ok(!result.ok && /another kind/.test(result.detail), typ)
    assert.equal(result.fetches, 0)
  }
  for (const changes of [
    { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } },
    { cnf: { jkt: 'AAAA' } },
    { sub: undefined },
  ]) {
    const result = await verify(signed(changes))
    assert.ok(!result.ok && result.fetches === 0, JSON.stringify(changes))
  }
})

test('times are bounded on both sides, and must be times', async () => {
  for (const changes of [
    { exp: seconds },
    { exp: seconds - 1 },
    { exp: undefined },
    { exp: null },
    { exp: String(seconds + 300) },
    { exp: now + 300_000 },
    { exp: -1 },
    { exp: 0 },
    { iat: seconds + 61 },
    { iat: 'today' },
    { iat: null },
    { iat: -5 },
    { nbf: seconds + 61 },
    { nbf: '0' },
    { nbf: -1 },
    { iat: seconds + 30, exp: seconds + 20 },
    { nbf: seconds + 30, exp: seconds + 20 },
    { iat: seconds - 10, exp: seconds - 10 + longestForeignLifetime + 1 },
    { iat: undefined, exp: seconds + longestForeignLifetime + 1 },
    { iat: 1, exp: seconds + 300 },
  ]) {
    const result = await verify(signed(changes))
    assert.ok(!result.ok && result.reason === 'invalid', JSON.stringify(changes))
    assert.equal(result.fetches, 0, JSON.stringify(changes))
  }
  for (const changes of [
    { exp: seconds + 1 },
    { iat: seconds + 60, exp: seconds + 120 },
    { nbf: seconds + 60, exp: seconds + 120 },
    { exp: seconds - 10 + longestForeignLifetime },
    { iat: undefined, exp: seconds + longestForeignLifetime },
  ])
    assert.equal((await verify(signed(changes))).ok, true, JSON.stringify(changes))
  // Written so that JSON.parse would make an infinity, or lose a digit, of it.
  for (const exp of ['1e999', '18000003000000000001', '-0', '1.8e9999'])
    assert.equal(
      (
        await verify(
          signToken(
            key.privateKey,
            'ES256',
            header,
            JSON.stringify(claims).replace(/"exp":\d+/, `"exp":${exp}`),
          ),
        )
      ).ok,
      false,
      exp,
    )
})

test('a token that expires while its issuer’s keys are waited for is refused', async () => {
  const published = openPublished()
  const trusted = publishKeys(published, [key])
  let clock = now
  const verifier = createForeignTokenVerifier({
    fetchJson: (url, options) => {
      clock += 5_000
      return published.fetchJson(url, options)
    },
    now: () => clock,
  })
  const expected = { issuers: () => trusted, audiences: [us] }
  const result = await verifier.verify(signed({ exp: seconds + 8 }), expected)
  assert.deepEqual(result, { ok: false, reason: 'invalid', detail: 'it has expired' })
})

test('claims that can be read in two ways are refused', async () => {
  const text = JSON.stringify(claims)
  for (const payload of [
    text.replace('{', '{"aud":"https://other.example",'),
    text.replace('{', '{"\\u0061ud":"https://other.example",'),
    text.replace('{', '{"AUD":"https://other.example",'),
    text.replace('{', '{"__proto__":{"admin":true},'),
    text.replace('"sub":"', '"sub":"\\ud800'),
    `\ufeff${text}`,
    `${text}x`,
    `[${text}]`,
    'null',
    '"text"',
    '',
    text.replace('{', `{"deep":${'['.repeat(65)}${']'.repeat(65)},`),
  ]) {
    const result = await verify(signToken(key.privateKey, 'ES256', header, payload))
    assert.ok(!result.ok && result.reason === 'invalid', payload)
    assert.equal(result.fetches, 0)
  }
})

test('an issuer and a subject are strings, and of a length', async () => {
  for (const changes of [
    { iss: undefined },
    { iss: [publicIssuer] },
    { iss: null },
    { iss: '' },
    { sub: '' },
    { sub: ['repo:acme/site'] },
    { sub: 7 },
    { sub: 's'.repeat(2_049) },
    { jti: '' },
    { jti: 7 },
    { jti: 'j'.repeat(513) },
  ]) {
    const result = await verify(signed(changes))
    assert.ok(!result.ok && result.fetches === 0, JSON.stringify(changes).slice(0, 80))
  }
})

test('algorithms that are not accepted cost nothing, and none is confused with another', async () => {
  for (const alg of ['none', 'None', 'HS256', 'HS512', 'ES256K', 'RS1', 'es256', 'RSA-OAEP', '']) {
    const result = await verify(signed({}, { ...header, alg }))
    assert.ok(!result.ok && result.fetches === 0, alg)
  }
  const rsa = makeKey('RS256', 'one')
  for (const [signs, says] of [
    ['PS256', 'PS256'],
    ['RS512', 'RS512'],
    ['RS256', 'PS256'],
    ['RS256', 'ES256'],
  ] as const) {
    const token = signToken(rsa.privateKey, signs, { alg: says, kid: 'one' }, claims)
    assert.equal((await verify(token, { keys: [rsa] })).ok, false, `${signs} ${says}`)
  }
})

test('a signature by another key, or over other words, does not verify', async () => {
  const other = makeKey('ES256', 'one')
  const forged = signToken(other.privateKey, 'ES256', header, claims)
  const [head, , signature] = signed().split('.')
  const moved = `${head}.${Buffer.from(JSON.stringify({ ...claims, sub: 'me' })).toString('base64url')}.${signature}`
  for (const token of [forged, moved]) {
    const result = await verify(token)
    assert.ok(!result.ok)
    assert.equal(result.detail, 'its signature does not verify')
  }
  const zero = await verify(signed().replace(/[^.]+$/, Buffer.alloc(64).toString('base64url')))
  assert.equal(zero.ok, false)
})

test('a look-up that finds an issuer by something like its name finds none', async () => {
  const trusted = { issuer: publicIssuer, internal: false }
  const token = signed({ iss: `${publicIssuer}/` })
  const result = await verify(token, { issuers: () => trusted })
  assert.ok(!result.ok && result.reason === 'invalid')
  assert.match(result.detail, /not one that is trusted/)
  assert.equal(result.fetches, 0)
})
