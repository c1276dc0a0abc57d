/**
 * Proofs of possession at the agents' doors (RFC 9449 §7): what a capability that is bound to a key must come with, and
 * what is said to whoever comes without it. A bound capability is never taken as a bearer's (§7.2), nor one that is bound
 * to nothing as a bound one; a stray proof beside a bearer's capability says nothing and is not read. A capability that
 * came by another carrier of its provider's than `Authorization` is proved by the `DPoP` field alone.
 */
import type { FastifyRequest } from 'fastify'
import { dpopAlgorithms, type Proof } from '../capability/dpop.ts'
import type { CapabilityClaims } from '../capability/claims.ts'
import type { Policy } from '../directory/policy.ts'
import { Problem, type ProblemCode } from '../problem.ts'
import { createLimiter } from '../proxy/limiter.ts'
import type { Deps } from './deps.ts'
import { resourceMetadata } from './resource-metadata.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Whether its proof has been used: asked again after a wait, the same request needs no other. */
    proved: boolean
    /** The nonce that the client is to be told with the answer. */
    nextNonce: string | undefined
  }
}

/** Uses of one agent's proofs in a minute, on each replica: more than any agent needs, and all that can be stored. */
const mostProofs = 60_000

export type ProofDoor = {
  /** Everything but single use; undefined where there is nothing to prove, or it was proved before. Throws a `Problem`. */
  check(request: FastifyRequest, shown: Shown): Promise<Proof | undefined>
  /** Throws a `Problem` where the proof was used before, and where that cannot be told. */
  use(request: FastifyRequest, proof: Proof, policy: Policy): Promise<void>
}

export type Shown = {
  readonly token: string
  readonly claims: CapabilityClaims
  /** The `Authorization` field that it came in; undefined where it came in another. */
  readonly authorization: string | undefined
  /** As the client knows it. */
  readonly uri: () => string
}

export function createProofDoor(deps: Pick<Deps, 'dpop' | 'now'>): ProofDoor {
  const limiter = createLimiter()
  return {
    async check(request, { token, claims, authorization, uri }) {
      const { cnf } = claims
      if (cnf === undefined) {
        throw new Problem(
          'capability_invalid',
          'it is not bound to a key, and is sent as Authorization: Bearer …',
        )
      }
      if (authorization !== undefined && !isDpop(authorization)) {
        throw new Problem(
          'dpop_proof_invalid',
          'this capability is bound to a key: send it as Authorization: DPoP …, with a proof in the DPoP field',
        )
      }
      if (request.proved) return undefined
      const checked = await deps.dpop.check(
        proofsOf(request.raw.rawHeaders),
        { method: request.method, uri: uri(), capability: { token, jkt: cnf.jkt } },
        deps.now(),
      )
      if (checked.ok) return checked.proof
      throw new Problem(
        checked.reason === 'nonce' ? 'dpop_nonce_required' : 'dpop_proof_invalid',
        checked.detail,
      )
    },
    async use(request, proof, { agent }) {
      if (!limiter.take(agent.id, mostProofs, deps.now()))
        throw new Problem('rate_limited', `at most ${String(mostProofs)} proofs a minute`)
      const first = await deps.dpop.use(proof).catch(() => {
        throw new Problem('unavailable', 'the broker cannot tell whether the proof was used before')
      })
      if (!first)
        throw new Problem(
          'dpop_proof_invalid',
          'the proof was used before: make one for each request',
        )
      request.proved = true
      request.nextNonce = proof.nextNonce
    },
  }
}

/** Whether a value of `Authorization` is of the scheme DPoP. */
export function isDpop(authorization: string): boolean {
  // The first letter settles it for nearly every request.
  return (authorization.charCodeAt(0) | 0x20) === 0x64 && /^dpop /i.test(authorization)
}

/** The values of all `DPoP` fields. `raw`: names and values in turn, as Node gives them. */
export function proofsOf(raw: readonly string[]): readonly string[] {
  const values: string[] = []
  for (let i = 0; i < raw.length; i += 2)
    if (raw[i]?.length === 4 && raw[i]?.toLowerCase() === 'dpop') values.push(raw[i + 1] ?? '')
  return values
}

/** `WWW-Authenticate` for a 401 (RFC 6750 §3, RFC 9449 §7.1, RFC 9728 §5.1). */
export function challenge(
  code: ProblemCode,
  authorization: string | undefined,
  publicUrl: string,
): string {
  const where = resourceMetadata(publicUrl)
  const bearer = `Bearer realm="valetkey", ${where}`
  const dpop = `DPoP realm="valetkey", algs="${dpopAlgorithms.join(' ')}"`
  switch (code) {
    case 'capability_missing':
      return `${bearer}, ${dpop}, ${where}`
    case 'dpop_proof_invalid':
      return `${dpop}, error="invalid_dpop_proof"`
    case 'dpop_nonce_required':
      return `${dpop}, error="use_dpop_nonce"`
    default:
      return authorization !== undefined && isDpop(authorization)
        ? `${dpop}, ${where}, error="invalid_token"`
        : `${bearer}, error="invalid_token"`
  }
}
