import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import type { JsonValue } from '../../src/core/operation.ts'
import { isSignedBy, longestForeignToken, readJws } from '../../src/federation/jws.ts'
import { readKeySet } from '../../src/federation/key-set.ts'
import { makeKey, signToken } from '../support/foreign-issuer.ts'

type Jwk = { [key: string]: JsonValue }
type Group = {
  readonly comment: string
  readonly public?: Jwk
  readonly private?: Jwk
  readonly tests: readonly {
    readonly tcId: number
    readonly comment: string
    readonly jws: string
    readonly result: string
  }[]
}

function vectors(t: TestContext, name: string): readonly Group[] | undefined {
  const file = new URL(`../../../shared/vectors/${name}`, import.meta.url)
  if (!existsSync(file)) {
    t.skip('../shared is not there')
    return undefined
  }
  return (JSON.parse(readFileSync(file, 'utf8')) as { testGroups: Group[] }).testGroups
}

/** The path of a foreign token up to its claims, which the vectors have none of. */
async function verify(token: string, published: JsonValue): Promise<boolean> {
  const jws = readJws(token)
  const set = readKeySet(published)
  if (typeof jws === 'string' || typeof set === 'string') return false
  const found = await set.key(jws)
  return 'key' in found && (await isSignedBy(jws, found.key))
}

/** What the key is not for here, and so is refused where Wycheproof calls it valid. */
function isSymmetric(group: Group): boolean {
  const { private: key } = group
  const keys = (key?.['keys'] ?? [key ?? null]) as (Jwk | null)[]
  return group.public === undefined && keys.some((each) => each?.['kty'] === 'oct')
}

test('every sound vector of Wycheproof’s JWS set comes out as it says, and no MAC is accepted', async (t) => {
  const groups = vectors(t, 'wycheproof-json_web_signature_test.json')
  if (groups === undefined) return
  // Known faulty: they say valid of what is not, or the other way about, or name an algorithm that does not exist.
  const faulty = new Set([346, 347, 350, 351, 367, 370, 372, 373])
  let valid = 0
  let invalid = 0
  let macs = 0
  for (const group of groups)
    for (const { tcId, comment, jws, result } of group.tests) {
      if (faulty.has(tcId)) continue
      const accepted = await verify(jws, { keys: [group.public ?? { kty: 'EC' }] })
      const name = `${tcId} ${group.comment} ${comment}`
      if (isSymmetric(group)) {
        macs++
        assert.equal(accepted, false, name)
      } else {
        assert.equal(accepted, result === 'valid', name)
        if (accepted) valid++
        else invalid++
      }
    }
  assert.deepEqual({ valid, invalid, macs }, { valid: 32, invalid: 325, macs: 36 })
})

test('every vector of Wycheproof’s JWK set comes out as it says, and no MAC is accepted', async (t) => {
  const groups = vectors(t, 'wycheproof-json_web_key_test.json')
  if (groups === undefined) return
  let accepted = 0
  for (const group of groups)
    for (const { tcId, comment, jws, result } of group.tests) {
      const published = group.public ?? group.private ?? {}
      const good = await verify(jws, published)
      if (good) accepted++
      assert.equal(good, result === 'valid' && !isSymmetric(group), `${tcId} ${comment}`)
    }
  assert.equal(accepted, 1)
})

const key = makeKey('ES256', 'one')
const sound = signToken(key.privateKey, 'ES256', { alg: 'ES256', kid: 'one' }, { sub: 'a' })

test('a token has one spelling', async () => {
  const published = { keys: [key.jwk as Jwk] }
  assert.equal(await verify(sound, published), true)
  const [head = '', body = '', signature = ''] = sound.split('.')
  // The last character of 64 octets holds four bits that nobody reads.
  const last = signature.at(-1) ?? ''
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const other = alphabet[alphabet.indexOf(last) ^ 1] ?? ''
  for (const token of [
    `${head}.${body}.${signature.slice(0, -1)}${other}`,
    `${head}.${body}.${signature}=`,
    `${head}.${body}.${signature}\n`,
    ` ${sound}`,
    `${head}=.${body}.${signature}`,
    `${head}.${body}=.${signature}`,
    `${head}.${body}*.${signature}`,
    `${head}. .${signature}`,
    `${head}.${body}..${signature}`,
    `${head}.${body}.${signature}.`,
    `${head}.${body}`,
    `${head}.${body}.`,
    `.${body}.${signature}`,
    sound.replaceAll('-', '+').replaceAll('_', '/') + (/[-_]/.test(sound) ? '' : '='),
    JSON.stringify({ protected: head, payload: body, signature }),
    '',
  ])
    assert.equal(typeof readJws(token), 'string', token)
})

test('a header that brings a key, changes the meaning or says anything twice is refused', () => {
  for (const header of [
    { alg: 'ES256', kid: 'one', jwk: key.jwk },
    { alg: 'ES256', kid: 'one', jku: 'https://evil.example/keys' },
    { alg: 'ES256', kid: 'one', x5u: 'https://evil.example/cert' },
    { alg: 'ES256', kid: 'one', x5c: ['AAAA'] },
    { alg: 'ES256', kid: 'one', crit: ['b64'], b64: false },
    { alg: 'ES256', kid: 'one', crit: [] },
    { alg: 'ES256', kid: 'one', b64: true },
    { alg: 'ES256', kid: 'one', zip: 'DEF' },
    { alg: 'ES256', kid: 'one', enc: 'A128GCM' },
    { alg: 'ES256', kid: 'one', cty: 'JWT' },
    { alg: 'ES256', kid: 'one', iss: 'x' },
    { alg: ['ES256'], kid: 'one' },
    { alg: 'ES256', kid: 1 },
    { alg: 'ES256', kid: '' },
    { alg: 'ES256', kid: null },
    { alg: 'ES256', kid: 'a b' },
    { alg: 'ES256', kid: 'a\n' },
    { alg: 'ES256', kid: 'schlüssel' },
    { alg: 'ES256', kid: 'k'.repeat(257) },
    { alg: 'ES256', typ: 1 },
    { kid: 'one' },
    [],
    '"ES256"',
    '{"alg":"none","alg":"ES256"}',
    '{"alg":"ES256","a\\u006cg":"none"}',
    '{"alg":"ES256","ALG":"none"}',
    '{"alg":"ES256","__proto__":{"kid":"one"}}',
    '\ufeff{"alg":"ES256"}',
    '{"alg":"ES256"}x',
  ])
    assert.equal(
      typeof readJws(signToken(key.privateKey, 'ES256', header, { sub: 'a' })),
      'string',
      JSON.stringify(header),
    )
  for (const header of [
    { alg: 'ES256' },
    {
      alg: 'RS256',
      x5t: 'eBZ_cn3sXYAd0ch4THBKHIgOwOE',
      kid: '38826b17-6a30-5f9b-b169-8beb8202f723',
      typ: 'JWT',
    },
    { alg: 'ES256', 'x5t#S256': 'AAAA' },
  ])
    assert.equal(
      typeof readJws(signToken(key.privateKey, 'ES256', header, { sub: 'a' })),
      'object',
      JSON.stringify(header),
    )
})

test('a token is not read beyond its greatest length', () => {
  const long = (n: number): string =>
    signToken(key.privateKey, 'ES256', { alg: 'ES256' }, { sub: 'a'.repeat(n) })
  assert.equal(typeof readJws(long(12_000)), 'object')
  const over = long(13_000)
  assert.ok(over.length > longestForeignToken)
  assert.equal(readJws(over), 'it is too long')
})
