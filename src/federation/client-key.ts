/**
 * The key by which the broker shows an identity provider that it is its client (`private_key_jwt`, OpenID Connect Core §9), so
 * that there is no secret that both have. Whoever makes the file may have got it anywhere: one key, whole, and strong enough.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { importJWK, type CryptoKey, type JWK } from 'jose'
import { parseJson } from '../core/json.ts'
import { isWhole } from '../core/key-pair.ts'
import { algorithmsOf, weaknessOf } from '../core/key-strength.ts'

export type ClientKey = {
  /** As the JWK has it. None is made up: a provider that has no key of that name would look no further. */
  readonly kid: string | undefined
  /** RFC 7515 §4.1.8, where the JWK has it: Entra finds a certificate by nothing else. */
  readonly certificate: string | undefined
  /** For one of the algorithms that a provider says it takes; where none is, for what most take. Not extractable. */
  readonly toSignWith: (taken: readonly string[] | undefined) => Promise<CryptoKey>
}

export type ReadClientKey =
  | { readonly ok: true; readonly key: ClientKey }
  /** In a few words that quote nothing of the file. */
  | { readonly ok: false; readonly why: string }

/** The better before what more providers take. Not `EdDSA`: what is signed with it is named `Ed25519`, which few know. */
const offered = ['PS256', 'RS256', 'ES256', 'ES384', 'ES512']

/** `text`: one private key, in PEM without a passphrase or as a JWK (RFC 7517), which may say `alg`, `kid` and `x5t#S256`. */
export function readClientKey(text: string): ReadClientKey {
  const refused = (why: string): ReadClientKey => ({ ok: false, why })
  const read = text.trimStart().startsWith('{') ? fromJwk(text) : fromPem(text)
  if (read === undefined)
    return refused('it is not one private key, in PEM without a passphrase or as a JWK')
  const { key, said } = read
  const publicPart = { ...published(key), ...limitsOf(said) }
  const algorithms = offered.filter((each) => algorithmsOf(publicPart).includes(each))
  const last = algorithms.at(-1)
  if (last === undefined) return refused(`it is no key for any of ${offered.join(', ')}`)
  const weakness = weaknessOf(publicPart)
  if (weakness !== undefined) return refused(`it is unfit: ${weakness}`)
  if (!isWhole(key)) return refused('its parts do not belong together')
  const jwk = key.export({ format: 'jwk' })
  return {
    ok: true,
    key: {
      kid: headerText(said.kid),
      certificate: headerText(said['x5t#S256']),
      toSignWith: async (taken) =>
        (await importJWK(
          jwk,
          algorithms.find((each) => taken?.includes(each)) ?? last,
        )) as CryptoKey,
    },
  }
}

type Read = { readonly key: KeyObject; readonly said: JWK }

function fromPem(text: string): Read | undefined {
  // One block and nothing beside it: of two, the second would be passed over.
  if (!/^\s*-----BEGIN ([A-Z ]+)-----[A-Za-z0-9+/=\s]+-----END \1-----\s*$/.test(text))
    return undefined
  return privateKey(() => createPrivateKey({ key: text.trim(), format: 'pem' }), {})
}

function fromJwk(text: string): Read | undefined {
  const parsed = parseJson(Buffer.from(text))
  if (!parsed.ok) return undefined
  const jwk = parsed.value as JWK
  return privateKey(() => createPrivateKey({ key: jwk, format: 'jwk' }), jwk)
}

function privateKey(make: () => KeyObject, said: JWK): Read | undefined {
  try {
    return { key: make(), said }
  } catch {
    // What OpenSSL says may quote the text.
    return undefined
  }
}

/** Nothing for a kind that has no JWK (RSA-PSS, DSA). */
function published(key: KeyObject): JWK {
  try {
    return createPublicKey(key).export({ format: 'jwk' })
  } catch {
    return {}
  }
}

/**
 * What a JWK says that it is for, whatever it says: a limit that is not understood is not none. RFC 7517 §4.3: who may sign
 * with the private part may verify with the public one.
 */
function limitsOf({ alg, use, key_ops: operations }: JWK): Readonly<Record<string, unknown>> {
  const signs = Array.isArray(operations) && operations.includes('sign')
  return {
    ...(alg === undefined ? {} : { alg }),
    ...(use === undefined ? {} : { use }),
    ...(operations === undefined ? {} : { key_ops: signs ? ['verify'] : [] }),
  }
}

/** Undefined for what is no text that can stand in a header. */
function headerText(value: unknown): string | undefined {
  return typeof value === 'string' && /^[!-~]{1,200}$/.test(value) ? value : undefined
}
