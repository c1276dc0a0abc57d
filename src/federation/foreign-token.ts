/**
 * Verifies a JWT of an issuer that an admin has configured: a CI job's, a workload's, an identity provider's. Guarantees: it was
 * signed by that very issuer, for this broker and nobody else, is of no other kind than a token that says who somebody
 * is, and has not expired. Against whoever can make tokens of their own at the same issuer, holds one that was meant
 * for another service, or writes any bytes at all: everything that can be looked at without the issuer's keys is looked
 * at first, so that nothing is fetched for a token that would be refused anyhow.
 */
import { createHash } from 'node:crypto'
import { readObject } from '../core/compact-jws.ts'
import type { FetchJson } from './fetch.ts'
import { createIssuerKeys } from './issuer-keys.ts'
import type { TrustedIssuer } from './issuer.ts'
import { isSignedBy, readJws } from './jws.ts'

export type { TrustedIssuer } from './issuer.ts'

export type ForeignClaims = Readonly<Record<string, unknown>>

export type VerifiedForeignToken =
  | {
      readonly ok: true
      readonly issuer: TrustedIssuer
      /** `iss`, `sub` and `exp` are there and of their types. All others are as the issuer wrote them. */
      readonly claims: ForeignClaims
      /**
       * SHA-256 of what was signed, in base64url: what a replay of a token without `jti` is known by. Not of the whole token, of which
       * an ECDSA signature allows two.
       */
      readonly digest: string
    }
  | {
      readonly ok: false
      /** `unavailable`: the issuer's keys could not be had. A later attempt may fare better. */
      readonly reason: 'invalid' | 'unavailable'
      /** For the audit log and for whoever sent it; it quotes nothing of the token. */
      readonly detail: string
    }

export type ForeignTokenVerifier = {
  verify(
    token: string,
    expected: {
      /** By the exact `iss`. Nothing is fetched for one that this does not know. */
      readonly issuers: (iss: string) => TrustedIssuer | undefined
      /** The names of this broker as an audience: all that a token may name. */
      readonly audiences: readonly string[]
    },
  ): Promise<VerifiedForeignToken>
}

/** Seconds from `iat`, or from now where a token has none (SPIFFE), to `exp`. */
export const longestForeignLifetime = 86_400
/** Seconds by which an issuer's clock may be ahead of ours. `exp` gets none: a replay is forgotten at `exp`. */
const skew = 60

const algorithms = new Set([
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
])

/**
 * RFC 8725 §3.11: OpenID Connect's ID tokens and Kubernetes' say JWT or nothing, SPIFFE allows JOSE too (JWT-SVID §2.3), RFC 9068 has
 * at+jwt. So a DPoP proof, a logout token, a security event, a client's assertion or an introspection's answer is none.
 */
const types = new Set([undefined, 'jwt', 'jose', 'at+jwt'])

export function createForeignTokenVerifier(deps: {
  readonly fetchJson: FetchJson
  /** Milliseconds since the epoch. */
  readonly now: () => number
}): ForeignTokenVerifier {
  const keys = createIssuerKeys(deps)

  return {
    async verify(token, { issuers, audiences }) {
      const jws = readJws(token)
      if (typeof jws === 'string') return invalid(jws)
      if (!algorithms.has(jws.alg)) return invalid('its alg is not accepted')
      if (!types.has(jws.typ)) return invalid('its typ is that of another kind of token')
      const claims = readObject(jws.payload)
      if (claims === undefined) return invalid('its claims are not a JSON object')
      const wrong = complaintAboutClaims(claims, audiences, deps.now())
      if (wrong !== undefined) return invalid(wrong)
      const { iss } = claims
      const issuer = typeof iss === 'string' ? issuers(iss) : undefined
      // Compared again: whatever the look-up folds or trims, a token is of the issuer that it names.
      if (issuer === undefined || issuer.issuer !== iss)
        return invalid('its issuer is not one that is trusted')
      const found = await keys.find(issuer, { kid: jws.kid, alg: jws.alg })
      if (!found.ok) return found
      if (!(await isSignedBy(jws, found.key))) return invalid('its signature does not verify')
      // The keys may have been waited for.
      if (hasExpired(claims, deps.now())) return invalid('it has expired')
      const digest = createHash('sha256').update(jws.signingInput).digest('base64url')
      return { ok: true, issuer, claims, digest }
    },
  }
}

function invalid(detail: string): VerifiedForeignToken {
  return { ok: false, reason: 'invalid', detail }
}

function complaintAboutClaims(
  claims: ForeignClaims,
  audiences: readonly string[],
  now: number,
): string | undefined {
  const { iss, sub, aud, exp, iat, nbf, jti } = claims
  if (!isText(iss, 1_024)) return 'its iss is not a string'
  // Not every JWT of an issuer says who somebody is (JARM's answers have no sub; logout tokens need none).
  if (!isText(sub, 2_048)) return 'its sub is not a string'
  if (jti !== undefined && !isText(jti, 512)) return 'its jti is not a string'
  // RFC 8417 §2.2: a security event or a logout token, whatever its typ.
  if (claims['events'] !== undefined) return 'it reports events'
  // RFC 7800 §3: only who proves that it holds the key may use it, and here it is shown as a bearer.
  if (claims['cnf'] !== undefined) return 'it is bound to a key'
  if (!isForUs(aud, audiences)) return 'it is not for this broker alone'
  if (!isTime(exp)) return 'its exp is not a time'
  if (iat !== undefined && !isTime(iat)) return 'its iat is not a time'
  if (nbf !== undefined && !isTime(nbf)) return 'its nbf is not a time'
  if (hasExpired(claims, now)) return 'it has expired'
  const seconds = now / 1000
  if (iat !== undefined && iat > seconds + skew) return 'it was issued in the future'
  if (nbf !== undefined && nbf > seconds + skew) return 'it is not valid yet'
  if (exp - (iat ?? seconds) > longestForeignLifetime) return 'it lives too long'
  if (exp <= (iat ?? 0) || exp <= (nbf ?? 0)) return 'it expires before it begins'
  return undefined
}

/**
 * A name of ours, or a list of nothing but names of ours. One that is for others too could be presented here by any of them
 * (a confused deputy), and by whoever they leak it to.
 */
function isForUs(aud: unknown, audiences: readonly string[]): boolean {
  if (typeof aud === 'string') return audiences.includes(aud)
  if (!Array.isArray(aud) || aud.length === 0) return false
  return aud.every((each) => typeof each === 'string' && audiences.includes(each))
}

function isText(value: unknown, longest: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= longest
}

/** RFC 7519 §2, NumericDate, up to the year 9999: milliseconds in its place are none. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value < 253_402_300_800
}

function hasExpired(claims: ForeignClaims, now: number): boolean {
  const { exp } = claims
  return typeof exp !== 'number' || exp * 1000 <= now
}
