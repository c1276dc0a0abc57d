/** Issues a capability: chooses the one grant that is meant, narrows, signs, and records it before it is handed out. */
import {
  chainClaims,
  chainRefusal,
  lineageOf,
  verbsOf,
  type ActorProof,
  type Lineage,
} from '../../capability/attenuate.ts'
import type { CapabilityClaims } from '../../capability/claims.ts'
import type { Proof } from '../../capability/dpop.ts'
import { issueCapability, narrow } from '../../capability/issue.ts'
import type { FindOperation } from '../../core/grant.ts'
import { defaultHandle } from '../../core/handle-shape.ts'
import type { Grant } from '../../directory/grant.ts'
import type { Policy } from '../../directory/policy.ts'
import type { AgentId, TrustRuleId } from '../../ids.ts'
import type { ProviderAdapter } from '../../provider/adapter.ts'
import { frozen } from '../../proxy/standing.ts'
import type { Deps } from '../deps.ts'
import { readAuthorizationDetails, type AskedDetails } from './authorization-details.ts'
import { OAuthError, type Client } from './client.ts'

/** The start of an audit entry about what an agent, or a workload that acts as one, does here. */
export function issuanceStart(deps: Deps, client: Client, correlationId: string) {
  const { id, name, workload, ruleId, publicKeyId, onBehalfOf } = client
  const kind = workload === undefined && ruleId === undefined ? 'agent' : 'workload'
  return {
    at: deps.now(),
    correlationId,
    actor: { kind, id, name, key: publicKeyId },
    onBehalfOf,
    workload,
  } as const
}

/** A capability of ours that is exchanged for one which is no wider. */
export type Parent = {
  readonly claims: CapabilityClaims
  /** The agent that showed who it is; undefined where the capability is the only proof. */
  readonly clientId: AgentId | undefined
  /** What it showed, where that was no key. */
  readonly actor?: ActorProof | undefined
}

export type Wish = {
  readonly client: Client
  readonly form: Record<string, string>
  readonly grants: readonly Grant[]
  readonly correlationId: string
  /** Where it is exchanged for; `grants` is then its grant. */
  readonly parent?: Parent | undefined
  /** The DPoP proof that came with it, checked and not yet used: what is issued is bound to its key. */
  readonly proof: Proof | undefined
  /** Seconds that the capability may live at the most, whatever the grant says. */
  readonly longest?: number | undefined
  /** Seconds since the epoch: when it ends at the latest, because what was shown for it does. */
  readonly endsBy?: number | undefined
  /** Uses up what was shown, where that can be shown so often only. Throws an `OAuthError` where it is used up. */
  readonly spend?: (() => Promise<void>) | undefined
}

/** The answer to a client that is known, or an `OAuthError`. */
export async function issue(deps: Deps, wish: Wish) {
  const { client, form, grants, correlationId, parent, proof } = wish
  const { longest = Number.POSITIVE_INFINITY, endsBy = Number.POSITIVE_INFINITY } = wish
  if (form['scope'] !== undefined) {
    throw new OAuthError(
      'invalid_scope',
      'say what you want in authorization_details (RFC 9396), not in scope',
      { agent: client },
    )
  }
  checkTarget(deps, client, form)
  const asked = readAuthorizationDetails(form['authorization_details'])
  if ('error' in asked)
    throw new OAuthError('invalid_authorization_details', asked.error, { agent: client })

  const now = deps.now()
  const lineage = lineageFor(client, asked.details?.may_act ?? [], wish)
  const { policy, adapter } = await chooseGrant(deps, client, asked.details, grants, now, lineage)
  const { grant } = policy
  const find: FindOperation = (name) => {
    const found = adapter.find(name)
    return found === undefined || found === 'ambiguous'
      ? found
      : { ...found, operation: found.name }
  }
  const narrowed =
    parent === undefined
      ? narrow(asked.details?.verbs, grant.verbs, find)
      : verbsOf(asked.details?.verbs, parent.claims, grant.verbs, find)
  if (!narrowed.ok) {
    throw new OAuthError(
      'invalid_authorization_details',
      `${parent === undefined ? '' : 'the capability that is exchanged, or '}the grant does not cover ${narrowed.wider.slice(0, 5).join(', ')}; it covers ${grant.verbs.slice(0, 20).join(', ')}`,
      { agent: client },
    )
  }
  const stopped = frozen(policy)
  if (stopped !== undefined) {
    throw new OAuthError(
      'invalid_grant',
      stopped === 'everything' ? 'everything is frozen' : `this ${stopped} is frozen`,
      { agent: client },
    )
  }
  if (grant.requireDpop && proof === undefined) {
    throw new OAuthError(
      'invalid_dpop_proof',
      'the grant issues only capabilities that are bound to a key: send a DPoP proof (RFC 9449)',
      { agent: client },
    )
  }
  const left = Math.floor((policy.expiresAt - now) / 1000)
  const lifetime = Math.min(
    asked.details?.lifetime ?? Number.POSITIVE_INFINITY,
    grant.maxLifetimeSeconds,
    left,
    longest,
    // By the moment that it is issued at: a second that passes meanwhile must not be added to it.
    Math.min(endsBy, parent?.claims.exp ?? Number.POSITIVE_INFINITY) - Math.floor(now / 1000),
  )
  if (lifetime < 1)
    throw new OAuthError('invalid_grant', 'what it would rest on is about to expire', {
      agent: client,
    })
  const keyring = deps.keyring()
  if (keyring === undefined) throw new OAuthError('temporarily_unavailable', 'the broker is sealed')
  // Last: a request that is refused for what it asks has used up nothing.
  // The proof before what can be shown once only: with another proof the same request may be sent again.
  if (proof !== undefined) await useProof(deps, proof, client)
  await wish.spend?.()
  const issued = await issueCapability(keyring, deps.publicUrl, {
    agentId: lineage.sub,
    clientId: lineage.clientId,
    lineage: {
      ...chainClaims(lineage.actors, lineage.mayAct, lineage.rules),
      ...(lineage.ancestors.length === 0 ? {} : { ancestors: [...lineage.ancestors] }),
    },
    grantId: grant.id,
    provider: grant.provider,
    environmentId: grant.environmentId,
    binding: parent?.claims.binding ?? policy.binding,
    verbs: narrowed.verbs,
    ruleId: parent === undefined ? client.workload?.rule : (parent.claims.rule as TrustRuleId),
    lifetime,
    confirmation: proof === undefined ? undefined : { jkt: proof.jkt },
    keepHandle:
      asked.details?.token === 'handle'
        ? (claims) => deps.handles.keep(claims, adapter.handle ?? defaultHandle)
        : undefined,
    now,
  })
  await deps.audit.append({
    ...issuanceStart(deps, client, correlationId),
    kind: 'issuance',
    result: 'issued',
    environment: { id: policy.environment.id, name: policy.environment.name },
    provider: grant.provider,
    grantId: grant.id,
    capabilityId: issued.id,
    verbs: narrowed.verbs,
    ancestors: issued.claims.ancestors,
    expiresAt: issued.expiresAt,
    form: asked.details?.token ?? 'jwt',
    jkt: proof?.jkt,
  })
  return {
    access_token: issued.token,
    token_type: proof === undefined ? ('Bearer' as const) : ('DPoP' as const),
    expires_in: lifetime,
    authorization_details: issued.claims.authorization_details,
  }
}

/** Whose it is to be, and what it comes of. Throws an `OAuthError` where it may not be theirs. */
function lineageFor(
  client: Client,
  mayAct: readonly string[],
  { parent, proof }: Pick<Wish, 'parent' | 'proof'>,
): Lineage {
  const chain = mayAct as readonly AgentId[]
  if (parent === undefined) {
    const refusal = chainRefusal(client.id, chain)
    if (refusal !== undefined)
      throw new OAuthError('invalid_authorization_details', refusal, { agent: client })
    const nothing = { actors: [], rules: new Map(), ancestors: [] } as const
    return { sub: client.id, clientId: client.id, mayAct: chain, ...nothing }
  }
  const requester = { clientId: parent.clientId, jkt: proof?.jkt, actor: parent.actor }
  const lineage = lineageOf(parent.claims, requester, chain)
  if (lineage.ok) return lineage
  const code = {
    // RFC 8693 §2.2.2: a subject token that is unacceptable, for whatever reason.
    not_theirs: 'invalid_request',
    too_often: 'invalid_request',
    proof: 'invalid_dpop_proof',
    may_act: 'invalid_authorization_details',
  } as const
  throw new OAuthError(code[lineage.why], lineage.detail, { agent: client })
}

async function useProof(deps: Deps, proof: Proof, agent: Client): Promise<void> {
  let first: boolean
  try {
    first = await deps.dpop.use(proof)
  } catch {
    throw new OAuthError('temporarily_unavailable', 'the database does not answer', { agent })
  }
  if (first) return
  const detail = 'the proof was used before: make one for each request'
  throw new OAuthError('invalid_dpop_proof', detail, { agent })
}

/** RFC 8707 §2, and RFC 8693 §2.1: a capability is for this broker, and for nobody else. */
function checkTarget(deps: Deps, client: Client, form: Record<string, string>): void {
  for (const name of ['resource', 'audience']) {
    const target = form[name]
    if (target === undefined || target === deps.publicUrl || target === `${deps.publicUrl}/`)
      continue
    throw new OAuthError('invalid_target', `${name} must be ${deps.publicUrl}, or left out`, {
      agent: client,
    })
  }
}

/** The one grant that the request means. Two that would do are an error: a capability comes from one. */
async function chooseGrant(
  deps: Deps,
  client: Client,
  asked: AskedDetails | undefined,
  grants: readonly Grant[],
  now: number,
  { actors, ancestors }: Lineage,
): Promise<{ policy: Policy; adapter: ProviderAdapter }> {
  const usable: Policy[] = []
  for (const grant of grants) {
    if (asked?.grant !== undefined && grant.id !== asked.grant) continue
    if (asked?.provider !== undefined && grant.provider !== asked.provider) continue
    const policy =
      deps.policies.cached(grant.id, actors) ?? (await deps.policies.policyOf(grant.id, actors))
    if (policy === undefined || policy.state !== 'active' || policy.expiresAt <= now) continue
    // One made for a time is named: it must not make two out of the one that is meant otherwise.
    const named = asked?.grant !== undefined || ancestors.length > 0
    if (policy.askedUnder !== undefined && !named) continue
    const environment = asked?.environment
    if (
      environment !== undefined &&
      environment !== policy.environment.id &&
      environment !== policy.environment.name
    )
      continue
    usable.push(policy)
  }
  const [only, second] = usable
  if (only === undefined) {
    throw new OAuthError(
      asked === undefined ? 'unauthorized_client' : 'invalid_authorization_details',
      'no active grant of this agent is for what was asked; an admin mints grants',
      { agent: client },
    )
  }
  if (second !== undefined) {
    const choices = usable
      .slice(0, 10)
      .map(
        (policy) => `${policy.grant.provider} in ${policy.environment.name} (${policy.grant.id})`,
      )
    throw new OAuthError(
      'invalid_authorization_details',
      `several grants would do: name provider and environment, or the grant, in authorization_details: ${choices.join('; ')}`,
      { agent: client },
    )
  }
  const adapter = deps.providers.get(only.grant.provider)
  if (adapter === undefined)
    throw new OAuthError('invalid_target', 'this broker does not know the grant’s provider', {
      agent: client,
    })
  return { policy: only, adapter }
}
