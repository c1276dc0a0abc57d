/**
 * The key that a capability is bound to, on the agent's side, and the proofs by it (RFC 9449 §4.2). The private key is
 * made in this process, cannot be exported, and ends with it: there is no file of it that somebody could read.
 */
import { createHash, randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'

export type Prover = {
  /** RFC 7638, SHA-256, base64url. */
  readonly jkt: string
  /** A proof for one request. `uri` without query and fragment; `capability` where one goes with it. */
  proof(request: {
    readonly method: string
    readonly uri: string
    readonly capability?: string
  }): Promise<string>
  /** Takes note of the nonce that an answer tells, if it tells one. */
  told(nonce: string | null | undefined): void
  /** Whether the last nonce is so old that the broker may refuse it, or there is none. */
  nonceIsStale(): boolean
}

/** Milliseconds: the broker takes a nonce for five minutes. */
const nonceGood = 4 * 60_000

/** `now` in milliseconds since the epoch. */
export async function createProver(now: () => number): Promise<Prover> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: false })
  const jwk = await exportJWK(publicKey)
  let nonce: string | undefined
  let toldAt = 0
  return {
    jkt: await calculateJwkThumbprint(jwk),
    proof: ({ method, uri, capability }) =>
      new SignJWT({
        jti: randomUUID(),
        iat: Math.floor(now() / 1000),
        htm: method,
        htu: uri,
        ...(nonce === undefined ? {} : { nonce }),
        ...(capability === undefined
          ? {}
          : { ath: createHash('sha256').update(capability).digest('base64url') }),
      })
        .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
        .sign(privateKey),
    told(given) {
      if (given == null || given === '') return
      nonce = given
      toldAt = now()
    },
    nonceIsStale: () => nonce === undefined || now() - toldAt > nonceGood,
  }
}
