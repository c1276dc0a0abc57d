import { test } from 'node:test'
import assert from 'node:assert/strict'
import { issueCapability } from '../../src/capability/issue.ts'
import type { Kept } from '../../src/capability/handle.ts'
import type { Keyring } from '../../src/capability/keys.ts'
import { createCapabilityVerifier } from '../../src/capability/verify.ts'
import { newId } from '../../src/ids.ts'
import { testKeyring } from './keyring.ts'

const publicUrl = 'http://localhost:8474'
const now = 1_800_000_000_000

const unknown: Kept = { ok: false, reason: 'unknown' }

async function world(handles: Record<string, Kept> = {}) {
  const keyring = await testKeyring()
  const state: { keyring: Keyring | undefined; revoked: Set<string> } = {
    keyring,
    revoked: new Set(),
  }
  const verifier = createCapabilityVerifier({
    keyring: () => state.keyring,
    publicUrl,
    isRevoked: (id) => state.revoked.has(id),
    handles: { find: (handle) => Promise.resolve(handles[handle] ?? unknown) },
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

test('a handle says what was kept for it, and is revoked, expires and is sealed away all the same', async () => {
  const handles: Record<string, Kept> = {}
  const { verifier, issued, state } = await world(handles)
  const connection = {}
  handles['vkh_one'] = { ok: true, claims: issued.claims }
  assert.equal(verifier.cached('vkh_one', now, connection), undefined)
  assert.deepEqual(await verifier.verify('vkh_one', now), { ok: true, claims: issued.claims })
  delete handles['vkh_one']
  const code = (at = now) => {
    const hit = verifier.cached('vkh_one', at, connection)
    return hit === undefined || hit.ok ? hit?.ok : hit.refusal.code
  }
  assert.equal(code(), true)
  assert.equal(code(now + 60_000), 'capability_expired')
  state.revoked.add(issued.id)
  assert.equal(code(), 'capability_revoked')
  state.revoked.clear()
  state.keyring = undefined
  assert.equal(code(), 'capability_invalid')
  assert.equal(verifier.cached('vkh_One', now, connection), undefined)
})

test('a handle that says what no capability says is none', async () => {
  const handles: Record<string, Kept> = {}
  const { verifier, issued } = await world(handles)
  const { claims } = issued
  const wrong: Readonly<Record<string, unknown>> = {
    elsewhere: { ...claims, aud: 'https://other.example' },
    foreign: { ...claims, iss: 'https://other.example' },
    two: { ...claims, client_id: newId('agent') },
    early: { ...claims, iat: claims.iat + 31, exp: claims.exp + 31 },
    long: { ...claims, exp: claims.iat + 901 },
    more: { ...claims, limit: 'unknown' },
    none: null,
  }
  for (const [name, said] of Object.entries(wrong)) {
    handles[name] = { ok: true, claims: said }
    assert.equal((await verifier.verify(name, now)).ok, false, name)
    assert.equal(verifier.cached(name, now), undefined, name)
  }
})

test('a JWT is never looked for among the handles', async () => {
  const handles: Record<string, Kept> = {}
  const { verifier, issued } = await world(handles)
  const forged = `${issued.token.slice(0, -4)}AAAA`
  for (const token of [forged, 'a.b', 'vkh_a.b.c', '..']) {
    handles[token] = { ok: true, claims: issued.claims }
    assert.equal((await verifier.verify(token, now)).ok, false, token)
  }
})
