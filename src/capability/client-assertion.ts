/**
 * Verifies that an agent holds the key it registered: `private_key_jwt` (RFC 7523 §2.2 and §3, RFC 7521 §4.2). Against
 * an assertion made for somebody else: its only audience is our issuer identifier, one string
 * (draft-ietf-oauth-rfc7523bis; an array, or the URL of an endpoint, is what let a hostile server pass ours on).
 * Against forgery: a closed header, keys that an admin registered and no others, each with its own algorithm. Against
 * replay: a `jti`, a short life, and the caller, who must use it up before anything is done for it.
 */
import { compactVerify, importJWK, type CryptoKey } from 'jose'
import { readCompactJws } from '../core/compact-jws.ts'
import type { PublicKey, PublicKeyAlgorithm } from '../core/public-jwk.ts'
import { isId, type AgentId } from '../ids.ts'

export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** Seconds. */
export const longestAssertionLife = 300
/** Seconds by which an agent's clock may be ahead of ours. */
const skew = 30
const longestAssertion = 8_192
const longestJti = 256

/** The names that an assertion may give to the algorithm of its key. */
const namesOf: Readonly<Record<PublicKeyAlgorithm, readonly string[]>> = {
  EdDSA: ['EdDSA', 'Ed25519'],
  ES256: ['ES256'],
  PS256: ['PS256'],
  RS256: ['RS256'],
}
export const assertionAlgorithms: readonly string[] = Object.values(namesOf).flat()

export type AssertionKey = Omit<PublicKey, 'jwk'> & {
  /** Of the row that it was registered as. */
  readonly id: string
  readonly verifier: CryptoKey
}

export async function toAssertionKey(key: PublicKey & { id: string }): Promise<AssertionKey> {
  const { id, kid, algorithm, thumbprint } = key
  const verifier = (await importJWK({ ...key.jwk }, algorithm)) as CryptoKey
  return { id, kid, algorithm, thumbprint, verifier }
}

export type AssertionVerdict =
  | {
      readonly ok: true
      readonly agentId: AgentId
      readonly key: AssertionKey
      /** To be used up, for this agent. */
      readonly jti: string
      /** Milliseconds since the epoch. */
      readonly expiresAt: number
    }
  /** Without a `detail` nothing is to be told: whoever asks has shown no key of anybody's. */
  | { readonly ok: false; readonly detail?: string }

export async function verifyClientAssertion(
  assertion: string,
  deps: {
    readonly issuer: string
    /** Milliseconds since the epoch. */
    readonly now: number
    /** The keys of an agent that may act; none for any other. */
    readonly keysOf: (agent: AgentId) => Promise<readonly AssertionKey[]>
  },
): Promise<AssertionVerdict> {
  const jws = readCompactJws(assertion, longestAssertion)
  if (jws === undefined) return refuse('client_assertion is not a JWT in canonical base64url')
  const { header, payload } = jws
  // Closed: jwk, jku, x5c, x5u, crit and b64 are ways of choosing the key or the meaning of the signature.
  if (Object.keys(header).some((member) => !['alg', 'kid', 'typ'].includes(member)))
    return refuse('the header of client_assertion may have alg, kid and typ only')
  const { alg, kid, typ } = header
  // A capability, or a DPoP proof by the same key, is no assertion (RFC 8725 §3.11).
  if (typ !== undefined && typ !== 'JWT' && typ !== 'client-authentication+jwt')
    return refuse('the typ of client_assertion must be client-authentication+jwt')
  if (kid !== undefined && typeof kid !== 'string')
    return refuse('the kid of client_assertion must be a string')
  if (typeof alg !== 'string' || !assertionAlgorithms.includes(alg))
    return refuse(`the alg of client_assertion must be one of ${assertionAlgorithms.join(', ')}`)
  const { iss, sub } = payload
  if (iss !== sub || !isId('agent', sub))
    return refuse('iss and sub of client_assertion must both be the agent’s id')

  const fitting = (await deps.keysOf(sub)).filter(
    (each) =>
      namesOf[each.algorithm].includes(alg) &&
      (kid === undefined || kid === each.kid || kid === each.thumbprint),
  )
  const [key] = fitting
  // Never tried one after another: which key it is must not depend on which one happens to verify.
  if (key === undefined || fitting.length > 1) return { ok: false }
  try {
    await compactVerify(assertion, key.verifier, { algorithms: [alg] })
  } catch {
    return { ok: false }
  }
  return readClaims(payload, deps.issuer, deps.now, sub, key)
}

/** What a key of the agent has signed: what is wrong with it may be told. */
function readClaims(
  claims: Readonly<Record<string, unknown>>,
  issuer: string,
  now: number,
  agentId: AgentId,
  key: AssertionKey,
): AssertionVerdict {
  const { aud, exp, iat, nbf, jti } = claims
  if (aud !== issuer)
    return refuse(`the aud of client_assertion must be the string ${issuer}, and that alone`)
  if (typeof exp !== 'number') return refuse('client_assertion needs an exp in seconds')
  if (exp * 1000 <= now) return refuse('client_assertion has expired')
  if (exp * 1000 > now + (longestAssertionLife + skew) * 1000)
    return refuse(`client_assertion must expire within ${String(longestAssertionLife)} seconds`)
  for (const [name, since] of [
    ['iat', iat],
    ['nbf', nbf],
  ] as const) {
    if (since === undefined) continue
    if (typeof since !== 'number') return refuse(`the ${name} of client_assertion is no number`)
    if (since * 1000 > now + skew * 1000)
      return refuse(`the ${name} of client_assertion lies in the future`)
  }
  if (typeof iat === 'number' && exp - iat > longestAssertionLife)
    return refuse(`client_assertion may live ${String(longestAssertionLife)} seconds at most`)
  if (typeof jti !== 'string' || jti === '' || jti.length > longestJti)
    return refuse(`client_assertion needs a jti of 1 to ${String(longestJti)} characters`)
  return { ok: true, agentId, key, jti, expiresAt: exp * 1000 }
}

function refuse(detail: string): AssertionVerdict {
  return { ok: false, detail }
}
