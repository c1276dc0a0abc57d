import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonValue } from '../../src/core/operation.ts'
import {
  createIssuerKeys,
  longestKept,
  longestStale,
  refreshEvery,
  shortestKept,
  type FoundKey,
} from '../../src/federation/issuer-keys.ts'
import type { FetchJson } from '../../src/federation/fetch.ts'
import { makeKey, openPublished, publicIssuer, publishKeys } from '../support/foreign-issuer.ts'

const one = makeKey('ES256', 'one')
const two = makeKey('ES256', 'two')
const metadataUrl = `${publicIssuer}/.well-known/openid-configuration`
const keysUrl = `${publicIssuer}/keys`

function open(fetched?: FetchJson) {
  const published = openPublished()
  const trusted = publishKeys(published, [one])
  const clock = { now: 1_800_000_000_000 }
  const keys = createIssuerKeys({
    fetchJson: fetched ?? published.fetchJson,
    now: () => clock.now,
  })
  const find = (kid: string | undefined): Promise<FoundKey> =>
    keys.find(trusted, { kid, alg: 'ES256' })
  return { published, trusted, clock, keys, find }
}

/** The issuer answers with keys that may be kept for this long, in seconds. */
function keptFor(published: ReturnType<typeof openPublished>, maxAge: number): void {
  const keys = published.answers.get(keysUrl) as JsonValue
  published.answers.set(keysUrl, { ok: true, value: keys, maxAge })
}

test('keys are fetched once, by the metadata, and kept', async () => {
  const { find, published } = open()
  assert.equal((await find('one')).ok, true)
  assert.equal((await find('one')).ok, true)
  assert.equal((await find(undefined)).ok, true)
  assert.deepEqual(published.asked, [metadataUrl, keysUrl])
})

test('many that ask at once wait for one fetch', async () => {
  const { find, published } = open()
  const found = await Promise.all(Array.from({ length: 50 }, () => find('one')))
  assert.ok(found.every(({ ok }) => ok))
  assert.deepEqual(published.asked, [metadataUrl, keysUrl])
})

test('a rotated key is fetched when the first token names it, and the withdrawn one is forgotten', async () => {
  const { find, published, clock } = open()
  assert.equal((await find('one')).ok, true)
  publishKeys(published, [two])
  clock.now += refreshEvery
  assert.equal((await find('two')).ok, true)
  assert.equal((await find('one')).ok, false)
})

test('a withdrawn key is used no longer than its keys are kept', async () => {
  for (const [maxAge, kept] of [
    [undefined, 300_000],
    [0, shortestKept],
    [120, 120_000],
    [31_536_000, longestKept],
  ] as const) {
    const { find, published, clock } = open()
    if (maxAge !== undefined) keptFor(published, maxAge)
    assert.equal((await find('one')).ok, true)
    publishKeys(published, [two])
    clock.now += kept - 1
    assert.equal((await find('one')).ok, true, String(maxAge))
    clock.now += 1
    assert.equal((await find('one')).ok, false, String(maxAge))
  }
})

test('while the issuer is down its keys are used for a bounded time, and it is not asked all the time', async () => {
  const { find, published, clock } = open()
  assert.equal((await find('one')).ok, true)
  const fetchedAt = clock.now
  published.answers.clear()
  published.answers.set(metadataUrl, { ok: false, detail: 'it could not be fetched: ETIMEDOUT' })
  published.asked.length = 0
  while (clock.now - fetchedAt < longestStale) {
    assert.equal((await find('one')).ok, true, `${clock.now - fetchedAt} ms`)
    clock.now += 1_000
  }
  assert.ok(published.asked.length <= longestStale / refreshEvery, String(published.asked.length))
  const refused = await find('one')
  assert.ok(!refused.ok)
  assert.equal(refused.reason, 'unavailable')
  assert.match(refused.detail, /ETIMEDOUT/)
  // And it is heard again when it is back.
  publishKeys(published, [one])
  clock.now += refreshEvery
  assert.equal((await find('one')).ok, true)
})

test('an issuer that was never heard is asked once in thirty seconds', async () => {
  const { find, published, clock } = open()
  published.answers.clear()
  for (let i = 0; i < 60; i++) {
    const found = await find('one')
    assert.ok(!found.ok && found.reason === 'unavailable')
    clock.now += 1_000
  }
  // Metadata in both places, at 0 and at 30 seconds.
  assert.equal(published.asked.length, 4)
})

test('a clock that was set back makes no key fresher', async () => {
  const { find, published, clock } = open()
  assert.equal((await find('one')).ok, true)
  clock.now -= 3_600_000
  published.asked.length = 0
  assert.equal((await find('one')).ok, true)
  assert.equal(published.asked.length, 2)
  published.answers.clear()
  clock.now -= 3_600_000
  assert.equal((await find('one')).ok, false)
})

test('metadata is taken from where RFC 8414 has it, where there is none of OpenID Connect', async () => {
  const { find, published } = open()
  const metadata = published.answers.get(metadataUrl) as JsonValue
  published.answers.delete(metadataUrl)
  published.answers.set(
    'https://issuer.example/.well-known/oauth-authorization-server/of/jobs',
    metadata,
  )
  assert.equal((await find('one')).ok, true)
  // A failure is not “there is none”.
  const down = open()
  down.published.answers.set(metadataUrl, { ok: false, status: 500, detail: 'it answers with 500' })
  assert.equal((await down.find('one')).ok, false)
  assert.deepEqual(down.published.asked, [metadataUrl])
})

test('metadata of another issuer is nobody’s, however alike the two are spelled', async () => {
  for (const issuer of [
    `${publicIssuer}/`,
    publicIssuer.toUpperCase(),
    publicIssuer.replace('issuer', 'Issuer'),
    publicIssuer.replace('https', 'http'),
    publicIssuer.replace('.example', '.example:443'),
    'https://issuer.example',
    ` ${publicIssuer}`,
    [publicIssuer],
    null,
    {},
  ]) {
    const { find, published } = open()
    published.answers.set(metadataUrl, { issuer, jwks_uri: keysUrl })
    const found = await find('one')
    assert.ok(!found.ok && /another issuer/.test(found.detail), JSON.stringify(issuer))
    assert.deepEqual(published.asked, [metadataUrl])
  }
})

test('an issuer’s trailing slash is part of its name and no part of where its metadata is', async () => {
  const { published, keys } = open()
  const issuer = 'https://slash.example/'
  published.answers.set('https://slash.example/.well-known/openid-configuration', {
    issuer,
    jwks_uri: keysUrl,
  })
  const header = { kid: 'one', alg: 'ES256' }
  assert.equal((await keys.find({ issuer, internal: false }, header)).ok, true)
  const other = await keys.find({ issuer: issuer.slice(0, -1), internal: false }, header)
  assert.equal(other.ok, false)
})

test('a configured place of the keys is used, and no metadata is asked for', async () => {
  const { published, keys } = open()
  const trusted = { issuer: 'https://elsewhere.example', jwksUri: keysUrl, internal: false }
  assert.equal((await keys.find(trusted, { kid: 'one', alg: 'ES256' })).ok, true)
  assert.deepEqual(published.asked, [keysUrl])
})

test('one issuer’s keys are never another’s, nor those of the same one from another place', async () => {
  const { published, keys, trusted } = open()
  const header = { kid: 'one', alg: 'ES256' }
  assert.equal((await keys.find(trusted, header)).ok, true)
  published.answers.set('https://b.example/keys', { keys: [two.jwk as { [key: string]: string }] })
  const moved = { ...trusted, jwksUri: 'https://b.example/keys' }
  assert.equal((await keys.find(moved, header)).ok, false)
  assert.equal((await keys.find({ ...moved, issuer: 'https://b.example' }, header)).ok, false)
  assert.equal((await keys.find(moved, { ...header, kid: 'two' })).ok, true)
})

test('what metadata leads to is internal only where it is of the issuer’s own origin', async () => {
  const asked: string[] = []
  const seenBy = (jwks_uri: string): FetchJson => {
    return async (url, { internal }) => {
      asked.push(`${internal} ${url}`)
      return url.includes('.well-known')
        ? { ok: true, value: { issuer: 'https://10.0.0.1:6443', jwks_uri }, maxAge: undefined }
        : { ok: false, detail: 'not here' }
    }
  }
  for (const uri of [
    'https://10.0.0.1:6443/openid/v1/jwks',
    'https://10.0.0.1/keys',
    'https://keys.example/keys',
  ]) {
    const { keys } = open(seenBy(uri))
    await keys.find({ issuer: 'https://10.0.0.1:6443', internal: true }, { kid: 'a', alg: 'ES256' })
  }
  assert.deepEqual(
    asked.filter((each) => !each.includes('.well-known')),
    [
      'true https://10.0.0.1:6443/openid/v1/jwks',
      'false https://10.0.0.1/keys',
      'false https://keys.example/keys',
    ],
  )
})

test('an issuer that shows its private keys, or no keys, is not trusted by those it showed before', async () => {
  for (const bad of [
    { keys: [{ kty: 'oct', k: 'AAAA' }] },
    { keys: 'none' },
    [],
    null,
  ] as JsonValue[]) {
    const { find, published, clock } = open()
    assert.equal((await find('one')).ok, true)
    published.answers.set(keysUrl, bad)
    clock.now += 300_000
    const found = await find('one')
    assert.ok(!found.ok && found.reason === 'unavailable', JSON.stringify(bad))
  }
})

test('for what is no issuer’s URL nothing is fetched', async () => {
  for (const issuer of ['not a url', '', `${publicIssuer}?a`, `${publicIssuer}#a`]) {
    const { keys, published } = open()
    const found = await keys.find({ issuer, internal: false }, { kid: 'one', alg: 'ES256' })
    assert.ok(!found.ok && found.reason === 'unavailable', issuer)
    assert.deepEqual(published.asked, [])
  }
})
