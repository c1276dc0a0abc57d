/**
 * The public key that an admin registers for an agent, read from a JWK (RFC 7517) and brought into one form. Against a
 * private key sent by mistake: it is refused, and neither kept nor repeated. Against confusion of algorithms (RFC 8725
 * §3.1): a key has one algorithm, fixed here, and no token chooses another. Against keys that prove nothing: see
 * key-strength. Members that could fetch or stand for another key (`x5u`, `x5c`) are refused, not dropped.
 */
import { createHash, createPublicKey } from 'node:crypto'
import { weaknessOf } from './key-strength.ts'

export type PublicKeyAlgorithm = 'EdDSA' | 'ES256' | 'PS256' | 'RS256'

/** Only the members that make the key (RFC 7638 §3.2). */
export type BareJwk = Readonly<Record<string, string>>

export type PublicKey = {
  /** What the owner calls it; its thumbprint where the JWK has no `kid`. */
  readonly kid: string
  readonly algorithm: PublicKeyAlgorithm
  readonly jwk: BareJwk
  /** RFC 7638, SHA-256, base64url. */
  readonly thumbprint: string
}

export type ReadPublicKey =
  | { readonly ok: true; readonly key: PublicKey }
  /** `detail` quotes nothing of the input. */
  | { readonly ok: false; readonly detail: string }

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']
const known = new Set(['kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'alg', 'use', 'key_ops', 'ext'])

/** Sorted, as the thumbprint wants them. */
const kinds: Readonly<Record<string, readonly string[]>> = {
  'OKP Ed25519': ['crv', 'kty', 'x'],
  'EC P-256': ['crv', 'kty', 'x', 'y'],
  RSA: ['e', 'kty', 'n'],
}

export function readPublicKey(value: unknown): ReadPublicKey {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuse('the key is not a JWK (a JSON object, RFC 7517)')
  const jwk = value as Readonly<Record<string, unknown>>
  if (privateMembers.some((member) => Object.hasOwn(jwk, member))) {
    return refuse(
      'this is a private key: only its public half belongs here. What has been sent about is no secret any more: make a new pair',
    )
  }
  if (Object.keys(jwk).some((member) => !known.has(member)))
    return refuse('the JWK may have kty, crv, x, y, n, e, kid, alg, use, key_ops and ext only')
  const { kty, crv, kid, key_ops: operations } = jwk
  const members = kinds[kty === 'RSA' ? 'RSA' : `${String(kty)} ${String(crv)}`]
  const algorithm = algorithmOf(kty, jwk['alg'])
  if (members === undefined || algorithm === undefined || (kty === 'RSA' && crv !== undefined))
    return refuse('the key must be Ed25519, P-256 (ES256), or RSA (PS256, or RS256 by its alg)')
  if (operations !== undefined && JSON.stringify(operations) !== '["verify"]')
    return refuse('its key_ops must be verify alone')
  if (kid !== undefined && (typeof kid !== 'string' || !/^[\x21-\x7e]{1,128}$/.test(kid)))
    return refuse('its kid must be 1 to 128 printable ASCII characters without blanks')
  const weakness = weaknessOf(jwk)
  if (weakness !== undefined) return refuse(`this key is refused: ${weakness}`)
  const bare: Record<string, string> = {}
  for (const member of members) bare[member] = String(jwk[member])
  try {
    // Looks, besides, whether the point is on its curve.
    createPublicKey({ key: bare, format: 'jwk' })
  } catch {
    return refuse('the numbers of the JWK are not those of a key')
  }
  const thumbprint = createHash('sha256').update(JSON.stringify(bare)).digest('base64url')
  return { ok: true, key: { kid: kid ?? thumbprint, algorithm, jwk: bare, thumbprint } }
}

/** RSA without an `alg` is for PSS (RFC 8725 §3.2 and FAPI 2.0 §5.4); Ed25519 has two names (RFC 9864 §2.2). */
function algorithmOf(kty: unknown, alg: unknown): PublicKeyAlgorithm | undefined {
  switch (kty) {
    case 'OKP':
      return alg === undefined || alg === 'EdDSA' || alg === 'Ed25519' ? 'EdDSA' : undefined
    case 'EC':
      return alg === undefined || alg === 'ES256' ? 'ES256' : undefined
    case 'RSA':
      if (alg === undefined) return 'PS256'
      return alg === 'PS256' || alg === 'RS256' ? alg : undefined
    default:
      return undefined
  }
}

function refuse(detail: string): ReadPublicKey {
  return { ok: false, detail }
}
