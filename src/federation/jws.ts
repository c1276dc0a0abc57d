/**
 * One compact JWS (RFC 7515) from somebody else, read before anything is believed of it. Against one token in several
 * spellings: base64url is canonical, the header is JSON that everybody reads alike. Against a token that brings its own
 * key, or its own meaning: the header is closed, so `jwk`, `jku`, `x5u`, `x5c`, `crit` and `b64` are refused, not ignored.
 */
import { compactVerify, type CryptoKey } from 'jose'
import { isCanonical, readObject } from '../core/compact-jws.ts'

export type UnverifiedJws = {
  readonly token: string
  readonly alg: string
  readonly kid: string | undefined
  /** In lower case, without `application/` (RFC 7515 §4.1.9). */
  readonly typ: string | undefined
  /** In base64url, and empty where there is none. */
  readonly payload: string
  /** What the signature is over. */
  readonly signingInput: string
}

/** Octets. GitHub's and GitLab's tokens have about 2000; those with many groups in them, some thousand. */
export const longestForeignToken = 16_384

/** `x5t` and `x5t#S256` only name a certificate; the issuers of Azure and of GitHub Actions send the former. */
const members = new Set(['alg', 'kid', 'typ', 'x5t', 'x5t#S256'])

/** The token's parts, or what is wrong with it. No signature is looked at. */
export function readJws(token: string): UnverifiedJws | string {
  if (token.length > longestForeignToken) return 'it is too long'
  const parts = token.split('.')
  const [head = '', body = '', signature = ''] = parts
  if (parts.length !== 3 || !isCanonical(head) || !isCanonical(signature))
    return 'it is not a JWS in canonical base64url'
  if (body !== '' && !isCanonical(body)) return 'it is not a JWS in canonical base64url'
  const header = readObject(head)
  if (header === undefined) return 'its header is not a JSON object'
  if (Object.keys(header).some((name) => !members.has(name)))
    return 'its header has members that are not accepted'
  const { alg, kid, typ } = header
  if (typeof alg !== 'string') return 'its alg is missing'
  if (kid !== undefined && !(typeof kid === 'string' && /^[\x21-\x7e]{1,256}$/.test(kid)))
    return 'its kid is malformed'
  if (typ !== undefined && typeof typ !== 'string') return 'its typ is malformed'
  return {
    token,
    alg,
    kid,
    typ: typ?.toLowerCase().replace(/^application\//, ''),
    payload: body,
    signingInput: `${head}.${body}`,
  }
}

/** Whether this key made the signature, with this algorithm: the caller has found the two to belong together. */
export async function isSignedBy(jws: UnverifiedJws, key: CryptoKey): Promise<boolean> {
  try {
    await compactVerify(jws.token, key, { algorithms: [jws.alg] })
    return true
  } catch {
    return false
  }
}
