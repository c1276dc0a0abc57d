import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { secretParts } from '../../src/minting/secret-parts.ts'
import { createScrubber } from '../../src/proxy/scrub.ts'

test('of a JSON object, what is called a key, a token, a secret or a password', () => {
  const parts = secretParts(
    JSON.stringify({
      type: 'authorized_user',
      client_id: '1234567890.apps.example',
      client_secret: 'secret-secret',
      refresh_token: 'refresh-refresh',
      token_uri: 'https://login.example/token',
      private_key_id: 'a-key-id-which-is-public',
      nested: { password: 'pass-pass-pass' },
    }),
  )
  assert.deepEqual(parts, ['secret-secret', 'refresh-refresh', 'pass-pass-pass'])
})

test('of a key file, the key: another’s public key, or the words around one, are left alone', () => {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 })
  for (const type of ['pkcs1', 'pkcs8'] as const) {
    const pem = pair.privateKey.export({ type, format: 'pem' }) as string
    for (const secret of [pem, JSON.stringify({ private_key: pem, client_email: 'a@b.example' })]) {
      const scrubber = createScrubber(secretParts(secret))
      const harmless = Buffer.from(
        `-----BEGIN RSA PRIVATE KEY-----\n${String(other.publicKey.export({ type: 'spki', format: 'pem' }))}`,
      )
      assert.equal(scrubber.body(harmless), harmless)
      const lines = pem.trim().split('\n').slice(2, -2)
      for (const line of lines) {
        const clean = scrubber.body(Buffer.from(`{"echo":"${line}"}`)).toString()
        assert.equal(clean, '{"echo":"[redacted]"}')
      }
      const whole = scrubber.body(Buffer.from(JSON.stringify({ pem }))).toString()
      for (const line of lines) assert.ok(!whole.includes(line.slice(0, 12)), whole)
    }
  }
})

test('of the shortest key there is, all that is secret', () => {
  const { privateKey } = generateKeyPairSync('ed25519')
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const body = pem.split('\n')[1] ?? ''
  const scrubber = createScrubber(secretParts(pem))
  assert.equal(scrubber.body(Buffer.from(body.slice(22))).toString(), '[redacted]')
})

test('what has no form that is known is one secret, and so is what has no part that could be one', () => {
  assert.deepEqual(secretParts('workspace-token-1'), ['workspace-token-1'])
  assert.deepEqual(secretParts('{"id":"abcdefghijkl"}'), ['{"id":"abcdefghijkl"}'])
})
