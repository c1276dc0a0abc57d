import assert from 'node:assert/strict'
import { test } from 'node:test'
import { format, inspect } from 'node:util'
import { deserialize, serialize } from 'node:v8'
import { SecretText } from '../../src/vault/secret-text.ts'

const plaintext = 'railway-token-5e1a0c'

test('a secret does not print, whichever way it is printed', () => {
  const secret = SecretText.of(plaintext)
  // What a careless cast makes of it.
  const asText = secret as unknown as string
  const holder = { deep: { list: [secret] }, map: new Map([['k', secret]]) }
  const printed = [
    String(secret),
    `in a template: ${asText}`,
    'joined to ' + asText,
    [secret].join(),
    secret.toString(),
    JSON.stringify(secret),
    JSON.stringify(holder),
    inspect(secret),
    inspect(secret, { showHidden: true, customInspect: false, getters: true, depth: null }),
    inspect(holder, { showHidden: true, depth: null }),
    format('%s %o %O %j %d', secret, secret, secret, secret, secret),
    new Error('with cause', { cause: secret }).stack,
    inspect(new Error('with cause', { cause: secret })),
    Object.entries(secret).join(),
    Reflect.ownKeys(secret).join(),
    inspect(structuredClone(secret)),
    inspect(deserialize(serialize(secret))),
    inspect(Object.assign({}, secret)),
    Buffer.from(asText).toString('latin1'),
  ].join('\n')
  const hex = Buffer.from(plaintext).toString('hex')
  const base64 = Buffer.from(plaintext).toString('base64')
  const spaced = hex.replace(/..(?=.)/g, '$& ')
  for (const form of [plaintext, hex, base64, spaced])
    assert.equal(printed.includes(form), false, form)
  assert.equal(JSON.stringify({ secret }), '{"secret":"[redacted]"}')
  assert.equal(`${inspect(secret)} ${secret.toString()}`, '[redacted] [redacted]')
})

test('a secret opens by reveal, as text or as bytes', () => {
  const text = 'pässwörd 🔑'
  assert.equal(SecretText.of(text).reveal(), text)
  assert.deepEqual(SecretText.of(text).revealBytes(), Buffer.from(text))
  assert.equal(SecretText.of('').reveal(), '')
})

test('bytes that a secret takes over are zeroed where they were', () => {
  const bytes = Buffer.from(plaintext)
  assert.equal(SecretText.take(bytes).reveal(), plaintext)
  assert.deepEqual(bytes, Buffer.alloc(bytes.length))
})

test('a secret lies in memory of its own, not in the pool that other buffers share', () => {
  const { buffer } = SecretText.of(plaintext).revealBytes()
  assert.equal(buffer.byteLength, plaintext.length)
  assert.equal(
    SecretText.take(Buffer.from(plaintext)).revealBytes().buffer.byteLength,
    plaintext.length,
  )
})

test('disposing zeroes the secret and closes it for good', () => {
  const secret = SecretText.of(plaintext)
  const bytes = secret.revealBytes()
  secret.dispose()
  secret.dispose()
  assert.deepEqual(bytes, Buffer.alloc(bytes.length))
  assert.throws(() => secret.reveal(), /disposed/)
  assert.throws(() => secret.revealBytes(), /disposed/)
})

test('secrets are compared by content', () => {
  const secret = SecretText.of(plaintext)
  assert.equal(secret.equals(SecretText.of(plaintext)), true)
  assert.equal(secret.equals(SecretText.of(plaintext.toUpperCase())), false)
  assert.equal(secret.equals(SecretText.of(`${plaintext}0`)), false)
})
