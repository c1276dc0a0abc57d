import { test } from 'node:test'
import assert from 'node:assert/strict'
import { issueCapability } from '../../src/capability/issue.ts'
import type { Keyring } from '../../src/capability/keys.ts'
import { createCapabilityVerifier } from '../../src/capability/verify.ts'
import { newId } from '../../src/ids.ts'
import { testKeyring } from './keyring.ts'

const publicUrl = 'http://localhost:8474'
const now = 1_800_000_000_000

async function world() {
  const keyring = await testKeyring()
  const state: { keyring: Keyring | undefined; revoked: Set<string> } = {
    keyring,
    revoked: new Set(),
  }
  const verifier = createCapabilityVerifier({
    keyring: () => state.keyring,
    publicUrl,
    isRevoked: (id) => state.revoked.has(id),
  })
  const issued = await issueCapability(keyring, publicUrl, {
    agentId: newId('agent'),
    grantId: newId('grant'),
    provider: 'railway',
    environmentId: newId('environment'),
    binding: 3,
    verbs: ['read', 'volumeCreate'],
    lifetime: 60,
    now,
  })
  return { state, verifier, issued, keyring }
}

test('a capability says what it was issued for, and nothing else', async () => {
  const { verifier, issued } = await world()
  const verified = await verifier.verify(issued.token, now)
  assert.ok(verified.ok)
  assert.deepEqual(verified.claims, issued.claims)
  assert.equal(verified.claims.exp - verified.claims.iat, 60)
  assert.equal(verified.claims.binding, 3)
  assert.deepEqual(verified.claims.authorization_details[0]?.verbs, ['read', 'volumeCreate'])
})

test('what was verified before is known by the whole token, and by nothing less', async () => {
  const { verifier, issued } = await world()
  const connection = {}
  assert.equal(verifier.cached(issued.token, now, connection), undefined)
  await verifier.verify(issued.token, now)
  assert.equal(verifier.cached(issued.token, now, connection)?.ok, true)
  const [head = '', body = ''] = issued.token.split('.')
  for (const other of [
    `${head}.${body}.`,
    `${head}.${body}.AAAA`,
    issued.token.slice(0, -1),
    issued.token.toUpperCase(),
    `${issued.token} `,
  ]) {
    assert.equal(verifier.cached(other, now), undefined)
    assert.equal(verifier.cached(other, now, connection), undefined)
    assert.equal((await verifier.verify(other, now)).ok, false)
  }
})

test('a refusal is not remembered as a yes', async () => {
  const { verifier, issued, state } = await world()
  state.revoked.add(issued.id)
  assert.equal((await verifier.verify(issued.token, now)).ok, false)
  assert.equal(verifier.cached(issued.token, now)?.ok, false)
})

test('what was verified before is revoked, expires and loses its key all the same', async () => {
  const { verifier, issued, state, keyring } = await world()
  const connection = {}
  const code = (at = now) => {
    const hit = verifier.cached(issued.token, at, connection)
    return hit === undefined || hit.ok ? hit?.ok : hit.refusal.code
  }
  await verifier.verify(issued.token, now)
  assert.equal(code(), true)
  assert.equal(code(now + 59_999), true)
  assert.equal(code(now + 60_000), 'capability_expired')
  state.revoked.add(issued.id)
  assert.equal(code(), 'capability_revoked')
  state.revoked.clear()
  state.keyring = { ...keyring, verification: () => undefined }
  assert.equal(code(), 'capability_invalid')
  state.keyring = undefined
  assert.equal(code(), 'capability_invalid')
  assert.equal((await verifier.verify(issued.token, now)).ok, false, 'a sealed broker knows no one')
})

test('on one connection each capability is itself, whichever came before', async () => {
  const { verifier, issued, state } = await world()
  const other = await world()
  const connection = {}
  await verifier.verify(issued.token, now)
  assert.equal(verifier.cached(issued.token, now, connection)?.claims?.jti, issued.id)
  assert.equal(verifier.cached(other.issued.token, now, connection), undefined)
  state.revoked.add(issued.id)
  assert.equal(verifier.cached(issued.token, now, connection)?.ok, false)
})
