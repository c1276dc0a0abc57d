/**
 * Just-in-time access: an agent that was refused for a missing verb asks a person for more, for a time. The rules, against
 * an agent that would widen what it has: what can be asked for, who may give it, and that what is given is never wider
 * than what was asked, than the grant it was asked under, or than what whoever gives it may give.
 */
import type { ApproverRule } from './approval.ts'
import { effectiveTerms, type ApprovalTerms } from './approval-terms.ts'
import type { FreezeScope, GrantState } from './decide.ts'
import { parseVerb, verbWithin, type ApprovalRule, type Constraint, type Verb } from './grant.ts'
import { graveEffects, type Effect, type Invocation } from './operation.ts'
import { changeOf, type Catalogued, type Unreviewed } from './reviewed.ts'
import type { OperatorId } from '../ids.ts'

export const accessRequestStates = ['pending', 'granted', 'denied', 'expired'] as const
export type AccessRequestState = (typeof accessRequestStates)[number]

/** Seconds for which access can be asked. */
export const shortestAccess = 60
export const defaultAccess = 3_600
export const longestAccess = 8 * 3_600
/** Of one agent, how many can wait for a person: what nobody can read through is waved through. */
export const mostPending = 10
/** Milliseconds: after that long without an answer, the answer is no. */
export const answerWithin = 24 * 3_600_000
/** Milliseconds for which none of the verbs that were denied can be asked for again. */
export const deniedFor = 10 * 60_000
/** Characters that are kept of the words that come with it. */
export const longestWords = 500

/** A provider's catalogue, as far as verbs are read against it. */
export type VerbCatalogue = {
  operations(): Iterable<Catalogued>
  find(
    name: string,
  ): (Catalogued & { readonly root?: Invocation['root'] }) | 'ambiguous' | undefined
}

export type ReadWish =
  | { readonly ok: true; readonly verbs: readonly Verb[] }
  | { readonly ok: false; readonly wrong: readonly { readonly at: number; readonly why: string }[] }

/**
 * Verbs as they were asked for, each in one spelling; or why some can never help. What names nothing, what is denied to
 * everyone, and what no review has seen would be granted by a person for nothing.
 */
export function readWish(
  asked: readonly Verb[],
  catalogue: VerbCatalogue,
  unreviewed: Unreviewed,
): ReadWish {
  const wrong: { at: number; why: string }[] = []
  const verbs: Verb[] = []
  for (const [at, verb] of asked.entries()) {
    const read = readVerb(verb, catalogue, unreviewed)
    if (typeof read === 'string') verbs.push(read)
    else wrong.push({ at, why: read.why })
  }
  return wrong.length > 0 ? { ok: false, wrong } : { ok: true, verbs: [...new Set(verbs)].sort() }
}

function readVerb(
  verb: Verb,
  catalogue: VerbCatalogue,
  unreviewed: Unreviewed,
): Verb | { readonly why: string } {
  const parsed = parseVerb(verb)
  if ('error' in parsed) return { why: parsed.error }
  switch (parsed.kind) {
    case 'effects':
      return [...parsed.effects].sort().join('+')
    case 'prefix':
      for (const one of catalogue.operations()) if (isUnder(one, parsed.prefix)) return verb
      return { why: `no operation that it could cover begins with "${parsed.prefix}"` }
    case 'operation': {
      const name = parsed.root === undefined ? parsed.name : `${parsed.root}:${parsed.name}`
      const found = catalogue.find(name)
      if (found === undefined) return { why: `there is no operation "${name}"` }
      if (found === 'ambiguous')
        return {
          why: `"${name}" is both a query and a mutation: write query:${name} or mutation:${name}`,
        }
      if (found.denied === true) return { why: `"${name}" is denied to everyone` }
      if (found.scope === 'account')
        return { why: `"${name}" concerns the account as a whole, and lies in no environment` }
      if (changeOf(unreviewed, found.name) === 'changed')
        return {
          why: `"${name}" is another since the grant was reviewed: an admin reviews it first`,
        }
      const added = parsed.added.filter((effect) => !found.effects.includes(effect)).sort()
      const plain = [found.name, ...added].join('+')
      // An operation that is called `read` would turn from one operation into a set of them.
      const same = parseVerb(plain)
      return 'error' in same || same.kind !== 'operation' ? [name, ...added].join('+') : plain
    }
  }
}

function isUnder(operation: Catalogued, prefix: string): boolean {
  const { name, effects, denied, scope } = operation
  return (
    name.slice(name.indexOf(':') + 1).startsWith(prefix) &&
    denied !== true &&
    scope !== 'account' &&
    !effects.some(isGrave)
  )
}

function isGrave(effect: Effect): boolean {
  return graveEffects.includes(effect)
}

/** All that a verb can do, for whoever reads it; undefined where it names nothing. */
export function effectsOf(verb: Verb, find: VerbCatalogue['find']): readonly Effect[] | undefined {
  const parsed = parseVerb(verb)
  if ('error' in parsed) return undefined
  switch (parsed.kind) {
    case 'effects':
      return parsed.effects
    case 'prefix':
      return ['read', 'write']
    case 'operation': {
      const found = find(parsed.root === undefined ? parsed.name : `${parsed.root}:${parsed.name}`)
      if (found === undefined || found === 'ambiguous') return undefined
      return [...new Set([...found.effects, ...parsed.added])]
    }
  }
}

/**
 * The verbs that only an admin gives. An approver who is none gives nothing that changes who may do what, and what
 * destroys or reveals only one operation at a time, by its name.
 */
export function onlyAdminsGive(
  verbs: readonly Verb[],
  find: VerbCatalogue['find'],
): readonly Verb[] {
  return verbs.filter((verb) => {
    const effects = effectsOf(verb, find)
    if (effects === undefined || effects.includes('admin')) return true
    const parsed = parseVerb(verb)
    return 'error' in parsed || (parsed.kind !== 'operation' && effects.some(isGrave))
  })
}

export type Access = { readonly verbs: readonly Verb[]; readonly seconds: number }

export type Narrowed =
  | ({ readonly ok: true } & Access)
  | { readonly ok: false; readonly wider: readonly Verb[] }
  | { readonly ok: false; readonly wider: 'seconds' }

/** What an approver gives of what was asked: all of it where they say nothing, and never more. */
export function narrowWish(
  asked: Access,
  chosen: { readonly verbs: readonly Verb[] | undefined; readonly seconds: number | undefined },
  find: VerbCatalogue['find'],
): Narrowed {
  const verbs = chosen.verbs ?? asked.verbs
  const seconds = chosen.seconds ?? asked.seconds
  const wider = verbs.filter(
    (verb) =>
      !verbWithin(verb, asked.verbs, (name) => {
        const found = find(name)
        return found === undefined || found === 'ambiguous'
          ? found
          : { ...found, operation: found.name }
      }),
  )
  if (wider.length > 0) return { ok: false, wider }
  if (!(seconds <= asked.seconds)) return { ok: false, wider: 'seconds' }
  return { ok: true, verbs: [...new Set(verbs)], seconds: Math.min(seconds, longestAccess) }
}

const strictness: Readonly<Record<ApprovalRule, number>> = { never: 0, destructive: 1, always: 2 }

export function stricterRule(one: ApprovalRule, other: ApprovalRule): ApprovalRule {
  return strictness[one] >= strictness[other] ? one : other
}

/** What limits a grant, beside its verbs. */
export type AccessLimits = {
  readonly constraints: readonly Constraint[]
  readonly approval: ApprovalRule
  readonly approvalTerms: ApprovalTerms
  readonly minted: 'redact' | 'seal' | 'reveal'
  readonly requireDpop: boolean
}

/**
 * A grant made for a time, with the limits of the one it was asked under as they are by now: what an admin tightens there
 * is tightened here.
 */
export function boundBy<G extends AccessLimits>(grant: G, base: AccessLimits): G {
  const { holdSeconds, approver } = effectiveTerms(grant.approvalTerms, base.approvalTerms)
  return {
    ...grant,
    constraints: [...grant.constraints, ...base.constraints],
    approval: stricterRule(grant.approval, base.approval),
    approvalTerms: { ...grant.approvalTerms, holdSeconds, approver },
    requireDpop: grant.requireDpop || base.requireDpop,
  }
}

/** The limits that a grant made for a time begins with. Which credentials it reveals, nobody has considered. */
export function startingLimits(base: AccessLimits): Pick<AccessLimits, 'approval' | 'minted'> {
  return {
    approval: stricterRule(base.approval, 'destructive'),
    minted: base.minted === 'reveal' ? 'redact' : base.minted,
  }
}

export type SettlingFacts = {
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly decision: 'grant' | 'deny'
  readonly request: {
    readonly state: AccessRequestState
    readonly expiresAt: number
    /** Who asked on the agent's behalf; null where it asked itself. */
    readonly filedBy: OperatorId | null
  }
  /** Of the grant that it was asked under, and of all that it rests on. */
  readonly standing: GrantState
  readonly frozen: FreezeScope | undefined
  readonly owners: readonly OperatorId[]
  readonly agentOwner: OperatorId
  /** Whom the grant it was asked under, and the environment, would have decide about single requests. */
  readonly rule: ApproverRule
  readonly protected: boolean
  /** How the person proves that it is them; a denial needs no proof. */
  readonly proof: 'passkey' | 'one_time_code'
  /** Whether an admin has switched one-time codes on. */
  readonly oneTimeCodes: boolean
  readonly operator: {
    readonly id: OperatorId
    readonly active: boolean
    readonly roles: readonly string[]
    readonly via: 'bearer' | 'cookie'
  }
}

export type SettlingRefusal =
  | 'bearer'
  | 'not_an_approver'
  | 'not_pending'
  | 'expired'
  | 'filed_it'
  | 'not_an_owner'
  | 'owner_of_the_agent'
  | 'code_not_allowed'
  | 'inactive'
  | 'frozen'

/**
 * Why this person may not answer; undefined where they may. The agent's own owner may, unless somebody else is demanded: a
 * founder alone has nobody else.
 */
export function settlingRefusal(facts: SettlingFacts): SettlingRefusal | undefined {
  const { operator, request } = facts
  if (operator.via !== 'cookie') return 'bearer'
  if (
    !operator.active ||
    !(operator.roles.includes('approver') || operator.roles.includes('admin'))
  )
    return 'not_an_approver'
  if (request.state === 'expired') return 'expired'
  if (request.state !== 'pending') return 'not_pending'
  if (!(facts.now < request.expiresAt)) return 'expired'
  // To say no is open to every approver: it takes nothing from anybody.
  if (facts.decision === 'deny') return undefined
  if (request.filedBy === operator.id) return 'filed_it'
  if (facts.owners.length > 0 && !facts.owners.includes(operator.id)) return 'not_an_owner'
  if (facts.rule !== 'anyone' && operator.id === facts.agentOwner) return 'owner_of_the_agent'
  if (facts.proof === 'one_time_code' && (!facts.oneTimeCodes || facts.protected))
    return 'code_not_allowed'
  if (facts.standing !== 'active') return 'inactive'
  if (facts.frozen !== undefined) return 'frozen'
  return undefined
}
