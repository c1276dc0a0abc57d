/**
 * The private keys by which an App or a service account speaks for itself. Whoever stores one may have got it anywhere: only
 * the two plain forms are read, and no key that others could break or that costs us more than a signature should.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { SignJWT, type JWTPayload } from 'jose'
import { isWhole } from '../core/key-pair.ts'
import { weaknessOf } from '../core/key-strength.ts'

/** One block and nothing beside it: PKCS#1 as GitHub gives it, or PKCS#8; never one that asks for a passphrase. */
const pem =
  /^-----BEGIN ((?:RSA )?PRIVATE KEY)-----\r?\n[A-Za-z0-9+/=\r\n]{64,16000}-----END \1-----\s{0,4}$/

/** Undefined for anything else. */
export function readRsaKey(text: string): KeyObject | undefined {
  if (!pem.test(text)) return undefined
  try {
    const key = createPrivateKey({ key: text, format: 'pem' })
    return key.asymmetricKeyType === 'rsa' ? key : undefined
  } catch {
    // What OpenSSL says may quote the text.
    return undefined
  }
}

/** What is wrong with it, quoting nothing of it; undefined where it is a key that can be signed with. */
export function complaintAboutKey(text: string): string | undefined {
  const key = readRsaKey(text)
  if (key === undefined)
    return 'the private key is not one RSA key in PEM form (PKCS#1 or PKCS#8, without a passphrase)'
  const publicKey = createPublicKey(key)
  const weakness = weaknessOf({ ...publicKey.export({ format: 'jwk' }), alg: 'RS256' })
  if (weakness !== undefined) return `the private key is unfit: ${weakness}`
  if (isWhole(key)) return undefined
  return 'the parts of the private key do not belong together'
}

/** RS256. */
export function signJwt(key: KeyObject, claims: JWTPayload, keyId?: string): Promise<string> {
  const header = { alg: 'RS256', typ: 'JWT', ...(keyId === undefined ? {} : { kid: keyId }) }
  return new SignJWT(claims).setProtectedHeader(header).sign(key)
}
