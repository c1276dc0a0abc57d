import { test } from 'node:test'
import assert from 'node:assert/strict'
import { newId, type AgentId } from '../../src/ids.ts'
import { verifyClientAssertion } from '../../src/capability/client-assertion.ts'
import {
  assertionClaims,
  assertionOf,
  newTestKey,
  publicUrl,
  signed,
  type TestAlgorithm,
} from '../support/client-assertion.ts'
import { registered } from './assertion-key.ts'

const agent = newId('agent')
const now = 1_800_000_000_000

async function verdictOf(
  assertion: string,
  keys: Awaited<ReturnType<typeof registered>>[],
  at = now,
) {
  return verifyClientAssertion(assertion, {
    issuer: publicUrl,
    now: at,
    keysOf: (id: AgentId) => Promise.resolve(id === agent ? keys : []),
  })
}

test('an assertion by a registered key of each kind is good, and says what must be used up', async () => {
  for (const algorithm of ['EdDSA', 'ES256', 'PS256', 'RS256'] satisfies TestAlgorithm[]) {
    const key = newTestKey(algorithm, 'laptop')
    const known = await registered(key)
    const jti = `jti of ${algorithm}`
    for (const kid of [undefined, 'laptop', known.thumbprint]) {
      const assertion = assertionOf(key, agent, { now, header: { kid }, claims: { jti } })
      const verdict = await verdictOf(assertion, [known])
      assert.ok(verdict.ok, `${algorithm} ${String(kid)}`)
      assert.deepEqual(
        [verdict.agentId, verdict.key.id, verdict.jti, verdict.expiresAt],
        [agent, known.id, jti, now + 60_000],
      )
    }
  }
})

test('Ed25519 goes by either of its names (RFC 9864), and typ may be the old one or left out', async () => {
  const key = newTestKey()
  const known = await registered(key)
  for (const alg of ['EdDSA', 'Ed25519'])
    for (const typ of ['JWT', 'client-authentication+jwt', undefined]) {
      const verdict = await verdictOf(assertionOf(key, agent, { now, header: { alg, typ } }), [
        known,
      ])
      assert.ok(verdict.ok, `${alg} ${String(typ)}`)
    }
})

test('of several keys one is meant: by its kid, or because it alone is of that kind', async () => {
  const [a, b, rsa] = [newTestKey('EdDSA', 'a'), newTestKey('EdDSA', 'b'), newTestKey('PS256')]
  const keys = await Promise.all([a, b, rsa].map(registered))
  const ok = async (assertion: string): Promise<boolean> => (await verdictOf(assertion, keys)).ok
  assert.equal(await ok(assertionOf(a, agent, { now, header: { kid: 'a' } })), true)
  assert.equal(await ok(assertionOf(b, agent, { now, header: { kid: 'b' } })), true)
  assert.equal(await ok(assertionOf(rsa, agent, { now })), true)
  assert.equal(await ok(assertionOf(a, agent, { now, header: { kid: 'b' } })), false)
  assert.equal(await ok(assertionOf(a, agent, { now, header: { kid: 'c' } })), false)
  assert.equal(await ok(assertionOf(a, agent, { now })), false, 'either could be meant')
})

test('its times are looked at to the millisecond, with room for clocks that are ahead', async () => {
  const key = newTestKey()
  const keys = [await registered(key)]
  const at = now / 1000
  const cases: readonly (readonly [Record<string, unknown>, boolean])[] = [
    [{ exp: at + 300 }, true],
    [{ exp: at + 330, iat: at + 30 }, true],
    [{ exp: at + 331, iat: undefined }, false],
    [{ exp: at + 86_400, iat: undefined }, false],
    [{ exp: at, iat: at - 60 }, false],
    [{ exp: at + 0.001 }, true],
    [{ exp: at - 1 }, false],
    [{ exp: undefined }, false],
    [{ exp: String(at + 60) }, false],
    [{ exp: [at + 60] }, false],
    [{ exp: 1e300 }, false],
    [{ iat: at + 30 }, true],
    [{ iat: at + 31 }, false],
    [{ iat: 'now' }, false],
    [{ iat: null }, false],
    [{ iat: undefined, nbf: undefined }, true],
    [{ nbf: at + 31 }, false],
    [{ nbf: '0' }, false],
    // Made long ago to be used now.
    [{ iat: at - 241 }, false],
    [{ iat: at - 240 }, true],
  ]
  for (const [claims, good] of cases) {
    const verdict = await verdictOf(assertionOf(key, agent, { now, claims }), keys)
    assert.equal(verdict.ok, good, JSON.stringify(claims))
  }
})

test('a jti is a text of some length, and not of any', async () => {
  const key = newTestKey()
  const keys = [await registered(key)]
  for (const [jti, good] of [
    ['a', true],
    ['j'.repeat(256), true],
    ['j'.repeat(257), false],
    ['', false],
    [undefined, false],
    [7, false],
    [['a'], false],
  ] as const) {
    const verdict = await verdictOf(assertionOf(key, agent, { now, claims: { jti } }), keys)
    assert.equal(verdict.ok, good, JSON.stringify(jti))
  }
})

test('what an agent’s own key signed is told what is wrong with it; others are told nothing', async () => {
  const key = newTestKey()
  const keys = [await registered(key)]
  const own = await verdictOf(assertionOf(key, agent, { now, claims: { aud: 'https://a' } }), keys)
  assert.ok(!own.ok && own.detail?.includes(publicUrl))
  const stranger = assertionOf(newTestKey(), agent, { now })
  const unknown = assertionOf(key, newId('agent'), { now })
  for (const assertion of [stranger, unknown])
    assert.deepEqual(await verdictOf(assertion, keys), { ok: false })
})

test('claims that mean nothing here are left aside, and what is too long is not read', async () => {
  const key = newTestKey()
  const keys = [await registered(key)]
  const header = { alg: 'EdDSA' }
  const more = { ...assertionClaims(agent, now), scope: 'everything', admin: true }
  assert.ok((await verdictOf(signed(key, header, more), keys)).ok)
  const long = { ...more, filler: 'x'.repeat(8_192) }
  assert.equal((await verdictOf(signed(key, header, long), keys)).ok, false)
})
