/** Signs capabilities, or has handles kept for them. What may be in one is settled before: see `narrow`. */
import { SignJWT } from 'jose'
import { verbWithin, type FindOperation, type Verb } from '../core/grant.ts'
import {
  newId,
  type AgentId,
  type CapabilityId,
  type EnvironmentId,
  type GrantId,
  type TrustRuleId,
} from '../ids.ts'
import { detailsType, type CapabilityClaims, type Confirmation } from './claims.ts'
import type { Keyring } from './keys.ts'

export type Narrowed =
  | { readonly ok: true; readonly verbs: readonly Verb[] }
  | { readonly ok: false; readonly wider: readonly Verb[] }

/** I4: what was asked for, if the grant covers all of it; everything the grant allows, if nothing was asked for. */
export function narrow(
  asked: readonly Verb[] | undefined,
  granted: readonly Verb[],
  find: FindOperation,
): Narrowed {
  if (asked === undefined) return { ok: true, verbs: granted }
  const wider = asked.filter((verb) => !verbWithin(verb, granted, find))
  return wider.length === 0 ? { ok: true, verbs: [...new Set(asked)] } : { ok: false, wider }
}

export type Issued = {
  readonly id: CapabilityId
  readonly token: string
  /** Seconds since the epoch. */
  readonly expiresAt: number
  readonly claims: CapabilityClaims
}

/** `publicUrl` is `iss` and the only `aud`; `lifetime` is in seconds and already within the grant's. */
export async function issueCapability(
  keyring: Keyring,
  publicUrl: string,
  request: {
    readonly agentId: AgentId
    /** Whom it is issued to, where that is another: the last of those who act. */
    readonly clientId?: AgentId | undefined
    /** Who acts, who may, and what it comes of; see attenuate.ts. */
    readonly lineage?: Pick<CapabilityClaims, 'act' | 'may_act' | 'ancestors'> | undefined
    readonly grantId: GrantId
    readonly provider: string
    readonly environmentId: EnvironmentId
    readonly binding: number
    readonly verbs: readonly Verb[]
    /** The trust rule by which a workload came by it. */
    readonly ruleId?: TrustRuleId | undefined
    readonly lifetime: number
    /** The key of the DPoP proof that it was asked for with: it is good with proofs by that key alone. */
    readonly confirmation?: Confirmation | undefined
    /** Keeps it as a handle, and gives that in place of a JWT. */
    readonly keepHandle?: ((claims: CapabilityClaims) => Promise<string>) | undefined
    /** Milliseconds since the epoch. */
    readonly now: number
  },
): Promise<Issued> {
  const id = newId('capability', request.now)
  const iat = Math.floor(request.now / 1000)
  const exp = iat + request.lifetime
  const claims: CapabilityClaims = {
    iss: publicUrl,
    aud: publicUrl,
    sub: request.agentId,
    client_id: request.clientId ?? request.agentId,
    jti: id,
    iat,
    exp,
    grant: request.grantId,
    ...(request.ruleId === undefined ? {} : { rule: request.ruleId }),
    binding: request.binding,
    ...(request.confirmation === undefined ? {} : { cnf: request.confirmation }),
    ...request.lineage,
    authorization_details: [
      {
        type: detailsType,
        provider: request.provider,
        environment: request.environmentId,
        verbs: [...request.verbs],
      },
    ],
  }
  const token =
    request.keepHandle === undefined
      ? await sign(keyring, claims, request.now)
      : await request.keepHandle(claims)
  return { id, token, expiresAt: exp, claims }
}

function sign(keyring: Keyring, claims: CapabilityClaims, now: number): Promise<string> {
  const { kid, key } = keyring.signing(now)
  return new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid }).sign(key)
}
