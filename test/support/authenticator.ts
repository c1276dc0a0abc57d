/**
 * A passkey in software, with the browser around it: makes registrations and assertions as the two would, and any one
 * thing in them wrong, as asked. What it signs is always a true signature over what it says, unless `signature` says
 * otherwise: a test that is refused is refused for the one thing.
 */
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import type { Assertion, Registration } from '../../src/approval/webauthn.ts'

export type Misbehaviour = {
  readonly type?: string
  readonly challenge?: string
  readonly origin?: string
  readonly crossOrigin?: boolean
  readonly topOrigin?: string
  readonly rpId?: string
  readonly userPresent?: boolean
  readonly userVerified?: boolean
  /** Backup state without eligibility. */
  readonly backupState?: boolean
  readonly counter?: number
  /** Signs with this key instead. */
  readonly key?: KeyObject
  readonly signature?: (good: Buffer) => Buffer
  /** The whole text of the client data. */
  readonly clientData?: string
  readonly authenticatorData?: (good: Buffer) => Buffer
  /** Of a registration. */
  readonly coseKey?: Buffer
  readonly attestation?: { readonly fmt: string; readonly attStmt: CborMap }
}

export type VirtualAuthenticator = {
  readonly credentialId: string
  readonly publicKey: Buffer
  readonly privateKey: KeyObject
  counter: number
  /** What the browser would send for these options of `create`. */
  register(options: { readonly challenge: string }, wrong?: Misbehaviour): FullRegistration
  /** What the browser would send for these options of `get`. */
  assert(options: { readonly challenge: string }, wrong?: Misbehaviour): FullAssertion
}

/** As a browser's `toJSON` writes them. */
export type FullRegistration = Registration & {
  readonly rawId: string
  readonly type: 'public-key'
  readonly clientExtensionResults: Record<string, unknown>
}
export type FullAssertion = Assertion & {
  readonly rawId: string
  readonly type: 'public-key'
  readonly clientExtensionResults: Record<string, unknown>
}

export function createAuthenticator(options: {
  /** PUBLIC_URL of the broker. */
  readonly origin: string
  readonly algorithm?: 'ES256' | 'EdDSA' | 'RS256'
  /** Synced passkeys do not count, and say 0. */
  readonly counts?: boolean
  /** How long its credential's id is. */
  readonly idBytes?: number
}): VirtualAuthenticator {
  const { origin } = options
  const algorithm = options.algorithm ?? 'ES256'
  const counts = options.counts ?? true
  const privateKey = newKey(algorithm)
  const publicKey = coseKeyOf(privateKey, algorithm)
  const credentialId = randomBytes(options.idBytes ?? 32)
  const id = credentialId.toString('base64url')
  const rpId = new URL(origin).hostname

  function clientData(type: string, challenge: string, wrong: Misbehaviour): Buffer {
    const { topOrigin } = wrong
    return Buffer.from(
      wrong.clientData ??
        JSON.stringify({
          type: wrong.type ?? type,
          challenge: wrong.challenge ?? challenge,
          origin: wrong.origin ?? origin,
          crossOrigin: wrong.crossOrigin ?? false,
          ...(topOrigin === undefined ? {} : { topOrigin }),
        }),
    )
  }

  function authenticatorData(wrong: Misbehaviour, attested: Buffer | undefined): Buffer {
    const data = Buffer.alloc(37)
    createHash('sha256')
      .update(wrong.rpId ?? rpId)
      .digest()
      .copy(data)
    data[32] =
      ((wrong.userPresent ?? true) ? 0x01 : 0) |
      ((wrong.userVerified ?? true) ? 0x04 : 0) |
      (counts ? 0 : 0x18) |
      (wrong.backupState === true ? 0x10 : 0) |
      (attested === undefined ? 0 : 0x40)
    data.writeUInt32BE(wrong.counter ?? authenticator.counter, 33)
    const good = attested === undefined ? data : Buffer.concat([data, attested])
    return wrong.authenticatorData?.(good) ?? good
  }

  const authenticator: VirtualAuthenticator = {
    credentialId: id,
    publicKey,
    privateKey,
    counter: 0,
    register({ challenge }, wrong = {}) {
      const length = Buffer.alloc(2)
      length.writeUInt16BE(credentialId.length)
      const attested = Buffer.concat([
        Buffer.alloc(16),
        length,
        credentialId,
        wrong.coseKey ?? publicKey,
      ])
      const attestationObject = cbor(
        new Map<CborKey, Cbor>([
          ['fmt', wrong.attestation?.fmt ?? 'none'],
          ['attStmt', wrong.attestation?.attStmt ?? new Map()],
          ['authData', authenticatorData(wrong, attested)],
        ]),
      )
      return {
        id,
        rawId: id,
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          clientDataJSON: clientData('webauthn.create', challenge, wrong).toString('base64url'),
          attestationObject: attestationObject.toString('base64url'),
          transports: ['internal'],
        },
      }
    },
    assert({ challenge }, wrong = {}) {
      if (counts) authenticator.counter++
      const client = clientData('webauthn.get', challenge, wrong)
      const data = authenticatorData(wrong, undefined)
      const signed = Buffer.concat([data, createHash('sha256').update(client).digest()])
      const digest = algorithm === 'EdDSA' ? null : 'sha256'
      const good = sign(digest, signed, wrong.key ?? privateKey)
      return {
        id,
        rawId: id,
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          clientDataJSON: client.toString('base64url'),
          authenticatorData: data.toString('base64url'),
          signature: (wrong.signature?.(good) ?? good).toString('base64url'),
        },
      }
    },
  }
  return authenticator
}

function newKey(algorithm: 'ES256' | 'EdDSA' | 'RS256'): KeyObject {
  switch (algorithm) {
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    case 'EdDSA':
      return generateKeyPairSync('ed25519').privateKey
    case 'RS256':
      return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  }
}

function coseKeyOf(privateKey: KeyObject, algorithm: 'ES256' | 'EdDSA' | 'RS256'): Buffer {
  const jwk = privateKey.export({ format: 'jwk' })
  const bytes = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64url')
  switch (algorithm) {
    case 'ES256':
      return coseKey({ 1: 2, 3: -7, [-1]: 1, [-2]: bytes(jwk.x), [-3]: bytes(jwk.y) })
    case 'EdDSA':
      return coseKey({ 1: 1, 3: -8, [-1]: 6, [-2]: bytes(jwk.x) })
    case 'RS256':
      return coseKey({ 1: 3, 3: -257, [-1]: bytes(jwk.n), [-2]: bytes(jwk.e) })
  }
}

/** A COSE key (RFC 9052 §7) of these labels. */
export function coseKey(members: Readonly<Record<number, number | Buffer>>): Buffer {
  const labels = [1, 3, -1, -2, -3].filter((label) => label in members)
  return cbor(new Map(labels.map((label) => [label, members[label] ?? 0])))
}

type CborKey = string | number
type Cbor = string | number | Buffer | readonly Cbor[] | CborMap
export type CborMap = ReadonlyMap<CborKey, Cbor>

/** As much of CBOR (RFC 8949) as authenticators speak. */
export function cbor(value: Cbor): Buffer {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value)
  if (typeof value === 'string')
    return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value])
  if (value instanceof Map)
    return Buffer.concat([
      head(5, value.size),
      ...[...(value as CborMap)].flatMap(([key, member]) => [cbor(key), cbor(member)]),
    ])
  const items = value as readonly Cbor[]
  return Buffer.concat([head(4, items.length), ...items.map(cbor)])
}

function head(major: number, count: number): Buffer {
  if (count < 24) return Buffer.from([(major << 5) | count])
  if (count < 256) return Buffer.from([(major << 5) | 24, count])
  return Buffer.from([(major << 5) | 25, count >> 8, count & 0xff])
}
