/** What a grant type at /oauth/token is given. */
import type { Proof } from '../../capability/dpop.ts'
import type { Grant } from '../../directory/grant.ts'
import type { TrustReader } from '../../directory/trust.ts'
import type { AgentId } from '../../ids.ts'
import type { Deps } from '../deps.ts'
import type { ClientReader } from './client.ts'

export const accessToken = 'urn:ietf:params:oauth:token-type:access_token'

/** RFC 8693 §3: what a platform's token may be called. */
export const foreignTypes: readonly (string | undefined)[] = [
  'urn:ietf:params:oauth:token-type:jwt',
  'urn:ietf:params:oauth:token-type:id_token',
]

export type TokenRequest = {
  readonly form: Record<string, string>
  /** The header, as it was sent. */
  readonly authorization: string | undefined
  readonly correlationId: string
  /** A DPoP proof that is good, but for single use; `issue` sees to that. */
  readonly proof: Proof | undefined
}

/** What every grant type is given besides the request. */
export type TokenEndpoint = {
  readonly deps: Deps
  readonly clients: ClientReader
  readonly trust: TrustReader
  /** An agent's grants that are neither disabled nor revoked. */
  readonly grantsOf: (agentId: AgentId) => Promise<readonly Grant[]>
  /** Counts a request that nobody known stands behind; `sample` is one of what was sent, for whoever looks for a fault. */
  readonly noise: (reason: string, sample?: string) => void
}
