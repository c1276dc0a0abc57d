import { test } from 'node:test'
import assert from 'node:assert/strict'
import { createNonces } from '../../src/capability/dpop-nonce.ts'

const now = 1_800_000_000_000
const minute = 60_000
const secret = Buffer.alloc(32, 7)
const nonces = createNonces(() => secret)

function nonceAt(at: number): string {
  const nonce = nonces.current(at)
  assert.ok(nonce !== undefined)
  return nonce
}

test('a nonce is taken for some minutes, and its client is told the next one after the first', () => {
  const nonce = nonceAt(now)
  assert.equal(nonces.judge(nonce, now), 'fresh')
  assert.equal(nonces.judge(nonce, now + minute), 'old')
  assert.equal(nonces.judge(nonce, now + 5 * minute), 'old')
  assert.equal(nonces.judge(nonce, now + 6 * minute), 'refused')
  assert.notEqual(nonceAt(now + minute), nonce)
})

test('another replica, whose clock is a little ahead or behind, takes it', () => {
  const other = createNonces(() => Buffer.from(secret))
  assert.equal(other.judge(nonceAt(now + minute), now), 'fresh')
  assert.equal(other.judge(nonceAt(now - minute), now), 'old')
  assert.equal(other.judge(nonceAt(now + 2 * minute), now), 'refused')
})

test('what was made without the key, or spelled in another way, is refused', () => {
  const nonce = nonceAt(now)
  const bytes = Buffer.from(nonce, 'base64url')
  for (let i = 0; i < bytes.length; i++) {
    const changed = Buffer.from(bytes)
    changed[i] = (changed[i] ?? 0) ^ 1
    assert.equal(nonces.judge(changed.toString('base64url'), now), 'refused', String(i))
  }
  for (const other of ['', `${nonce}=`, ` ${nonce}`, `${nonce}A`, nonce.slice(0, -1), `${nonce}\n`])
    assert.equal(nonces.judge(other, now), 'refused')
  assert.equal(createNonces(() => Buffer.alloc(32, 8)).judge(nonce, now), 'refused')
})

test('a sealed broker gives none and takes none', () => {
  const sealed = createNonces(() => undefined)
  assert.equal(sealed.current(now), undefined)
  assert.equal(sealed.judge(nonceAt(now), now), 'refused')
})
