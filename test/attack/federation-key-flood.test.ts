/** Whoever can reach the token endpoint, without any credential, makes the broker fetch keys: as often as they like, or from where. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createForeignTokenVerifier } from '../../src/federation/foreign-token.ts'
import {
  makeKey,
  openPublished,
  publicIssuer,
  publishKeys,
  signToken,
} from '../support/foreign-issuer.ts'

const us = 'https://broker.example'

test('a flood of unknown kids makes one refresh in thirty seconds, and does not lock a new key out', async () => {
  const real = makeKey('ES256', 'real')
  const next = makeKey('ES256', 'next')
  const mine = makeKey('ES256', 'mine')
  const published = openPublished()
  const trusted = publishKeys(published, [real])
  let now = 1_800_000_000_000
  const verifier = createForeignTokenVerifier({ fetchJson: published.fetchJson, now: () => now })
  const send = async (kid: string, key = mine): Promise<boolean> => {
    const claims = { iss: publicIssuer, sub: 'me', aud: us, exp: now / 1000 + 60 }
    const token = signToken(key.privateKey, 'ES256', { alg: 'ES256', kid }, claims)
    const result = await verifier.verify(token, {
      issuers: (iss) => (iss === publicIssuer ? trusted : undefined),
      audiences: [us],
    })
    return result.ok
  }
  assert.equal(await send('real', real), true)
  published.asked.length = 0
  const seconds = 300
  for (let second = 0; second < seconds; second++) {
    const together = Array.from({ length: 10 }, (_, i) => send(`unknown-${second}-${i}`))
    assert.ok((await Promise.all(together)).every((accepted) => !accepted))
    assert.equal(await send('real', real), true)
    now += 1_000
  }
  // Metadata and keys, once at the start and then in each half minute.
  assert.ok(published.asked.length <= 2 * (seconds / 30 + 1), String(published.asked.length))
  publishKeys(published, [real, next])
  let waited = 0
  while (!(await send('next', next))) {
    await send('unknown')
    now += 1_000
    waited++
    assert.ok(waited <= 30)
  }
})

test('nothing is fetched for a token that could not be accepted whatever its key', async () => {
  const key = makeKey('ES256', 'one')
  const published = openPublished()
  const trusted = publishKeys(published, [key])
  const now = 1_800_000_000_000
  const verifier = createForeignTokenVerifier({ fetchJson: published.fetchJson, now: () => now })
  const header = { alg: 'ES256', kid: 'one' }
  const claims = { iss: publicIssuer, sub: 'me', aud: us, exp: now / 1000 + 60 }
  const evil = 'https://evil.example'
  const tokens = [
    // Whose keys would be fetched from where the token says.
    [{ ...header, jku: `${evil}/keys` }, claims],
    [{ ...header, x5u: `${evil}/cert` }, claims],
    [{ ...header, jwk: key.jwk }, claims],
    [{ ...header, kid: `${evil}/keys?\n` }, claims],
    [header, { ...claims, iss: evil }],
    [header, { ...claims, iss: 'https://169.254.169.254' }],
    // Spelled like one that is trusted.
    [header, { ...claims, iss: `${publicIssuer}/` }],
    [header, { ...claims, iss: publicIssuer.toUpperCase() }],
    [header, { ...claims, iss: publicIssuer.replace('https', 'http') }],
    [header, { ...claims, iss: publicIssuer.replace('.example', '.example:443') }],
    [header, { ...claims, iss: publicIssuer.replace('.example', '.example.') }],
    [header, { ...claims, iss: publicIssuer.replace('://', '://me@') }],
    [header, { ...claims, iss: publicIssuer.replace('issuer', 'іssuer') }],
    [header, { ...claims, iss: publicIssuer.replace('issuer', 'xn--ssuer-s1e') }],
    [header, { ...claims, iss: publicIssuer.replace('/of', '/%6ff') }],
    [header, { ...claims, iss: publicIssuer.replace('/of', '/x/../of') }],
    [header, { ...claims, iss: `${publicIssuer}?` }],
    [header, { ...claims, iss: `${publicIssuer}#` }],
    [header, { ...claims, iss: ` ${publicIssuer}` }],
    [header, { ...claims, iss: '__proto__' }],
    [header, { ...claims, iss: 'constructor' }],
    // Of the issuer, but for somebody else, of another time, of another kind.
    [header, { ...claims, aud: evil }],
    [header, { ...claims, aud: [us, evil] }],
    [header, { ...claims, exp: 1 }],
    [{ ...header, alg: 'HS256' }, claims],
    [{ ...header, alg: 'none' }, claims],
    [{ ...header, typ: 'dpop+jwt' }, claims],
  ] as const
  for (const [head, body] of tokens) {
    const result = await verifier.verify(signToken(key.privateKey, 'ES256', head, body), {
      issuers: (iss) => new Map([[publicIssuer, trusted]]).get(iss),
      audiences: [us],
    })
    assert.ok(!result.ok && result.reason === 'invalid', JSON.stringify([head, body]))
  }
  assert.deepEqual(published.asked, [])
  const sound = await verifier.verify(signToken(key.privateKey, 'ES256', header, claims), {
    issuers: () => trusted,
    audiences: [us],
  })
  assert.equal(sound.ok, true)
})
