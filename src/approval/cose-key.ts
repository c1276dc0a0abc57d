/** Public keys of passkeys, as authenticators write them (COSE, RFC 9052 and 9053): which kinds are accepted. */
import { createHash } from 'node:crypto'

/** COSE's numbers for them. Others are not offered, and not accepted either. */
export const algorithms = { EdDSA: -8, ES256: -7, RS256: -257 } as const
export type PasskeyAlgorithm = keyof typeof algorithms

/** SHA-256 of the COSE key, in hex: what the audit log calls a passkey by, and evidence is compared with. */
export function fingerprintOf(publicKey: Uint8Array): string {
  return createHash('sha256').update(publicKey).digest('hex')
}

/**
 * The algorithm of a COSE key; undefined where it is none of ours, or where its members contradict one another. The
 * library chooses how to verify by `kty` and the hash by `alg`: one that says both must mean both.
 */
export async function algorithmOf(publicKey: Uint8Array): Promise<PasskeyAlgorithm | undefined> {
  const { decodeCredentialPublicKey } = await import('@simplewebauthn/server/helpers')
  let key: ReadonlyMap<unknown, unknown>
  try {
    const decoded: unknown = decodeCredentialPublicKey(new Uint8Array(publicKey))
    if (!(decoded instanceof Map)) return undefined
    key = decoded
  } catch {
    return undefined
  }
  const [type, algorithm, curve] = [key.get(1), key.get(3), key.get(-1)]
  switch (algorithm) {
    case algorithms.EdDSA:
      return type === 1 && curve === 6 && isBytes(key.get(-2), 32) ? 'EdDSA' : undefined
    case algorithms.ES256:
      return type === 2 && curve === 1 && isBytes(key.get(-2), 32) && isBytes(key.get(-3), 32)
        ? 'ES256'
        : undefined
    case algorithms.RS256:
      return type === 3 && isStrongModulus(curve) && isUsualExponent(key.get(-2))
        ? 'RS256'
        : undefined
    default:
      return undefined
  }
}

function isBytes(value: unknown, length: number): boolean {
  return value instanceof Uint8Array && value.length === length
}

/** 2048 bits at least. */
function isStrongModulus(value: unknown): boolean {
  return value instanceof Uint8Array && value.length >= 256 && (value[0] ?? 0) >= 0x80
}

/** 65537, which is what authenticators use: with 1 every signature would be good. */
function isUsualExponent(value: unknown): boolean {
  return value instanceof Uint8Array && Buffer.from(value).equals(Buffer.from([1, 0, 1]))
}
