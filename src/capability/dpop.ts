/**
 * DPoP (RFC 9449): a capability that is bound to a key is good only in the hands of who holds the key. Against a capability
 * that leaked through a log, a prompt or a backup, and against proofs that were overheard: a proof is for one method, one
 * URI, one capability and one minute, and is used once, at whichever replica.
 *
 * `check` looks at all that §4.3 asks for but for single use, and stores nothing, so that it can come before anything is
 * known about the caller; `use` is the single use, and comes once the caller is known. What is remembered is the key's
 * thumbprint with the proof's jti: never `htm` or `htu`, which have several spellings (§11.1).
 */
import { createHash } from 'node:crypto'
import { compactVerify, importJWK, type CryptoKey } from 'jose'
import { LRUCache } from 'lru-cache'
import { readCompactJws } from '../core/compact-jws.ts'
import { readPublicKey } from '../core/public-jwk.ts'
import { createNonces } from './dpop-nonce.ts'
import { normalTarget } from './dpop-target.ts'
import type { ReplayStore } from './replay.ts'

/**
 * What every client can do, and no more: with RSA the key in every proof would be longer than the capability, and the
 * ways for a key to be weak would be many. `Ed25519` is the name that RFC 9864 gives to EdDSA with that curve.
 */
export const dpopAlgorithms = ['ES256', 'EdDSA', 'Ed25519'] as const

/**
 * Seconds. A proof is made for one request, so that its age is the time on the way and the difference of two clocks; one
 * that is dated ahead would be good for longer than any other, hence the few seconds.
 */
export const oldestProof = 60
export const earliestProof = 5
/** Characters. A proof holds a key of a few hundred and the URI; a jti is at most a few UUIDs. */
const longestProof = 16_384
const longestJti = 256
const longestKeptHeader = 1_024

export type Proof = {
  /** RFC 7638 thumbprint of its key, SHA-256, base64url. */
  readonly jkt: string
  readonly jti: string
  /** Seconds since the epoch. */
  readonly iat: number
  /** The nonce that its client is to use from now on, where the one it used is not the present one. */
  readonly nextNonce: string | undefined
}

export type CheckedProof =
  | { readonly ok: true; readonly proof: Proof }
  /** `nonce`: all else is well, and the client is to try again with the nonce it is told. `detail` quotes nothing. */
  | { readonly ok: false; readonly reason: 'invalid' | 'nonce'; readonly detail: string }

export type ExpectedProof = {
  readonly method: string
  /** Absolute, as the client knows it; query and fragment are not looked at. */
  readonly uri: string
  /** The capability that comes with it, and the thumbprint it is bound to; undefined at the token endpoint. */
  readonly capability: { readonly token: string; readonly jkt: string } | undefined
}

export type DpopVerifier = {
  /** `given`: the values of all `DPoP` fields of the request (§4.3: there must be exactly one). `now` in milliseconds. */
  check(given: readonly string[], expected: ExpectedProof, now: number): Promise<CheckedProof>
  /** True once for each proof, on all replicas together. Rejects where the database does not answer. */
  use(proof: Proof): Promise<boolean>
  /** What the `DPoP-Nonce` field is to say; undefined while the broker is sealed. */
  nonce(now: number): string | undefined
}

type ProofKey = {
  readonly alg: (typeof dpopAlgorithms)[number]
  readonly jkt: string
  readonly key: CryptoKey
}

function invalid(detail: string): CheckedProof {
  return { ok: false, reason: 'invalid', detail }
}

export function createDpopVerifier(deps: {
  readonly replay: ReplayStore
  /** The key of the nonces; undefined while the broker is sealed. */
  readonly nonceSecret: () => Buffer | undefined
}): DpopVerifier {
  const nonces = createNonces(deps.nonceSecret)
  // By the header as it was sent: a client sends the same one with every proof.
  const keys = new LRUCache<string, ProofKey>({ max: 1_000 })

  async function keyOf(
    segment: string,
    header: Readonly<Record<string, unknown>>,
  ): Promise<ProofKey | string> {
    const known = keys.get(segment)
    if (known !== undefined) return known
    const read = await readHeader(header)
    if (typeof read !== 'string' && segment.length <= longestKeptHeader) keys.set(segment, read)
    return read
  }

  return {
    nonce: (now) => nonces.current(now),
    use: ({ jkt, jti, iat }) =>
      deps.replay.use('dpop', jkt, jti, Math.ceil((iat + oldestProof) * 1000)),
    async check(given, expected, now) {
      const [text] = given
      if (text === undefined || given.length !== 1)
        return invalid('send exactly one DPoP header field with a proof')
      const jws = readCompactJws(text, longestProof)
      if (jws === undefined) return invalid('the proof is not a JWT in canonical base64url')
      const found = await keyOf(text.slice(0, text.indexOf('.')), jws.header)
      if (typeof found === 'string') return invalid(found)
      const { alg, jkt, key } = found
      try {
        await compactVerify(text, key, { algorithms: [alg] })
      } catch {
        return invalid('the proof’s signature does not verify')
      }
      const { jti, htm, htu, iat, ath, nonce } = jws.payload
      if (typeof jti !== 'string' || jti === '' || jti.length > longestJti)
        return invalid(`the proof’s jti must be a text of at most ${String(longestJti)} characters`)
      if (htm !== expected.method) return invalid('the proof’s htm is another method')
      const target = normalTarget(expected.uri)
      if (typeof htu !== 'string' || target === undefined || normalTarget(htu) !== target)
        return invalid('the proof’s htu is another URI')
      if (typeof iat !== 'number' || !Number.isFinite(iat))
        return invalid('the proof’s iat must be a number')
      const age = now / 1000 - iat
      if (age > oldestProof) return invalid('the proof’s iat is too long ago')
      if (age < -earliestProof) return invalid('the proof’s iat is in the future')
      const { capability } = expected
      if (capability !== undefined) {
        if (ath !== hashOf(capability.token))
          return invalid('the proof’s ath is not the hash of the capability')
        if (jkt !== capability.jkt)
          return invalid('the proof’s key is not the one that the capability is bound to')
      }
      const judged = typeof nonce === 'string' ? nonces.judge(nonce, now) : 'refused'
      if (judged === 'refused') {
        const detail = 'put the nonce of the DPoP-Nonce field into the proof, and send it again'
        return { ok: false, reason: 'nonce', detail }
      }
      const nextNonce = judged === 'old' ? nonces.current(now) : undefined
      return { ok: true, proof: { jkt, jti, iat, nextNonce } }
    },
  }
}

/** What a proof's header says, for all proofs that say it in the same letters; or what is wrong with it. */
async function readHeader(header: Readonly<Record<string, unknown>>): Promise<ProofKey | string> {
  // Closed: kid, jku, x5c, crit and b64 are ways of choosing the key or the meaning of the signature.
  if (Object.keys(header).toSorted().join() !== 'alg,jwk,typ')
    return 'the proof’s header must have alg, jwk and typ only'
  if (header['typ'] !== 'dpop+jwt') return 'the proof’s typ must be dpop+jwt'
  const alg = dpopAlgorithms.find((known) => known === header['alg'])
  if (alg === undefined) return `the proof’s alg must be one of ${dpopAlgorithms.join(', ')}`
  const read = readPublicKey(header['jwk'])
  if (!read.ok) return `the proof’s jwk is refused: ${read.detail}`
  const { algorithm, jwk, thumbprint } = read.key
  if (algorithm !== (alg === 'ES256' ? 'ES256' : 'EdDSA'))
    return 'the proof’s key is not one for its alg'
  return { alg, jkt: thumbprint, key: (await importJWK({ ...jwk }, alg)) as CryptoKey }
}

/** `ath` (§4.2). */
function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
