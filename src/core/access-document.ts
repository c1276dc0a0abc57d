/**
 * What a person signs when they give an agent access for a time: exactly what comes of it, and nothing that the agent
 * wrote. Guarantee, with `decisionText`: no signature over one of these is one over an approval, nor the other way round,
 * as each says what it is; and none is good for another request, other verbs, another length of time, or a second use.
 */
import { startingLimits, type AccessLimits } from './access-request.ts'
import type { ApprovalRule, Verb } from './grant.ts'
import type { Effect } from './operation.ts'
import type { AccessRequestId, AgentId, EnvironmentId, GrantId } from '../ids.ts'

export type AccessDocument = {
  readonly kind: 'access'
  readonly id: AccessRequestId
  readonly agent: { readonly id: AgentId; readonly name: string }
  /** The grant that it was asked under, whose limits hold. */
  readonly grantId: GrantId
  readonly environment: {
    readonly id: EnvironmentId
    readonly name: string
    readonly protected: boolean
  }
  readonly provider: string
  /** Those that are given, each with all that it can do; which may be fewer than were asked for. */
  readonly verbs: readonly { readonly verb: Verb; readonly effects: readonly Effect[] }[]
  /** For how long; less where the grant that it was asked under ends before. */
  readonly seconds: number
  /** What still needs an approval for each request. */
  readonly approval: ApprovalRule
  /** When the agent asked, in milliseconds since the epoch. */
  readonly requestedAt: number
  /** Until when it must be given. */
  readonly expiresAt: number
  /** 32 random bytes, base64url: no two documents have one digest. */
  readonly nonce: string
}

/** `until`: of the nonce. The document ends with it, or with the request. */
export function accessDocument(input: {
  readonly request: {
    readonly id: AccessRequestId
    readonly requestedAt: Date
    readonly expiresAt: Date
  }
  readonly agent: AccessDocument['agent']
  readonly base: AccessLimits & { readonly id: GrantId; readonly provider: string }
  readonly environment: AccessDocument['environment']
  readonly verbs: AccessDocument['verbs']
  readonly seconds: number
  readonly until: Date
  readonly nonce: Uint8Array
}): AccessDocument {
  const { request, agent, base, environment, verbs, seconds } = input
  return {
    kind: 'access',
    id: request.id,
    agent: { id: agent.id, name: agent.name },
    grantId: base.id,
    environment: {
      id: environment.id,
      name: environment.name,
      protected: environment.protected,
    },
    provider: base.provider,
    verbs: verbs.map(({ verb, effects }) => ({ verb, effects: [...effects] })),
    seconds,
    approval: startingLimits(base).approval,
    requestedAt: request.requestedAt.getTime(),
    expiresAt: Math.min(input.until.getTime(), request.expiresAt.getTime()),
    nonce: Buffer.from(input.nonce).toString('base64url'),
  }
}
