/**
 * Verifies capabilities. Against forgery: one algorithm, a closed header, keys from our own database only. Against one
 * token in several spellings: base64url must be canonical before any library sees it, so that what is cached, logged
 * and revoked is one string; revocation is by `jti` all the same. Against a stale yes: the cache is keyed by the whole
 * token and holds only what never changes; expiry, revocation, grant and freeze are looked at each time.
 */
import { compactVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import { isCanonical, readObject } from '../core/compact-jws.ts'
import type { ProblemCode } from '../problem.ts'
import { isCapabilityClaims, longestLifetime, type CapabilityClaims } from './claims.ts'
import type { HandleStore } from './handle.ts'
import type { Keyring } from './keys.ts'

export type Verified =
  | { readonly ok: true; readonly claims: CapabilityClaims }
  | {
      readonly ok: false
      readonly refusal: CapabilityRefusal
      /** Of one that is genuine and was revoked: whose use of it must be on record. */
      readonly claims?: CapabilityClaims
    }

export type CapabilityRefusal = {
  readonly code: Extract<
    ProblemCode,
    'capability_invalid' | 'capability_expired' | 'capability_revoked'
  >
  /** For the audit log and for the agent; it tells nothing that a forger could use. */
  readonly detail: string
}

export const longestToken = 8_192
/** Seconds by which another replica's clock may be ahead of ours. */
const skew = 30

/** Said of whatever else came, and nothing of it is repeated: it may be a real token of a provider's. */
const strangeDetail =
  'it is neither a JWT in canonical base64url nor a handle of this broker’s; if it is a token of the provider itself, it has been shown where it does not belong: revoke it there'

function invalid(detail: string): Verified {
  return { ok: false, refusal: { code: 'capability_invalid', detail } }
}

export type CapabilityVerifier = {
  /** Of a handle, it rejects where the database does not answer. */
  verify(token: string, now: number): Promise<Verified>
  /**
   * The same where it was verified before; undefined where it must be verified. `connection` is what it came over: the
   * same one mostly brings the same token again, and to compare two is much less than to look one up.
   */
  cached(token: string, now: number, connection?: object): Verified | undefined
}

export function createCapabilityVerifier(deps: {
  /** Undefined while the broker is sealed. */
  readonly keyring: () => Keyring | undefined
  readonly publicUrl: string
  readonly isRevoked: (capabilityId: string) => boolean
  /** Without it, no handle is known. */
  readonly handles?: Pick<HandleStore, 'find'>
}): CapabilityVerifier {
  /** `kid`: of the key that signed it; no key signs a handle. */
  type Hit = {
    readonly token: string
    readonly claims: CapabilityClaims
    readonly kid: string | undefined
  }
  const cache = new LRUCache<string, Hit>({ max: 10_000 })
  const last = new WeakMap<object, Hit>()

  function current(claims: CapabilityClaims, kid: string | undefined, now: number): Verified {
    const keyring = deps.keyring()
    if (keyring === undefined) return invalid('the broker is sealed')
    if (kid !== undefined && keyring.verification(kid, now) === undefined)
      return invalid('the key that signed it has been retired')
    if (claims.exp * 1000 <= now) {
      return {
        ok: false,
        refusal: { code: 'capability_expired', detail: 'ask for a new one at /oauth/token' },
      }
    }
    if (deps.isRevoked(claims.jti) || claims.ancestors?.some(deps.isRevoked) === true) {
      return {
        ok: false,
        refusal: { code: 'capability_revoked', detail: revokedDetail(claims, deps.isRevoked) },
        claims,
      }
    }
    return { ok: true, claims }
  }

  /** What a genuine one says, whichever way it was found to be genuine. */
  function admit(token: string, claims: unknown, kid: string | undefined, now: number): Verified {
    if (!isCapabilityClaims(claims)) return invalid('its claims are not those of a capability')
    if (claims.iss !== deps.publicUrl || claims.aud !== deps.publicUrl) {
      return invalid('it was issued by or for somebody else')
    }
    if (claims.client_id !== (claims.act?.sub ?? claims.sub))
      return invalid('it is neither its sub’s nor its actor’s')
    if (claims.act !== undefined && claims.ancestors === undefined)
      return invalid('somebody acts in it, and it came of nothing')
    if (claims.iat * 1000 > now + skew * 1000) return invalid('it was issued in the future')
    if (claims.exp - claims.iat > longestLifetime || claims.exp <= claims.iat)
      return invalid('its lifetime is not one of a capability')
    cache.set(token, { token, claims, kid })
    return current(claims, kid, now)
  }

  async function verifyHandle(token: string, now: number): Promise<Verified> {
    const kept = await deps.handles?.find(token)
    if (kept?.ok === true) return admit(token, kept.claims, undefined, now)
    return invalid(kept?.reason === 'altered' ? 'its record has been altered' : strangeDetail)
  }

  return {
    cached(token, now, connection) {
      const before = connection === undefined ? undefined : last.get(connection)
      const hit = before?.token === token ? before : cache.get(token)
      if (hit === undefined) return undefined
      if (connection !== undefined && hit !== before) last.set(connection, hit)
      return current(hit.claims, hit.kid, now)
    },
    async verify(token, now) {
      const keyring = deps.keyring()
      if (keyring === undefined) return invalid('the broker is sealed')
      if (token.length > longestToken) return invalid('it is too long to be a capability')
      // A JWT has dots, no handle has: it is one or the other.
      if (!token.includes('.')) return verifyHandle(token, now)
      const parts = token.split('.')
      if (parts.length !== 3 || !parts.every(isCanonical))
        return invalid('it is not a JWT in canonical base64url')
      const header = readObject(parts[0])
      if (header === undefined) return invalid('its header is not a JSON object')
      // Closed: jwk, jku, x5u, crit and b64 are ways of choosing the key or the meaning of the signature.
      if (Object.keys(header).toSorted().join() !== 'alg,kid,typ')
        return invalid('its header must have alg, kid and typ only')
      if (header['alg'] !== 'EdDSA') return invalid('its alg must be EdDSA')
      if (header['typ'] !== 'at+jwt') return invalid('its typ must be at+jwt')
      const kid = header['kid']
      const key = typeof kid === 'string' ? keyring.verification(kid, now) : undefined
      if (key === undefined) return invalid('its kid names no key of this broker')
      try {
        await compactVerify(token, key.key, { algorithms: ['EdDSA'] })
      } catch {
        return invalid('its signature does not verify')
      }
      const claims: unknown = readObject(parts[1])
      return admit(token, claims, key.kid, now)
    },
  }
}

function revokedDetail({ jti }: CapabilityClaims, isRevoked: (id: string) => boolean): string {
  return isRevoked(jti)
    ? 'this capability was revoked'
    : 'a capability that this one was exchanged from was revoked'
}
