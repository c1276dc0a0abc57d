/**
 * A JWK set (RFC 7517) that an issuer published. What a key may be used for is decided here, from the key: the token only
 * chooses among what is left. Against algorithm confusion, keys for encryption, weak keys, one name for two keys, and
 * sets that give their own secrets away.
 */
import { importJWK, type CryptoKey } from 'jose'
import { algorithmsOf, weaknessOf, type Jwk } from '../core/key-strength.ts'
import type { JsonObject, JsonValue } from '../core/operation.ts'

export type KeySet = {
  readonly has: (kid: string) => boolean
  /** The one key that a token with this header may be signed by, or why there is none. */
  key(header: { readonly kid: string | undefined; readonly alg: string }): Promise<UsableKey>
}

export type UsableKey = { readonly key: CryptoKey } | { readonly refused: string }

/** Azure's common set has about fifteen. */
const mostKeys = 64

/** The set, or what is wrong with it. */
export function readKeySet(value: JsonValue): KeySet | string {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return 'the key set is not an object'
  const listed = value['keys']
  if (!Array.isArray(listed)) return 'the key set has no keys'
  if (listed.length > mostKeys) return `the key set has more than ${mostKeys} keys`
  // SPIFFE Trust Domain and Bundle §4.2.2: how a bundle says that a key signs JWT-SVIDs.
  const keys = listed
    .filter(isJwk)
    .map((jwk) => (jwk['use'] === 'jwt-svid' ? { ...jwk, use: 'sig' } : jwk))
  // Wycheproof's MixedKeySet: whoever publishes one secret by mistake has not looked at the others either.
  if (keys.some((jwk) => jwk['kty'] === 'oct' || Object.hasOwn(jwk, 'd')))
    return 'the key set shows private keys'
  // RFC 7517 §5: of a kind that we do not know, or for something else, they are passed over.
  const signing = keys.filter((jwk) => algorithmsOf(jwk).length > 0)
  const usable = new Map<string, Promise<UsableKey>>()

  function useOnce(jwk: JsonObject, alg: string): Promise<UsableKey> {
    const name = `${alg} ${keys.indexOf(jwk)}`
    const known = usable.get(name) ?? usableKey(jwk, alg)
    usable.set(name, known)
    return known
  }

  return {
    has: (kid) => signing.some((jwk) => jwk['kid'] === kid),
    async key({ kid, alg }) {
      const named = kid === undefined ? signing : signing.filter((jwk) => jwk['kid'] === kid)
      if (named.length === 0) return { refused: 'its kid names no key of its issuer' }
      // Without a kid the algorithm chooses. With one it must not: two keys of one name are a mistake or a trick.
      const fitting = named.filter((jwk) => algorithmsOf(jwk).includes(alg))
      if (fitting.length === 0) return { refused: 'its alg is not one of the key’s' }
      const [jwk] = fitting
      if (jwk === undefined || fitting.length > 1 || (kid !== undefined && named.length > 1))
        return { refused: 'several of its issuer’s keys could be meant' }
      return useOnce(jwk, alg)
    },
  }
}

function isJwk(value: JsonValue): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

async function usableKey(jwk: Jwk, alg: string): Promise<UsableKey> {
  const weakness = weaknessOf(jwk)
  if (weakness !== undefined) return { refused: `the key that signed it is refused: ${weakness}` }
  // Only what makes it a key: its other members have been looked at, and say nothing to the library.
  const part = (name: string): Record<string, string> => {
    const value = jwk[name]
    return typeof value === 'string' ? { [name]: value } : {}
  }
  const bare = Object.assign({}, ...['crv', 'x', 'y', 'n', 'e'].map(part)) as object
  try {
    const key = await importJWK({ ...bare, kty: String(jwk['kty']) }, alg)
    if (!(key instanceof Uint8Array)) return { key }
  } catch {
    // A point that is not on its curve, for one.
  }
  return { refused: 'the key that signed it is malformed' }
}
