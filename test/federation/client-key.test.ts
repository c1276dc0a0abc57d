/** The key by which the broker is a client of an identity provider: what is taken for one, and what it may sign with. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { JWK } from 'jose'
import { readClientKey } from '../../src/federation/client-key.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const pemOf = (key: KeyObject, type: 'pkcs1' | 'pkcs8' | 'sec1' = 'pkcs8'): string =>
  String(key.export({ format: 'pem', type }))
const jwkOf = (key: KeyObject): JWK => key.export({ format: 'jwk' })
const textOf = (key: KeyObject, more: object = {}): string =>
  JSON.stringify({ ...jwkOf(key), ...more })

function good(text: string) {
  const read = readClientKey(text)
  assert.ok(read.ok, read.ok ? '' : read.why)
  return read.key
}

/** What it signs with where the provider does not say what it takes. */
async function signsWith(text: string): Promise<string> {
  const { algorithm } = await good(text).toSignWith(undefined)
  const { name, namedCurve = '' } = algorithm as { name: string; namedCurve?: string }
  return `${name} ${namedCurve}`.trim()
}

test('one private key is read in each of its forms', async () => {
  for (const text of [pemOf(rsa), pemOf(rsa, 'pkcs1'), ` ${pemOf(rsa)}\n\n`, textOf(rsa)])
    assert.equal(await signsWith(text), 'RSASSA-PKCS1-v1_5')
  for (const text of [pemOf(p256), pemOf(p256, 'sec1'), textOf(p256)])
    assert.equal(await signsWith(text), 'ECDSA P-256')
  const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey
  assert.equal(await signsWith(pemOf(p521)), 'ECDSA P-521')
})

test('a JWK says how it is named, and what it signs with', async () => {
  const said = {
    kid: 'of-2026',
    alg: 'PS256',
    use: 'sig',
    key_ops: ['sign'],
    'x5t#S256': 'A'.repeat(43),
  }
  const { kid, certificate } = good(textOf(rsa, said))
  assert.deepEqual([kid, certificate], ['of-2026', 'A'.repeat(43)])
  assert.equal(await signsWith(textOf(rsa, said)), 'RSA-PSS')
  const odd = good(textOf(rsa, { kid: 'two\nlines', 'x5t#S256': 7 }))
  assert.deepEqual([odd.kid, odd.certificate], [undefined, undefined])
  assert.equal(good(pemOf(rsa)).kid, undefined)
})

test('what it signs with cannot be taken out of it again', async () => {
  const key = await good(pemOf(rsa)).toSignWith(['PS256'])
  assert.deepEqual([key.type, key.extractable, key.usages], ['private', false, ['sign']])
})

const encrypted = rsa.export({
  format: 'pem',
  type: 'pkcs8',
  cipher: 'aes-256-cbc',
  passphrase: 'a passphrase',
})
const another = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey
const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const { d: foreign } = jwkOf(other)
const publicPart = (key: KeyObject): object => {
  const { kty, n, e } = jwkOf(key)
  return { kty, n, e }
}
for (const [what, text, why] of [
  ['nothing', '', /not one private key/],
  ['a secret', 's3cret', /not one private key/],
  ['a public key', JSON.stringify(publicPart(rsa)), /not one private key/],
  ['a key under a passphrase', String(encrypted), /without a passphrase/],
  ['two keys', pemOf(rsa) + pemOf(p256), /not one private key/],
  ['a set of keys', JSON.stringify({ keys: [jwkOf(rsa)] }), /not one private key/],
  ['a JWK with a member twice', textOf(p256).replace('{', '{"kty":"EC",'), /not one private key/],
  ['a short key', pemOf(short), /unfit/],
  ['Ed25519', pemOf(generateKeyPairSync('ed25519').privateKey), /no key for any of PS256.*ES512/],
  [
    'another curve',
    pemOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey),
    /no key for/,
  ],
  ['an algorithm of another kind', textOf(rsa, { alg: 'ES256' }), /no key for/],
  ['one that encrypts', textOf(rsa, { alg: 'RSA-OAEP' }), /no key for/],
  ['one for encryption', textOf(rsa, { use: 'enc' }), /no key for/],
  ['one for something that cannot be read', textOf(rsa, { use: ['enc'] }), /no key for/],
  ['one for an algorithm that cannot be read', textOf(rsa, { alg: ['RS256'] }), /no key for/],
  ['one that only decrypts', textOf(rsa, { key_ops: ['decrypt'] }), /no key for/],
  ['a key that no JWK can hold', pemOf(pss), /no key for/],
  ['parts of two keys', textOf(p256, { d: foreign }), /not one private key|do not belong together/],
  [
    'another’s public part',
    JSON.stringify({ ...jwkOf(rsa), n: jwkOf(another).n }),
    /do not belong/,
  ],
] as const)
  test(`${what} is refused, and not quoted`, async () => {
    const read = readClientKey(text)
    assert.ok(!read.ok)
    assert.match(read.why, why)
    assert.ok(!/BEGIN|s3cret|[A-Za-z0-9_-]{30}/.test(read.why), read.why)
  })
