import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonValue } from '../../src/core/operation.ts'
import { readKeySet } from '../../src/federation/key-set.ts'
import { makeKey } from '../support/foreign-issuer.ts'

type Jwk = { [key: string]: JsonValue }
const rsa = makeKey('RS256', 'r').jwk as Jwk
const ec = makeKey('ES256', 'e').jwk as Jwk

async function chosen(keys: JsonValue[], kid: string | undefined, alg: string): Promise<string> {
  const set = readKeySet({ keys })
  assert.ok(typeof set !== 'string')
  const found = await set.key({ kid, alg })
  return 'key' in found ? found.key.algorithm.name : found.refused
}

test('a key is found by its kid, and used with its own algorithm only', async () => {
  assert.equal(await chosen([rsa, ec], 'r', 'RS256'), 'RSASSA-PKCS1-v1_5')
  assert.equal(await chosen([rsa, ec], 'e', 'ES256'), 'ECDSA')
  for (const [kid, alg] of [
    ['r', 'PS256'],
    ['r', 'RS512'],
    ['r', 'HS256'],
    ['r', 'none'],
    ['r', 'ES256'],
    ['e', 'ES384'],
    ['e', 'RS256'],
  ] as const)
    assert.equal(
      await chosen([rsa, ec], kid, alg),
      'its alg is not one of the key’s',
      `${kid} ${alg}`,
    )
  const { alg: _, ...free } = rsa
  assert.equal(await chosen([free], 'r', 'PS512'), 'RSA-PSS')
  assert.equal(await chosen([free], 'r', 'RS384'), 'RSASSA-PKCS1-v1_5')
})

test('a token without a kid is of the one key that it can be of', async () => {
  assert.equal(await chosen([rsa, ec], undefined, 'ES256'), 'ECDSA')
  assert.match(await chosen([ec, { ...ec, kid: 'f' }], undefined, 'ES256'), /several/)
})

test('two keys of one name are neither, whatever the token says', async () => {
  for (const second of [ec, { ...makeKey('ES256').jwk, kid: 'e' } as Jwk, { ...rsa, kid: 'e' }]) {
    assert.match(await chosen([ec, second], 'e', 'ES256'), /several/)
    assert.match(await chosen([second, ec], 'e', 'ES256'), /several/)
  }
})

test('keys of unknown kinds and for encryption are passed over', async () => {
  const others = [
    { ...rsa, use: 'enc', alg: 'RSA-OAEP', kid: 'e' },
    { kty: 'new' },
    null,
    'key',
    [],
  ]
  assert.equal(await chosen([...others, ec], 'e', 'ES256'), 'ECDSA')
  assert.match(await chosen([{ ...ec, use: 'enc' }], 'e', 'ES256'), /names no key/)
})

test('of a SPIFFE bundle the keys of JWT-SVIDs are taken, and no others', async () => {
  const bundle = [
    { ...ec, use: 'x509-svid', kid: 'x', x5c: ['AAAA'] },
    { ...ec, use: 'jwt-svid' },
  ]
  assert.equal(await chosen(bundle, 'e', 'ES256'), 'ECDSA')
  assert.match(await chosen(bundle, 'x', 'ES256'), /names no key/)
})

test('a weak or malformed key is refused when it is named, and does no harm to the others', async () => {
  const weak = { ...rsa, e: 'AQ', kid: 'weak' }
  const off = { ...ec, kid: 'off', x: Buffer.alloc(32, 1).toString('base64url') }
  assert.match(await chosen([weak, off, ec], 'weak', 'RS256'), /is refused: its public exponent/)
  assert.match(await chosen([weak, off, ec], 'off', 'ES256'), /malformed/)
  assert.equal(await chosen([weak, off, ec], 'e', 'ES256'), 'ECDSA')
})

test('a set that is none, is too long or shows a secret is refused as a whole', () => {
  for (const set of [
    null,
    [],
    'keys',
    {},
    { keys: {} },
    { keys: Array.from({ length: 65 }, () => ec) },
    { keys: [ec, { ...ec, kid: 'f', d: 'AAAA' }] },
    { keys: [ec, { kty: 'oct', k: 'AAAA' }] },
  ] as JsonValue[])
    assert.equal(typeof readKeySet(set), 'string', JSON.stringify(set).slice(0, 80))
})
