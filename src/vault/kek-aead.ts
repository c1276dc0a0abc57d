/**
 * AES-256-GCM (NIST SP 800-38D) with the one choice of sizes that the vault uses: 256-bit keys, 96-bit nonces, 128-bit
 * tags. Others are not accepted: nonces of other lengths are hashed and can collide, and a short tag can be guessed.
 * And the one encoding of associated data, in which two different lists of fields are never the same bytes.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto'

export const keyLength = 32
export const nonceLength = 12
export const tagLength = 16

export type Encrypted = { readonly ciphertext: Buffer; readonly tag: Buffer }

/** Throws where the key or the nonce has another length: a mistake of ours. A nonce must be used once under one key. */
export function encrypt(
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  associated: Uint8Array,
): Encrypted {
  if (key.length !== keyLength) throw new RangeError('an AES-256 key has 32 bytes')
  if (nonce.length !== nonceLength) throw new RangeError('a nonce has 12 bytes')
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagLength })
  cipher.setAAD(associated)
  const first = cipher.update(plaintext)
  const last = cipher.final()
  return {
    ciphertext: last.length === 0 ? first : Buffer.concat([first, last]),
    tag: cipher.getAuthTag(),
  }
}

/** The plaintext, or undefined where anything at all does not fit: no reason is told, there is none to act on. */
export function decrypt(
  key: Uint8Array,
  nonce: Uint8Array,
  { ciphertext, tag }: { readonly ciphertext: Uint8Array; readonly tag: Uint8Array },
  associated: Uint8Array,
): Buffer | undefined {
  if (key.length !== keyLength || nonce.length !== nonceLength || tag.length !== tagLength)
    return undefined
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagLength })
  decipher.setAAD(associated)
  decipher.setAuthTag(tag)
  const plaintext = decipher.update(ciphertext)
  try {
    decipher.final()
    return plaintext
  } catch {
    // Not authentic: what was decrypted so far must not be seen by anyone.
    plaintext.fill(0)
    return undefined
  }
}

/**
 * Length-prefixed, so that `('ab', 'c')` and `('a', 'bc')` differ, and an absent field differs from an empty one.
 * Throws on a string with a lone surrogate: UTF-8 would turn two different ones into the same bytes.
 */
export function encodeFields(fields: readonly (string | undefined)[]): Buffer {
  const parts: Buffer[] = []
  for (const field of fields) {
    if (field === undefined) {
      parts.push(Buffer.of(0))
      continue
    }
    if (!field.isWellFormed()) throw new TypeError('associated data must be well-formed Unicode')
    const bytes = Buffer.from(field)
    const head = Buffer.alloc(5)
    head.writeUInt8(1, 0)
    head.writeUInt32BE(bytes.length, 1)
    parts.push(head, bytes)
  }
  return Buffer.concat(parts)
}
