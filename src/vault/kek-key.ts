/**
 * The key-encryption key: the one key that is never in the database. It wraps the data keys of sealed values and does
 * nothing else. Guarantees, against whoever reads the database or a backup of it: nothing sealed opens without this
 * key, and its `id` says which key that is without telling anything about it.
 *
 * Data keys are wrapped by AES-256-GCM under a random 96-bit nonce. SP 800-38D (section 8.3) allows 2^32 of those
 * under one key. Each sealing uses one: a thousand a second would use them up in fifty days, and what really happens,
 * a few a day, never does. A data key encrypts one plaintext.
 */
import { hkdfSync, randomBytes } from 'node:crypto'
import { decrypt, encodeFields, encrypt, keyLength, nonceLength, tagLength } from './kek-aead.ts'

/**
 * Anything that wraps data keys. The calls are asynchronous and the wrapped key is opaque, so that a key that lives in a
 * key management service or a security module can stand here.
 */
export type Kek = {
  /** Names the key: a fingerprint derived from it, in lower-case hexadecimal (or a KMS's own name), 1 to 200 bytes of ASCII. */
  readonly id: string
  /** `associated` must be given again to unwrap. Rejects where the key cannot be reached, or was destroyed. */
  wrap(dataKey: Uint8Array, associated: Uint8Array): Promise<Buffer>
  /** Undefined where the wrapped key is not authentic, or of another key. Rejects where the key cannot be reached, or was destroyed. */
  unwrap(wrapped: Uint8Array, associated: Uint8Array): Promise<Buffer | undefined>
  /** Erases the key from memory, as far as this process can. Idempotent. */
  destroy(): void
}

/** Takes 32 bytes over and zeroes them. */
export function kekFromBytes(secret: Buffer): Kek {
  if (secret.length !== keyLength) throw new RangeError('a key-encryption key has 32 bytes')
  // Two keys from one secret, so that the fingerprint, which is public, has nothing to do with the key that encrypts.
  const derive = (purpose: string, length: number) =>
    Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), `valetkey kek 1 ${purpose}`, length))
  const id = derive('fingerprint', 16).toString('hex')
  let key: Buffer | undefined = derive('wrap', keyLength)
  secret.fill(0)

  const bind = (associated: Uint8Array) =>
    Buffer.concat([encodeFields(['valetkey wrap 1', id]), associated])
  const present = (): Buffer => {
    if (key === undefined) throw new Error('the key-encryption key has been destroyed')
    return key
  }
  return {
    id,
    async wrap(dataKey, associated) {
      const nonce = randomBytes(nonceLength)
      const { ciphertext, tag } = encrypt(present(), nonce, dataKey, bind(associated))
      return Buffer.concat([nonce, tag, ciphertext])
    },
    async unwrap(wrapped, associated) {
      const secretKey = present()
      if (wrapped.length !== nonceLength + tagLength + keyLength) return undefined
      const nonce = wrapped.subarray(0, nonceLength)
      const tag = wrapped.subarray(nonceLength, nonceLength + tagLength)
      const ciphertext = wrapped.subarray(nonceLength + tagLength)
      return decrypt(secretKey, nonce, { ciphertext, tag }, bind(associated))
    },
    destroy() {
      key?.fill(0)
      key = undefined
    },
  }
}
