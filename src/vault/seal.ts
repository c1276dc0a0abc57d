/**
 * Envelope encryption of one secret for one row. Guarantees, against whoever can read and write the database but has
 * not the key-encryption key: a sealed value tells nothing but its length and its key's fingerprint, cannot be changed
 * in any bit, and opens only with the associated data it was sealed with, so that one row's value moved into another
 * row (another credential, provider, environment or version) does not open there. Putting back an older value of the
 * very same row and version is the one thing this does not detect.
 *
 * Bytes: format (1) | length of the key's id (1) | id | length of the wrapped data key (2) | wrapped data key |
 * nonce (12) | tag (16) | ciphertext.
 */
import { randomBytes } from 'node:crypto'
import { decrypt, encodeFields, encrypt, keyLength, nonceLength, tagLength } from './kek-aead.ts'
import type { Kek } from './kek-key.ts'
import { SecretText } from './secret-text.ts'

const format = 1

/** What a sealed value belongs to. Every field must be the same when it is opened. */
export type Associated = {
  /** The table, where secrets of several kinds share one shape of id. */
  readonly table?: string
  readonly id: string
  readonly provider: string
  readonly environment: string
  /** Of the secret within its row: a whole number, from 0. */
  readonly version: number
  /** What may be done with the secret, in one spelling: whoever changes it in the database makes the value unopenable. */
  readonly purpose?: string
}

export type Sealed = {
  readonly format: 1
  readonly kekId: string
  readonly wrappedKey: Buffer
  readonly nonce: Buffer
  readonly tag: Buffer
  readonly ciphertext: Buffer
}

/**
 * `malformed`: no sealed value. `other_key`: sealed under another key-encryption key, or what names the key was
 * changed. `tampered`: some bit, or the row it stands in, is not what was sealed.
 */
export type OpenError = 'malformed' | 'other_key' | 'tampered'
export type Opened =
  | { readonly ok: true; readonly secret: SecretText }
  | { readonly ok: false; readonly error: OpenError }
export type Rewrapped =
  { readonly ok: true; readonly sealed: Buffer } | { readonly ok: false; readonly error: OpenError }

/** Seals a secret, under a fresh data key. The secret stays with the caller, who disposes of it. */
export async function seal(
  plaintext: SecretText,
  kek: Kek,
  associated: Associated,
): Promise<Buffer> {
  const dataKey = randomBytes(keyLength)
  try {
    const nonce = randomBytes(nonceLength)
    const encrypted = encrypt(dataKey, nonce, plaintext.revealBytes(), encode('data', associated))
    const wrappedKey = await kek.wrap(dataKey, encode('key', associated))
    return serialise({ format, kekId: kek.id, wrappedKey, nonce, ...encrypted })
  } finally {
    dataKey.fill(0)
  }
}

/** Opens a sealed value. The caller disposes of the secret. */
export async function open(bytes: Uint8Array, kek: Kek, associated: Associated): Promise<Opened> {
  const unwrapped = await unwrap(bytes, kek, associated)
  if (!unwrapped.ok) return unwrapped
  const { sealed, dataKey } = unwrapped
  try {
    const plaintext = decrypt(dataKey, sealed.nonce, sealed, encode('data', associated))
    if (plaintext === undefined) return { ok: false, error: 'tampered' }
    return { ok: true, secret: SecretText.take(plaintext) }
  } finally {
    dataKey.fill(0)
  }
}

/**
 * The same sealed value under another key-encryption key. Only the data key is unwrapped and wrapped again: the
 * plaintext is not opened, so that rotation can run without ever holding it. A changed ciphertext is therefore not
 * noticed here; it still fails to open afterwards.
 */
export async function rewrap(
  bytes: Uint8Array,
  oldKek: Kek,
  newKek: Kek,
  associated: Associated,
): Promise<Rewrapped> {
  const unwrapped = await unwrap(bytes, oldKek, associated)
  if (!unwrapped.ok) return unwrapped
  const { sealed, dataKey } = unwrapped
  try {
    const wrappedKey = await newKek.wrap(dataKey, encode('key', associated))
    return { ok: true, sealed: serialise({ ...sealed, kekId: newKek.id, wrappedKey }) }
  } finally {
    dataKey.fill(0)
  }
}

type Unwrapped =
  | { readonly ok: true; readonly sealed: Sealed; readonly dataKey: Buffer }
  | { readonly ok: false; readonly error: OpenError }

async function unwrap(bytes: Uint8Array, kek: Kek, associated: Associated): Promise<Unwrapped> {
  const sealed = parseSealed(bytes)
  if (sealed === undefined) return { ok: false, error: 'malformed' }
  if (sealed.kekId !== kek.id) return { ok: false, error: 'other_key' }
  const dataKey = await kek.unwrap(sealed.wrappedKey, encode('key', associated))
  if (dataKey === undefined) return { ok: false, error: 'tampered' }
  return { ok: true, sealed, dataKey }
}

/** `layer` keeps a wrapped key from ever passing for a ciphertext. */
function encode(layer: 'data' | 'key', associated: Associated): Buffer {
  const { table, id, provider, environment, version, purpose } = associated
  if (!Number.isSafeInteger(version) || version < 0)
    throw new RangeError('a version is a whole number from 0')
  return encodeFields([
    `valetkey seal ${format} ${layer}`,
    table,
    id,
    provider,
    environment,
    String(version),
    // A list of another length is never the same bytes: what was sealed without a purpose opens with none.
    ...(purpose === undefined ? [] : [purpose]),
  ])
}

function serialise(sealed: Sealed): Buffer {
  const id = Buffer.from(sealed.kekId, 'latin1')
  if (!/^[\x21-\x7e]{1,200}$/.test(sealed.kekId))
    throw new RangeError('a key id is 1 to 200 bytes of ASCII')
  if (sealed.wrappedKey.length > 0xffff)
    throw new RangeError('a wrapped key has at most 65535 bytes')
  const length = Buffer.alloc(2)
  length.writeUInt16BE(sealed.wrappedKey.length)
  return Buffer.concat([
    Buffer.of(format, id.length),
    id,
    length,
    sealed.wrappedKey,
    sealed.nonce,
    sealed.tag,
    sealed.ciphertext,
  ])
}

/** Reads the parts of a sealed value; undefined where it is none. Nothing is opened: `kekId` is not yet to be believed. */
export function parseSealed(bytes: Uint8Array): Sealed | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let offset = 0
  const take = (length: number): Buffer => buffer.subarray(offset, (offset += length))
  if (buffer.length < 2 || buffer[0] !== format) return undefined
  offset = 2
  const id = take(buffer[1] ?? 0)
  if (buffer.length < offset + 2) return undefined
  const wrappedKey = take(take(2).readUInt16BE())
  const nonce = take(nonceLength)
  const tag = take(tagLength)
  if (offset > buffer.length || id.length === 0) return undefined
  return {
    format,
    kekId: id.toString('latin1'),
    wrappedKey,
    nonce,
    tag,
    ciphertext: take(Infinity),
  }
}
