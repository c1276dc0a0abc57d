import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { inspect } from 'node:util'
import { createKekFile, readKekFile } from '../../src/vault/kek-file.ts'
import { kekFromBytes } from '../../src/vault/kek-key.ts'
import { kekFromPassphrase, newPassphraseParameters } from '../../src/vault/kek-passphrase.ts'
import {
  generateKekText,
  kekCheck,
  kekFromText,
  rewrapKekCheck,
  verifyKek,
  type Kek,
} from '../../src/vault/kek.ts'
import { SecretText } from '../../src/vault/secret-text.ts'

async function directory(t: TestContext): Promise<string> {
  const path = await fs.mkdtemp(join(tmpdir(), 'vk-kek-'))
  t.after(() => fs.rm(path, { recursive: true, force: true }))
  return path
}

function opened(result: { ok: boolean; kek?: Kek; detail?: string }): Kek {
  assert.ok(result.kek !== undefined, result.detail)
  return result.kek
}

test('a key wraps data keys so that only it, with the same associated data, unwraps them', async () => {
  const kek = kekFromBytes(randomBytes(32))
  const dataKey = randomBytes(32)
  const wrapped = await kek.wrap(dataKey, Buffer.from('row'))
  assert.deepEqual(await kek.unwrap(wrapped, Buffer.from('row')), dataKey)
  assert.equal(await kek.unwrap(wrapped, Buffer.from('other row')), undefined)
  assert.equal(await kekFromBytes(randomBytes(32)).unwrap(wrapped, Buffer.from('row')), undefined)
  assert.equal(await kek.unwrap(wrapped.subarray(1), Buffer.from('row')), undefined)
  assert.notDeepEqual(await kek.wrap(dataKey, Buffer.from('row')), wrapped)
})

test('a key’s id is the same each time, another for another key, and not part of the key', () => {
  const secret = randomBytes(32)
  const { id } = kekFromBytes(Buffer.from(secret))
  assert.match(id, /^[0-9a-f]{32}$/)
  assert.equal(kekFromBytes(Buffer.from(secret)).id, id)
  assert.notEqual(kekFromBytes(randomBytes(32)).id, id)
  assert.equal(secret.includes(Buffer.from(id, 'hex')), false)
})

test('a key takes its bytes over, prints nothing of them, and is gone when destroyed', async () => {
  const secret = randomBytes(32)
  const copy = Buffer.from(secret)
  const kek = kekFromBytes(secret)
  assert.deepEqual(secret, Buffer.alloc(32))
  const printed = inspect(kek, { showHidden: true, depth: null }) + JSON.stringify(kek)
  for (const form of ['hex', 'base64', 'base64url'] as const)
    assert.equal(printed.includes(copy.toString(form)), false)
  kek.destroy()
  kek.destroy()
  await assert.rejects(kek.wrap(randomBytes(32), Buffer.alloc(0)), /destroyed/)
  await assert.rejects(kek.unwrap(Buffer.alloc(60), Buffer.alloc(0)), /destroyed/)
})

test('a key in text form is read in its one spelling only', () => {
  const text = generateKekText()
  assert.match(text, /^valetkey-kek-1:[A-Za-z0-9_-]{43}$/)
  const { id } = opened(kekFromText(`${text}\n`, 'here'))
  assert.equal(opened(kekFromText(text, 'here')).id, id)
  const encoded = text.slice('valetkey-kek-1:'.length)
  const last = encoded.at(-1) ?? ''
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const sibling = alphabet[alphabet.indexOf(last) ^ 1] ?? ''
  for (const wrong of [
    '',
    encoded,
    `valetkey-kek-2:${encoded}`,
    `${text}A`,
    `${text}=`,
    text.slice(0, -1),
    `${text.slice(0, -1)}${sibling}`,
    `${text.slice(0, 20)} ${text.slice(20)}`,
    `${text}\n${text}`,
  ]) {
    const result = kekFromText(wrong, 'the variable')
    assert.equal(!result.ok && result.reason, 'malformed', wrong)
    const detail = result.ok ? '' : result.detail
    assert.match(detail, /^the variable/)
    assert.equal(detail.includes(encoded.slice(0, 20)), false)
  }
})

test('a key file is made once, private and whole, and read again as the same key', async (t) => {
  const before = process.umask(0)
  t.after(() => process.umask(before))
  const path = join(await directory(t), 'kek')
  assert.equal(await readKekFile(path).then((result) => !result.ok && result.reason), 'missing')
  const made = await createKekFile(path)
  assert.ok(made.ok)
  assert.equal((await fs.stat(path)).mode & 0o777, 0o600)
  assert.equal(opened(await readKekFile(path)).id, made.kek.id)
  assert.deepEqual(await createKekFile(path), { ok: false, reason: 'exists' })
  assert.equal(opened(await readKekFile(path)).id, made.kek.id)
  assert.deepEqual(await fs.readdir(join(path, '..')), ['kek'])
})

test('of several that make the key file at once, one does, and all read its key', async (t) => {
  const path = join(await directory(t), 'kek')
  const results = await Promise.all(Array.from({ length: 8 }, () => createKekFile(path)))
  assert.equal(results.filter(({ ok }) => ok).length, 1)
  const made = results.find((result) => result.ok)
  assert.equal(opened(await readKekFile(path)).id, made?.kek.id)
})

test('a key file that cannot be made is a refusal', async (t) => {
  const path = join(await directory(t), 'missing', 'kek')
  const result = await createKekFile(path)
  assert.equal(!result.ok && result.reason, 'permissions')
})

test('a passphrase gives the same key with the same parameters, and another with any other', async () => {
  const parameters = newPassphraseParameters()
  const derive = async (text: string, changed = {}) =>
    opened(await kekFromPassphrase(SecretText.of(text), { ...parameters, ...changed })).id
  const id = await derive('correct horse é')
  // As a row of the database gives it back; and composed and decomposed, as two keyboards type it.
  assert.equal(await derive('correct horse e\u0301', JSON.parse(JSON.stringify(parameters))), id)
  assert.notEqual(await derive('correct horse e'), id)
  assert.notEqual(await derive('correct horse é', { timeCost: 4 }), id)
  assert.notEqual(await derive('correct horse é', newPassphraseParameters()), id)
})

test('an empty and an endless passphrase are refused', async () => {
  for (const text of ['', 'x'.repeat(1025)]) {
    const result = await kekFromPassphrase(SecretText.of(text), newPassphraseParameters())
    assert.equal(!result.ok && result.reason, 'malformed')
  }
})

test('the check tells the right key from a wrong one, also after a rotation', async () => {
  const [kek, other] = [kekFromBytes(randomBytes(32)), kekFromBytes(randomBytes(32))]
  const check = await kekCheck(kek)
  assert.equal(await verifyKek(kek, check), true)
  assert.equal(await verifyKek(other, check), false)
  const damaged = Buffer.from(check)
  damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1
  assert.equal(await verifyKek(kek, damaged), false)
  assert.equal(await verifyKek(kek, Buffer.alloc(0)), false)
  const rotated = await rewrapKekCheck(check, kek, other)
  assert.ok(rotated.ok)
  assert.equal(await verifyKek(other, rotated.sealed), true)
  assert.equal(await verifyKek(kek, rotated.sealed), false)
})
