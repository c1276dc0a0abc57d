/**
 * The forms in which a key-encryption key comes to the broker, and how the right one is told from a wrong one before
 * anything is sealed under it. Guarantees, against a mistyped passphrase or another installation's key: the broker
 * stays sealed, instead of sealing new secrets under a key that opens none of the old ones.
 *
 * `kek-file.ts` reads it from a file, `kek-passphrase.ts` derives it; `kekFromText` reads what an environment variable held.
 */
import { randomBytes } from 'node:crypto'
import { keyLength } from './kek-aead.ts'
import { kekFromBytes, type Kek } from './kek-key.ts'
import { open, rewrap, seal, type Associated, type Rewrapped } from './seal.ts'
import { SecretText } from './secret-text.ts'

export type { Kek } from './kek-key.ts'

export type KekRefusal = {
  readonly ok: false
  readonly reason: 'missing' | 'permissions' | 'malformed'
  /** A sentence for the operator. It holds nothing of the key. */
  readonly detail: string
}
export type KekOpened = { readonly ok: true; readonly kek: Kek }

const textPrefix = 'valetkey-kek-1:'

/** A new key in its text form: what a key file holds, and what the environment variable takes. */
export function generateKekText(): string {
  return `${textPrefix}${randomBytes(keyLength).toString('base64url')}`
}

/** Reads the text form; surrounding line breaks and blanks are not part of it. `where` names the source in a refusal. */
export function kekFromText(text: string, where: string): KekOpened | KekRefusal {
  const trimmed = text.trim()
  const encoded = trimmed.startsWith(textPrefix) ? trimmed.slice(textPrefix.length) : ''
  const bytes = Buffer.from(encoded, 'base64url')
  // Decoding skips what it does not know: only the one canonical spelling is accepted.
  if (bytes.length !== keyLength || bytes.toString('base64url') !== encoded) {
    bytes.fill(0)
    return {
      ok: false,
      reason: 'malformed',
      detail: `${where} does not hold a key: one line, "${textPrefix}" and 32 bytes in base64url`,
    }
  }
  return { ok: true, kek: kekFromBytes(bytes) }
}

const constant = 'valetkey kek check 1'
const checkAssociated: Associated = {
  table: 'key_encryption_key',
  id: 'check',
  provider: '',
  environment: '',
  version: 1,
}

/** A sealed constant, to be kept in the database beside what is sealed under the key. It is not secret. */
export function kekCheck(kek: Kek): Promise<Buffer> {
  return seal(SecretText.of(constant), kek, checkAssociated)
}

/** Whether `check` was made with this key. False also where the check is damaged. */
export async function verifyKek(kek: Kek, check: Uint8Array): Promise<boolean> {
  const opened = await open(check, kek, checkAssociated)
  if (!opened.ok) return false
  const right = opened.secret.equals(SecretText.of(constant))
  opened.secret.dispose()
  return right
}

/** The check under another key. */
export function rewrapKekCheck(check: Uint8Array, oldKek: Kek, newKek: Kek): Promise<Rewrapped> {
  return rewrap(check, oldKek, newKek, checkAssociated)
}
