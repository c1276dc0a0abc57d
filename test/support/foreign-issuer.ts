/** An issuer of somebody else: its keys, its tokens in any shape, and what it publishes, to be asked without a network. */
import {
  constants,
  generateKeyPairSync,
  sign as signBytes,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto'
import type { FetchedJson, FetchJson } from '../../src/federation/fetch.ts'
import type { TrustedIssuer } from '../../src/federation/foreign-token.ts'
import type { JsonValue } from '../../src/core/operation.ts'

export type IssuerKey = { readonly privateKey: KeyObject; readonly jwk: JsonWebKey }

export function makeKey(alg: string, kid: string | undefined = `k-${alg}`): IssuerKey {
  const pair = pairFor(alg)
  const jwk = { ...pair.publicKey.export({ format: 'jwk' }), alg, use: 'sig' }
  return { privateKey: pair.privateKey, jwk: kid === undefined ? jwk : { ...jwk, kid } }
}

function pairFor(alg: string): { publicKey: KeyObject; privateKey: KeyObject } {
  switch (alg) {
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    case 'ES384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' })
    case 'ES512':
      return generateKeyPairSync('ec', { namedCurve: 'P-521' })
    case 'EdDSA':
    case 'Ed25519':
      return generateKeyPairSync('ed25519')
    default:
      return generateKeyPairSync('rsa', { modulusLength: 2048 })
  }
}

const encode = (part: string | object): string =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')

/** A compact JWS over exactly this header and these claims, as objects or as text. `alg` is how it is really signed. */
export function signToken(
  key: KeyObject,
  alg: string,
  header: string | object,
  claims: string | object,
): string {
  const input = `${encode(header)}.${encode(claims)}`
  const hash = /^[REP]S/.test(alg) ? `sha${alg.slice(2)}` : undefined
  const signature = signBytes(hash, Buffer.from(input), {
    key,
    dsaEncoding: 'ieee-p1363',
    ...(alg.startsWith('PS')
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
      : {}),
  })
  return `${input}.${signature.toString('base64url')}`
}

/** A web of metadata and key sets: by URL what is answered, 404 for the rest, and every URL that was asked for. */
export type Published = {
  readonly fetchJson: FetchJson
  readonly asked: string[]
  readonly answers: Map<string, JsonValue | FetchedJson>
}

export function openPublished(): Published {
  const asked: string[] = []
  const answers = new Map<string, JsonValue | FetchedJson>()
  return {
    asked,
    answers,
    fetchJson: async (url) => {
      asked.push(url)
      const answer = answers.get(url)
      if (answer === undefined) return { ok: false, status: 404, detail: 'it answers with 404' }
      if (isFetched(answer)) return answer
      return { ok: true, value: answer, maxAge: undefined }
    },
  }
}

function isFetched(answer: JsonValue | FetchedJson): answer is FetchedJson {
  return typeof answer === 'object' && answer !== null && 'ok' in answer
}

export const publicIssuer = 'https://issuer.example/of/jobs'

/** Publishes metadata and keys of `publicIssuer`. */
export function publishKeys(published: Published, keys: readonly IssuerKey[]): TrustedIssuer {
  published.answers.set(`${publicIssuer}/.well-known/openid-configuration`, {
    issuer: publicIssuer,
    jwks_uri: `${publicIssuer}/keys`,
  })
  published.answers.set(`${publicIssuer}/keys`, {
    keys: keys.map(({ jwk }) => jwk as { [key: string]: string }),
  })
  return { issuer: publicIssuer, internal: false }
}
