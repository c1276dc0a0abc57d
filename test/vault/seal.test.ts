import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { decrypt, encodeFields, encrypt } from '../../src/vault/kek-aead.ts'
import { kekFromBytes, type Kek } from '../../src/vault/kek-key.ts'
import { open, parseSealed, rewrap, seal, type Associated } from '../../src/vault/seal.ts'
import { SecretText } from '../../src/vault/secret-text.ts'

const newKek = (): Kek => kekFromBytes(randomBytes(32))
const row: Associated = {
  table: 'credential_version',
  id: 'cred_1',
  provider: 'railway',
  environment: 'env_1',
  version: 1,
}

const anyRow: fc.Arbitrary<Associated> = fc.record(
  {
    table: fc.string({ unit: 'grapheme' }),
    id: fc.string({ unit: 'grapheme' }),
    provider: fc.string(),
    environment: fc.string(),
    version: fc.maxSafeNat(),
  },
  { requiredKeys: ['id', 'provider', 'environment', 'version'] },
)

async function revealed(sealed: Uint8Array, kek: Kek, associated: Associated): Promise<string> {
  const opened = await open(sealed, kek, associated)
  return opened.ok ? opened.secret.reveal() : opened.error
}

test('whatever is sealed opens again, with the same key and the same row', async () => {
  const kek = newKek()
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), anyRow, async (bytes, associated) => {
      const sealed = await seal(SecretText.take(Buffer.from(bytes)), kek, associated)
      const opened = await open(sealed, kek, associated)
      assert.ok(opened.ok)
      assert.deepEqual(opened.secret.revealBytes(), Buffer.from(bytes))
      assert.equal(parseSealed(sealed)?.kekId, kek.id)
    }),
  )
})

test('no bit of a sealed value can be flipped, none of its bytes be cut off or added', async () => {
  const kek = newKek()
  const sealed = await seal(SecretText.of('token'), kek, row)
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const changed = Buffer.from(sealed)
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    assert.equal((await open(changed, kek, row)).ok, false, `bit ${bit}`)
  }
  for (let length = 0; length < sealed.length; length++) {
    assert.equal((await open(sealed.subarray(0, length), kek, row)).ok, false, `length ${length}`)
  }
  assert.equal((await open(Buffer.concat([sealed, Buffer.of(0)]), kek, row)).ok, false)
})

test('any bytes at all are refused as a value, never by an exception', async () => {
  const kek = newKek()
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (bytes, begun) => {
      if (begun && bytes.length > 0) bytes[0] = 1
      assert.equal((await open(bytes, kek, row)).ok, false)
      assert.equal((await rewrap(bytes, kek, kek, row)).ok, false)
    }),
  )
})

test('a value sealed for one row opens for no other', async () => {
  const kek = newKek()
  await fc.assert(
    fc.asyncProperty(anyRow, anyRow, async (one, other) => {
      fc.pre(JSON.stringify(one) !== JSON.stringify(other))
      const sealed = await seal(SecretText.of('token'), kek, one)
      assert.equal(await revealed(sealed, kek, other), 'tampered')
    }),
  )
  const sealed = await seal(SecretText.of('token'), kek, row)
  const { table: _, ...withoutTable } = row
  for (const other of [
    { ...row, table: 'signing_key' },
    { ...row, table: '' },
    withoutTable,
    { ...row, id: 'cred_2' },
    { ...row, provider: 'github' },
    { ...row, environment: 'env_2' },
    { ...row, version: 2 },
    // What is only joined differently is not the same.
    { ...row, provider: 'railwayenv', environment: '_1' },
    { ...row, id: 'cred_1railway', provider: '' },
  ]) {
    assert.equal(await revealed(sealed, kek, other), 'tampered', JSON.stringify(other))
  }
  assert.equal(await revealed(sealed, kek, { ...row }), 'token')
})

test('parts of two sealed values of two rows make no third that opens', async () => {
  const kek = newKek()
  const other = { ...row, id: 'cred_2' }
  const [a, b] = [
    await seal(SecretText.of('aaaaa'), kek, row),
    await seal(SecretText.of('bbbbb'), kek, other),
  ]
  let mixtures = 0
  for (let cut = 1; cut < a.length; cut++) {
    const mixed = Buffer.concat([a.subarray(0, cut), b.subarray(cut)])
    if (mixed.equals(a) || mixed.equals(b)) continue
    mixtures++
    assert.equal((await open(mixed, kek, row)).ok, false, `cut ${cut}`)
    assert.equal((await open(mixed, kek, other)).ok, false, `cut ${cut}`)
  }
  assert.ok(mixtures > 50)
})

test('the same secret sealed twice has nothing in common but its header', async () => {
  const kek = newKek()
  const [a, b] = [
    await seal(SecretText.of('token'), kek, row),
    await seal(SecretText.of('token'), kek, row),
  ]
  const [one, two] = [parseSealed(a), parseSealed(b)]
  assert.ok(one !== undefined && two !== undefined)
  for (const part of ['wrappedKey', 'nonce', 'tag', 'ciphertext'] as const) {
    assert.notDeepEqual(one[part], two[part], part)
  }
  assert.notDeepEqual(one.wrappedKey.subarray(0, 12), two.wrappedKey.subarray(0, 12))
})

test('each value has a data key of its own, which is erased once it is wrapped or unwrapped', async () => {
  const inner = newKek()
  const seen: { readonly held: Uint8Array; readonly was: string }[] = []
  const note = (held: Uint8Array) =>
    void seen.push({ held, was: Buffer.from(held).toString('hex') })
  // As a key that lives elsewhere would be attached.
  const kek: Kek = {
    ...inner,
    wrap(dataKey, associated) {
      note(dataKey)
      return inner.wrap(dataKey, associated)
    },
    async unwrap(wrapped, associated) {
      const dataKey = await inner.unwrap(wrapped, associated)
      if (dataKey !== undefined) note(dataKey)
      return dataKey
    },
  }
  const sealed = await seal(SecretText.of('token'), kek, row)
  await seal(SecretText.of('token'), kek, row)
  assert.equal(await revealed(sealed, kek, row), 'token')
  assert.equal((await rewrap(sealed, kek, newKek(), row)).ok, true)
  const [first, second, opened, rewrapped] = seen.map(({ was }) => was)
  assert.equal(first?.length, 64)
  assert.notEqual(first, second)
  assert.deepEqual([opened, rewrapped], [first, first])
  for (const { held } of seen) assert.deepEqual(Buffer.from(held), Buffer.alloc(32))
})

test('a tag that is cut short is refused, as a value', () => {
  const [key, nonce, associated] = [randomBytes(32), randomBytes(12), Buffer.alloc(0)]
  const { ciphertext, tag } = encrypt(key, nonce, Buffer.from('token'), associated)
  assert.deepEqual(decrypt(key, nonce, { ciphertext, tag }, associated), Buffer.from('token'))
  for (const length of [0, 4, 8, 12, 15]) {
    assert.equal(
      decrypt(key, nonce, { ciphertext, tag: tag.subarray(0, length) }, associated),
      undefined,
    )
  }
})

test('a sealed value holds its plaintext in no form', async () => {
  const secret = 'a-rather-long-provider-token'
  const sealed = await seal(SecretText.of(secret), newKek(), row)
  assert.equal(sealed.includes(secret), false)
})

test('another key opens nothing, and is told from a changed value', async () => {
  const [kek, other] = [newKek(), newKek()]
  const sealed = await seal(SecretText.of('token'), kek, row)
  assert.equal(await revealed(sealed, other, row), 'other_key')
  // A value relabelled as the other key's is no better.
  const relabelled = Buffer.from(sealed)
  relabelled.write(other.id, 2)
  assert.equal(await revealed(relabelled, other, row), 'tampered')
})

test('rewrapping moves a value to another key and leaves its ciphertext as it is', async () => {
  const [oldKek, newOne] = [newKek(), newKek()]
  const sealed = await seal(SecretText.of('token'), oldKek, row)
  const moved = await rewrap(sealed, oldKek, newOne, row)
  assert.ok(moved.ok)
  assert.equal(await revealed(moved.sealed, newOne, row), 'token')
  assert.equal(await revealed(moved.sealed, oldKek, row), 'other_key')
  const [before, after] = [parseSealed(sealed), parseSealed(moved.sealed)]
  assert.deepEqual(after?.ciphertext, before?.ciphertext)
  assert.deepEqual(after?.nonce, before?.nonce)
  assert.notDeepEqual(after?.wrappedKey, before?.wrappedKey)
  assert.deepEqual(await rewrap(sealed, oldKek, newOne, { ...row, id: 'cred_2' }), {
    ok: false,
    error: 'tampered',
  })
  assert.deepEqual(await rewrap(sealed, newOne, oldKek, row), { ok: false, error: 'other_key' })
})

test('rewrapping needs no more than the data key: what cannot be decrypted is rewrapped all the same', async () => {
  const [oldKek, newOne] = [newKek(), newKek()]
  const sealed = await seal(SecretText.of('token'), oldKek, row)
  sealed[sealed.length - 1] = (sealed.at(-1) ?? 0) ^ 1
  const moved = await rewrap(sealed, oldKek, newOne, row)
  assert.ok(moved.ok)
  assert.equal(await revealed(moved.sealed, newOne, row), 'tampered')
})

test('associated data that could mean two things is a mistake, not a sealed value', async () => {
  const kek = newKek()
  const secret = SecretText.of('token')
  await assert.rejects(seal(secret, kek, { ...row, id: '\ud800' }), TypeError)
  for (const version of [-1, 1.5, Number.NaN, 2 ** 60]) {
    await assert.rejects(seal(secret, kek, { ...row, version }), RangeError)
  }
})

test('different lists of fields are never the same bytes', () => {
  const field = fc.option(fc.string({ maxLength: 4 }), { nil: undefined })
  fc.assert(
    fc.property(fc.array(field), fc.array(field), (a, b) => {
      const same = a.length === b.length && a.every((value, index) => value === b[index])
      assert.equal(encodeFields(a).equals(encodeFields(b)), same)
    }),
  )
  assert.notDeepEqual(encodeFields(['ab', 'c']), encodeFields(['a', 'bc']))
  assert.notDeepEqual(encodeFields([undefined]), encodeFields(['']))
})

type Vectors = {
  readonly testGroups: readonly {
    readonly keySize: number
    readonly ivSize: number
    readonly tagSize: number
    readonly tests: readonly {
      readonly tcId: number
      readonly key: string
      readonly iv: string
      readonly aad: string
      readonly msg: string
      readonly ct: string
      readonly tag: string
      readonly result: 'valid' | 'invalid'
    }[]
  }[]
}

const vectorsFile = new URL('../../../shared/vectors/wycheproof-aes_gcm_test.json', import.meta.url)
const skip = existsSync(vectorsFile)
  ? false
  : 'the Wycheproof vectors (../shared/vectors) are not here'

test(
  'the cipher gives what Wycheproof’s AES-GCM vectors say, for the sizes the vault uses',
  { skip },
  () => {
    const { testGroups } = JSON.parse(readFileSync(vectorsFile, 'utf8')) as Vectors
    const hex = (text: string) => Buffer.from(text, 'hex')
    const counts = { valid: 0, invalid: 0, refused: 0 }
    for (const { keySize, ivSize, tagSize, tests } of testGroups) {
      const ours = keySize === 256 && ivSize === 96 && tagSize === 128
      for (const { tcId, result, ...parts } of tests) {
        const [key, iv, aad, msg] = [hex(parts.key), hex(parts.iv), hex(parts.aad), hex(parts.msg)]
        const sealed = { ciphertext: hex(parts.ct), tag: hex(parts.tag) }
        const opened = decrypt(key, iv, sealed, aad)
        if (!ours) {
          assert.equal(opened, undefined, `tcId ${tcId}`)
          assert.throws(() => encrypt(key, iv, msg, aad), RangeError)
          counts.refused++
        } else if (result === 'valid') {
          assert.deepEqual(opened, msg, `tcId ${tcId}`)
          assert.deepEqual(encrypt(key, iv, msg, aad), sealed, `tcId ${tcId}`)
          counts.valid++
        } else {
          assert.equal(opened, undefined, `tcId ${tcId}`)
          counts.invalid++
        }
      }
    }
    assert.ok(
      counts.valid > 20 && counts.invalid > 20 && counts.refused > 20,
      JSON.stringify(counts),
    )
  },
)
