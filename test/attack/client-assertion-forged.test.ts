/** Assertions that the agent's own key did not sign, or that choose how they are verified: none of them is the agent. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { verifyClientAssertion } from '../../src/capability/client-assertion.ts'
import { newId } from '../../src/ids.ts'
import { registered } from '../capability/assertion-key.ts'
import {
  assertionClaims,
  assertionOf,
  encode,
  macced,
  newTestKey,
  publicUrl,
  signatureOf,
  signed,
} from '../support/client-assertion.ts'

const now = 1_800_000_000_000
const agent = newId('agent')
const victim = newId('agent')
const key = newTestKey('EdDSA', 'own')
const rsaKey = newTestKey('RS256', 'rsa')
const pssKey = newTestKey('PS256', 'pss')
const victimKey = newTestKey('EdDSA', 'victim')
const keys = new Map([
  [agent, await Promise.all([key, rsaKey, pssKey].map(registered))],
  [victim, [await registered(victimKey)]],
])

async function whoIs(assertion: string): Promise<string> {
  const verdict = await verifyClientAssertion(assertion, {
    issuer: publicUrl,
    now,
    keysOf: (id) => Promise.resolve(keys.get(id) ?? []),
  })
  return verdict.ok ? verdict.agentId : 'nobody'
}

const header = { alg: 'EdDSA', kid: 'own', typ: 'client-authentication+jwt' }
const claims = assertionClaims(agent, now)

test('what the agent itself signed is good, so that what follows is refused for its own reason', async () => {
  assert.equal(await whoIs(signed(key, header, claims)), agent)
  assert.equal(await whoIs(assertionOf(rsaKey, agent, { now })), agent)
  assert.equal(await whoIs(assertionOf(pssKey, agent, { now })), agent)
})

test('alg none, in any letters, with a signature or without', async () => {
  for (const alg of ['none', 'None', 'NONE', '', null, undefined, ['EdDSA'], 0]) {
    const input = `${encode({ ...header, alg })}.${encode(claims)}`
    for (const signature of ['', 'AAAA', signatureOf(key, input).toString('base64url')])
      assert.equal(await whoIs(`${input}.${signature}`), 'nobody', JSON.stringify(alg))
  }
})

test('a MAC keyed with the public key, in each form that one is written down in', async () => {
  for (const { publicJwk } of [key, rsaKey]) {
    const publicKey = createPublicKey({ key: { ...publicJwk }, format: 'jwk' })
    const spellings = [
      publicKey.export({ format: 'pem', type: 'spki' }),
      publicKey.export({ format: 'der', type: 'spki' }),
      JSON.stringify(publicJwk),
      publicJwk['x'] ?? publicJwk['n'] ?? '',
      Buffer.from(publicJwk['x'] ?? publicJwk['n'] ?? '', 'base64url'),
      '',
    ]
    for (const secret of spellings)
      for (const alg of ['HS256', 'HS384', 'HS512', 'EdDSA', 'RS256'])
        assert.equal(
          await whoIs(macced(secret, { alg, kid: publicJwk['kid'] }, claims)),
          'nobody',
          alg,
        )
  }
})

test('an algorithm that is not the one of the key, even where the signature would be good under it', async () => {
  for (const [alg, by] of [
    ['PS256', rsaKey],
    ['RS256', pssKey],
    ['RS384', rsaKey],
    ['PS512', pssKey],
    ['ES256', key],
    ['EdDSA', rsaKey],
  ] as const) {
    const kid = by.publicJwk['kid']
    const head = { alg, kid }
    assert.equal(await whoIs(signed(by, head, claims)), 'nobody', alg)
    // Signed as the header says, with a key that is registered for another algorithm.
    if ((alg === 'PS256' || alg === 'RS256') && by !== key)
      assert.equal(await whoIs(signed({ ...by, algorithm: alg }, head, claims)), 'nobody', alg)
  }
})

test('a key that comes along, or that is to be fetched', async () => {
  const foreign = newTestKey()
  const jwk = foreign.publicJwk
  for (const extra of [
    { jwk },
    { jku: 'http://127.0.0.1:1/jwks.json' },
    { x5u: 'http://127.0.0.1:1/x' },
    { x5c: ['MIIB'] },
    { x5t: 'AAAA' },
    { 'x5t#S256': 'AAAA' },
    { crit: ['exp'], exp: 1 },
    { crit: [] },
    { b64: false, crit: ['b64'] },
    { zip: 'DEF' },
    { cty: 'JWT' },
    { __proto__x: 1 },
  ]) {
    assert.equal(await whoIs(signed(foreign, { ...header, ...extra }, claims)), 'nobody')
    assert.equal(
      await whoIs(signed(key, { ...header, ...extra }, claims)),
      'nobody',
      `${Object.keys(extra).join()} stands beside a good signature`,
    )
  }
  const ownKid = { ...header, kid: keys.get(agent)?.[0]?.thumbprint }
  assert.equal(await whoIs(signed(foreign, ownKid, claims)), 'nobody')
})

test('another agent’s key, a stranger’s key, and names that differ', async () => {
  const stranger = newTestKey('EdDSA', 'own')
  const as = (iss: unknown, sub: unknown): Record<string, unknown> => ({ ...claims, iss, sub })
  const victimHeader = { ...header, kid: 'victim' }
  for (const [what, assertion] of [
    ['a stranger’s key under a known kid', signed(stranger, header, claims)],
    ['the agent’s key for another agent', signed(key, victimHeader, as(victim, victim))],
    ['the agent’s key and kid for another', signed(key, header, as(victim, victim))],
    ['iss of one and sub of another', signed(key, header, as(agent, victim))],
    ['sub of one and iss of another', signed(key, header, as(victim, agent))],
    ['sub in a list', signed(key, header, as([agent], [agent]))],
    ['no iss', signed(key, header, as(undefined, agent))],
    ['no sub', signed(key, header, as(agent, undefined))],
    ['neither', signed(key, header, as(undefined, undefined))],
    ['the id in other letters', signed(key, header, as(agent.toUpperCase(), agent.toUpperCase()))],
    ['an id that is none', signed(key, header, as('__proto__', '__proto__'))],
    ['the id of a key', signed(key, header, as('own', 'own'))],
  ] as const)
    assert.equal(await whoIs(assertion), 'nobody', what)
})

test('what the same key signs for another purpose', async () => {
  for (const typ of ['dpop+jwt', 'at+jwt', 'jwt', 'JWS', 'application/JWT', '', null, ['JWT']])
    assert.equal(
      await whoIs(signed(key, { ...header, typ }, claims)),
      'nobody',
      JSON.stringify(typ),
    )
})

test('one assertion in another spelling, or changed by a single letter', async () => {
  const good = signed(key, header, claims)
  const [head = '', body = '', signature = ''] = good.split('.')
  // 64 octets are 86 letters, the last of which holds four bits that mean nothing.
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(signature.at(-1) ?? '')
  const twin = `${head}.${body}.${signature.slice(0, -1)}${alphabet[last + 1] ?? ''}`
  assert.deepEqual(
    Buffer.from(twin.split('.')[2] ?? '', 'base64url'),
    Buffer.from(signature, 'base64url'),
    'the twin decodes to the same bytes',
  )
  for (const spelling of [
    twin,
    `${good}=`,
    `${good}==`,
    `${good} `,
    `${good}\n`,
    `${head}.${body}.${signature.replaceAll('-', '+').replaceAll('_', '/')}~`,
    `${head}=.${body}.${signature}`,
    `${good}.`,
    `${good}.${signature}`,
    `${head}.${body}`,
    `${head}.${body}.`,
  ])
    assert.equal(await whoIs(spelling), 'nobody', spelling.slice(-12))
  for (let i = 0; i < good.length; i += 7) {
    const changed = `${good.slice(0, i)}${good[i] === 'A' ? 'B' : 'A'}${good.slice(i + 1)}`
    assert.equal(await whoIs(changed), 'nobody', `letter ${String(i)}`)
  }
})

test('a header or claims with the same member twice', async () => {
  const twice = JSON.stringify(claims).replace('{', `{"aud":"https://elsewhere.example",`)
  assert.equal(await whoIs(signed(key, header, twice)), 'nobody')
  const twoAlgs = JSON.stringify(header).replace('{', '{"alg":"none",')
  assert.equal(await whoIs(signed(key, twoAlgs, claims)), 'nobody')
})
