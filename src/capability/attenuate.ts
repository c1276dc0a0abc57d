/**
 * What may come of a capability by exchange (RFC 8693): always less, or as much. Guarantees, against whoever holds one and
 * wants more: verbs are within the parent's and within the grant's as it is now; it ends with its parent at the latest;
 * what was bound to a key stays bound; nobody acts who was not named, at that place in the chain, by the agent whose grant
 * it is; and every ancestor is listed, so that it is revoked with any of them (I4).
 */
import type { FindOperation, Verb } from '../core/grant.ts'
import type { AgentId, TrustRuleId } from '../ids.ts'
import { mostActors, mostAncestors, type CapabilityClaims } from './claims.ts'
import { narrow } from './issue.ts'

type ActClaim = { readonly sub: string; readonly rule?: string; readonly act?: ActClaim }
type MayActClaim = { readonly sub: string; readonly may_act?: MayActClaim }

/** Who acts for `sub`: the one who does now first, and the one that `sub` itself let act last. */
export function actorsOf({ act }: Pick<CapabilityClaims, 'act'>): readonly AgentId[] {
  if (act === undefined) return nobody
  const actors: AgentId[] = []
  for (let at: ActClaim | undefined = act; at !== undefined; at = at.act)
    actors.push(at.sub as AgentId)
  return actors
}

const nobody: readonly AgentId[] = []

/** By which trust rule each of them showed who it is, of those who did so by one. */
export function actorRulesOf({
  act,
}: Pick<CapabilityClaims, 'act'>): ReadonlyMap<AgentId, TrustRuleId> {
  if (act === undefined) return noRules
  const rules = new Map<AgentId, TrustRuleId>()
  for (let at: ActClaim | undefined = act; at !== undefined; at = at.act)
    if (at.rule !== undefined) rules.set(at.sub as AgentId, at.rule as TrustRuleId)
  return rules
}

const noRules: ReadonlyMap<AgentId, TrustRuleId> = new Map()

/** Who may act next, the next first. */
export function mayActOf({ may_act }: Pick<CapabilityClaims, 'may_act'>): readonly AgentId[] {
  const chain: AgentId[] = []
  for (let at: MayActClaim | undefined = may_act; at !== undefined; at = at.may_act)
    chain.push(at.sub as AgentId)
  return chain
}

/** The claims for these chains; none of an empty one. */
export function chainClaims(
  actors: readonly AgentId[],
  mayAct: readonly AgentId[],
  rules: ReadonlyMap<AgentId, TrustRuleId> = noRules,
): Pick<CapabilityClaims, 'act' | 'may_act'> {
  const act = actors.reduceRight<ActClaim | undefined>((inner, sub) => {
    const rule = rules.get(sub)
    return {
      sub,
      ...(rule === undefined ? {} : { rule }),
      ...(inner === undefined ? {} : { act: inner }),
    }
  }, undefined)
  const may_act = mayAct.reduceRight<MayActClaim | undefined>(
    (inner, sub) => ({ sub, ...(inner === undefined ? {} : { may_act: inner }) }),
    undefined,
  )
  return {
    ...(act === undefined ? {} : { act }),
    ...(may_act === undefined ? {} : { may_act }),
  }
}

/** Whether these may all act one for the other; where not, why. */
export function chainRefusal(sub: AgentId, actors: readonly AgentId[]): string | undefined {
  if (actors.length > mostActors)
    return `at most ${String(mostActors)} agents may act one for the other`
  if (new Set([sub, ...actors]).size !== actors.length + 1)
    return 'no agent may stand twice in a chain, nor act for itself'
  return undefined
}

/** Whose capability it is to whoever asks: their own, or one whose holder they may act for; undefined where neither. */
export function relationTo(
  parent: CapabilityClaims,
  clientId: AgentId | undefined,
): 'own' | 'delegated' | undefined {
  // A workload has no key: what it holds is its only proof, until somebody else acts for it.
  if (clientId === undefined)
    return parent.rule !== undefined && parent.act === undefined ? 'own' : undefined
  if (clientId === parent.client_id) return 'own'
  return clientId === parent.may_act?.sub ? 'delegated' : undefined
}

export type Requester = {
  /** The agent that showed a key of its own; undefined where the capability is the only proof. */
  readonly clientId: AgentId | undefined
  /** The thumbprint of the key of the DPoP proof that came. */
  readonly jkt: string | undefined
  /** What it showed in place of a key. */
  readonly actor?: ActorProof | undefined
}

/** An `actor_token` (RFC 8693 §2.1): a token of its platform's, or a capability of its own. */
export type ActorProof = {
  /** The trust rule by which it is the agent that it says. */
  readonly rule: TrustRuleId | undefined
  readonly capability?:
    | {
        /** Its own and those of what it came of. */
        readonly ids: readonly string[]
        /** Of the key that it is bound to. */
        readonly jkt: string | undefined
      }
    | undefined
}

export type Lineage = {
  readonly sub: AgentId
  readonly clientId: AgentId
  readonly actors: readonly AgentId[]
  /** By which trust rule each of the actors showed who it is, of those who did so by one. */
  readonly rules: ReadonlyMap<AgentId, TrustRuleId>
  readonly mayAct: readonly AgentId[]
  readonly ancestors: readonly string[]
}

export type LineageRefusal = {
  readonly ok: false
  readonly why: 'not_theirs' | 'too_often' | 'proof' | 'may_act'
  readonly detail: string
}

/** Who acts in a child, and what it descends from. `mayAct`: who is to be able to act next, as it was asked for. */
export function lineageOf(
  parent: CapabilityClaims,
  requester: Requester,
  mayAct: readonly AgentId[],
): ({ readonly ok: true } & Lineage) | LineageRefusal {
  const { clientId, jkt, actor } = requester
  const no = (why: LineageRefusal['why'], detail: string) => ({ ok: false, why, detail }) as const
  const relation = relationTo(parent, clientId)
  if (relation === undefined) {
    return no(
      'not_theirs',
      clientId === undefined
        ? 'this capability is exchanged by an agent that shows its key: authenticate as its client, or as the agent that its may_act names'
        : 'this capability is another agent’s, and its may_act does not name this one',
    )
  }
  // Who holds it already has other ways, and names others by its key alone.
  if (actor !== undefined && relation === 'own')
    return no(
      'not_theirs',
      'this capability is already that of the agent of actor_token, which is for whoever acts for another',
    )
  const { cnf, ancestors = [] } = parent
  const shown = actor?.capability
  // A bearer of an agent's that has a key was issued for that key, and lies where it is used: a copy appoints nobody.
  if (shown !== undefined && shown.jkt === undefined && actor?.rule === undefined)
    return no(
      'not_theirs',
      'the agent of actor_token has a key, and must show its key, not what it was given for it',
    )
  if (shown?.jkt !== undefined && shown.jkt !== jkt)
    return no('proof', 'the DPoP proof is not by the key that the actor_token is bound to')
  // Else two copies, neither of which is worth anything without its key or is worth that much, would make one that is.
  if (cnf !== undefined && shown !== undefined && shown.jkt === undefined)
    return no(
      'not_theirs',
      'for a capability that is bound to a key, the actor_token must be bound to one too',
    )
  if (cnf !== undefined && jkt === undefined)
    return no(
      'proof',
      'what comes of a capability that is bound to a key is bound to one: send a DPoP proof',
    )
  if (cnf !== undefined && relation === 'own' && jkt !== cnf.jkt)
    return no('proof', 'the DPoP proof is not by the key that the capability is bound to')
  const lineage = [...ancestors, ...(shown?.ids ?? []), parent.jti]
  if (lineage.length > mostAncestors)
    return no(
      'too_often',
      `a capability is exchanged at most ${String(mostAncestors)} times in a row`,
    )
  const sub = parent.sub as AgentId
  const actors =
    relation === 'own' || clientId === undefined
      ? actorsOf(parent)
      : [clientId, ...actorsOf(parent)]
  // Only the agent whose grant it is says who may act for it, and it shows its key for that, not a copy of a capability.
  const appoints = relation === 'own' && clientId === sub && parent.act === undefined
  const rules = new Map(actorRulesOf(parent))
  if (relation === 'delegated' && clientId !== undefined && actor?.rule !== undefined)
    rules.set(clientId, actor.rule)
  const named = mayActOf(parent).slice(relation === 'own' ? 0 : 1)
  if (!appoints && !mayAct.every((id, i) => id === named[i]))
    return no(
      'may_act',
      'may_act must begin as that of the capability goes on: only its agent names others',
    )
  const refusal = chainRefusal(sub, [...actors.toReversed(), ...mayAct])
  if (refusal !== undefined) return no('may_act', refusal)
  return {
    ok: true,
    sub,
    clientId: actors[0] ?? sub,
    actors,
    rules,
    mayAct,
    ancestors: lineage,
  }
}

/** The verbs of a child: within the parent's, and within the grant's, which may have become narrower meanwhile. */
export function verbsOf(
  asked: readonly Verb[] | undefined,
  parent: CapabilityClaims,
  granted: readonly Verb[],
  find: FindOperation,
): ReturnType<typeof narrow> {
  const held = parent.authorization_details[0]?.verbs ?? []
  const still = held.filter((verb) => narrow([verb], granted, find).ok)
  const narrowed = narrow(asked, still, find)
  if (!narrowed.ok || narrowed.verbs.length > 0) return narrowed
  return { ok: false, wider: held }
}
