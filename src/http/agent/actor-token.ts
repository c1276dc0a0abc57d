/**
 * Who acts for another, by an `actor_token` (RFC 8693 §2.1) in place of a key: for a workload, which has none. It is a token
 * of its platform's, as trust rules have it, or a capability of its own. Against a copy that is worth more than what it was
 * copied from: what comes of it ends with the actor token, with the rule behind it, and is revoked with it; one that is
 * bound to a key is good with that key's proof alone; and one in which its holder acts for yet another proves nothing.
 */
import type { ActorProof } from '../../capability/attenuate.ts'
import type { GrantId, TrustRuleId } from '../../ids.ts'
import { createLimiter } from '../../proxy/limiter.ts'
import { frozen, inactive } from '../../proxy/standing.ts'
import { actorsOf } from '../../capability/attenuate.ts'
import { clientOf, limitOf, mostPerMinute, refused, staleDetail } from './capability-holder.ts'
import { OAuthError, showsKey, type Client } from './client.ts'
import {
  accessToken,
  foreignTypes,
  type TokenEndpoint,
  type TokenRequest,
} from './token-request.ts'
import type { WorkloadReader } from './workload.ts'

export type ProvenActor = {
  readonly client: Client
  readonly proof: ActorProof
  /** Seconds that what it gets may live at the most, where its rule says so; and since the epoch, when that ends. */
  readonly longest: number | undefined
  readonly endsBy: number
  /** Uses it up, where it can be shown so often only. */
  readonly spend: (() => Promise<void>) | undefined
}

/** Undefined where no actor token came. Throws an `OAuthError` where it is not accepted. */
export function createActorReader({ deps, noise }: TokenEndpoint, workloads: WorkloadReader) {
  const limiter = createLimiter()

  return async function actorOf(request: TokenRequest): Promise<ProvenActor | undefined> {
    const { form, authorization } = request
    const token = form['actor_token']
    const type = form['actor_token_type']
    if (token === undefined && type === undefined) return undefined
    // RFC 8693 §2.1: neither without the other.
    if (token === undefined) throw wrong('actor_token is missing')
    if (showsKey(authorization, form))
      throw wrong('the actor token says who acts: send no key of an agent’s with it')
    if (type === accessToken) return byCapability(token)
    if (!foreignTypes.includes(type))
      throw wrong(`actor_token_type must be ${[...foreignTypes, accessToken].join(' or ')}`)
    const { client, rule, longest, endsBy, spend } = await workloads.identify(token, {
      parameter: 'actor_token',
      clientId: form['client_id'],
    })
    return { client, proof: { rule: rule.id }, longest, endsBy, spend }
  }

  async function byCapability(token: string): Promise<ProvenActor> {
    const now = deps.now()
    const verified = await deps.verifier.verify(token, now)
    const { claims } = verified
    const unacceptable = verified.ok
      ? ''
      : `the actor token is not accepted: ${verified.refusal.detail}`
    if (claims === undefined) {
      noise('actor_token invalid')
      throw refused(unacceptable, undefined)
    }
    const policy = await deps.policies.policyOf(claims.grant as GrantId, actorsOf(claims))
    if (policy === undefined || policy.agent.id !== claims.sub)
      throw refused('the actor token does not agree with its grant', undefined)
    if (!limiter.take(limitOf(policy, verified), mostPerMinute, now)) {
      noise('actor_token too_often')
      throw refused(`at most ${String(mostPerMinute)} exchanges a minute without a key`, undefined)
    }
    const client = clientOf(undefined, claims, policy)
    // Revoked, and genuine: its use is on record.
    if (!verified.ok) throw refused(unacceptable, client)
    if (claims.act !== undefined)
      throw refused('the actor token is one in which its holder acts for another', client)
    const stale = inactive(policy, claims, now)
    if (stale !== undefined) throw refused(`of the actor token: ${staleDetail(stale)}`, client)
    if (frozen(policy) !== undefined)
      throw refused('the actor token is of a grant that is frozen', client)
    return {
      client,
      proof: {
        rule: claims.rule as TrustRuleId | undefined,
        capability: { ids: [...(claims.ancestors ?? []), claims.jti], jkt: claims.cnf?.jkt },
      },
      longest: undefined,
      endsBy: claims.exp,
      spend: undefined,
    }
  }
}

function wrong(detail: string): OAuthError {
  return new OAuthError('invalid_request', detail)
}
