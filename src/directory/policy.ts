/**
 * What may be done under a grant, as one record: the grant with its agent, its environment and its credential's
 * description. Read from the database once and kept until the feed says that the directory changed, so that a request
 * costs no query and a change is never missed (I8).
 */
import { LRUCache } from 'lru-cache'
import { boundBy } from '../core/access-request.ts'
import { effectiveTerms, type EffectiveTerms } from '../core/approval-terms.ts'
import type { BreakGlass } from '../core/break-glass.ts'
import type { Environment } from '../core/environment.ts'
import type { GrantState } from '../core/decide.ts'
import type { CredentialMint } from '../core/mint.ts'
import type { Place } from '../core/operation.ts'
import {
  nothingUnreviewed,
  unreviewedSince,
  type Catalogued,
  type Unreviewed,
} from '../core/reviewed.ts'
import type { Db } from '../db/open.ts'
import type { State } from '../db/types.ts'
import type { AgentId, CredentialId, EnvironmentId, GrantId, TrustRuleId } from '../ids.ts'
import { grantAskedUnder } from './access-request.ts'
import { confirmedBreakGlasses } from './break-glass.ts'
import { readAgent, type Agent } from './agent.ts'
import { readEnvironment, type EnvironmentRecord } from './environment.ts'
import { activeFreezes, type Freeze } from './freeze.ts'
import { readGrant, type Grant } from './grant.ts'
import { readCatalogueVersion } from './provider.ts'
import { rulesInForce } from './trust.ts'

/** A credential without its secret. */
export type CredentialView = {
  readonly id: CredentialId
  readonly version: number
  readonly provider: string
  readonly environmentId: string
  readonly origin: string
  readonly style: string
  readonly state: State
  /** Where its secret mints what goes out. */
  readonly mint?: CredentialMint
}

export type Policy = {
  /** With the limits of the one it was asked under, where it was made for a time. */
  readonly grant: Grant
  /** The grant that this one was asked under; undefined where an admin minted it. */
  readonly askedUnder?: GrantId | undefined
  readonly agent: Agent
  /** Who acts for it, the one who does now first; absent where it acts itself. They must all be active. */
  readonly actors?: readonly Agent[]
  readonly environment: Environment
  /** What the environment is bound to at the grant's provider, for what is minted narrower; absent where nothing is minted. */
  readonly mintBindings?: readonly { readonly kind: string; readonly id: string }[]
  /** On what terms a person is asked: the grant's and its environment's together. */
  readonly approvalTerms: EffectiveTerms
  /** See `EnvironmentRecord.binding`. */
  readonly binding: number
  readonly credential: CredentialView
  /** What the broker's own questions go out with; the credential that acts, where an admin gave no other. */
  readonly lookupCredential: CredentialView
  readonly freezes: readonly Freeze[]
  /** The agent's trust rules that hold, under one of which a workload's capability must have been issued. */
  readonly trustRules?: ReadonlySet<TrustRuleId> | undefined
  /** Those of its actors that hold, for each that showed by one who it is. */
  readonly actorRules?: ReadonlySet<TrustRuleId> | undefined
  /** Confirmed and not ended; when each is over, depends on the moment. */
  readonly breakGlass?: readonly BreakGlass[] | undefined
  /** What came, or changed, from the catalogue that the grant was reviewed against to the one of `catalogueVersion`. */
  readonly unreviewed: Unreviewed
  readonly catalogueVersion: string | undefined
  /** The worst state of grant, agent, environment and credential, but for expiry, which depends on the moment. */
  readonly state: Exclude<GrantState, 'expired'>
  /** Milliseconds since the epoch; infinite where the grant does not expire. */
  readonly expiresAt: number
}

/** A provider's catalogue, as far as grants are compared with it. */
export type CatalogueView = {
  readonly catalogueVersion: string
  operations(): Iterable<Catalogued>
}

export type PolicyReader = {
  /** Undefined where there is no such grant, or no such actor. Rejects where the database does not answer. */
  policyOf(grantId: GrantId, actors?: readonly AgentId[]): Promise<Policy | undefined>
  /** The same, where it is at hand and current; null where it must be read. */
  cached(grantId: GrantId, actors?: readonly AgentId[]): Policy | undefined | null
  clear(): void
}

export function createPolicyReader(
  db: Db,
  deps: {
    readonly readCredential: (id: CredentialId) => Promise<CredentialView | undefined>
    /** Undefined where no other credential than the acting one answers look-ups there. */
    readonly readLookupCredential: (
      environmentId: EnvironmentId,
      provider: string,
    ) => Promise<CredentialView | undefined>
    /** Spells a bound id as its provider's adapter spells places; undefined where the provider is not known. */
    readonly bindingPlace: (provider: string, kind: string, id: string) => Place | undefined
    readonly catalogue: (provider: string) => CatalogueView | undefined
  },
): PolicyReader {
  const cache = new LRUCache<string, { readonly policy: Policy | undefined }>({ max: 10_000 })
  // Two versions are two digests: how they differ is for ever, and the same for every grant between them.
  const differences = new LRUCache<string, Exclude<Unreviewed, 'all'>>({ max: 200 })
  // Raised by clear(): what was read before it must not be kept after it.
  let generation = 0

  async function unreviewedBy(
    grant: Grant,
    catalogue: CatalogueView | undefined,
  ): Promise<Unreviewed> {
    if (catalogue === undefined) return 'all'
    const { provider, catalogueVersion: before } = grant
    const { catalogueVersion: present } = catalogue
    if (before === present) return nothingUnreviewed
    const key = `${provider} ${before} ${present}`
    const known = differences.get(key)
    if (known !== undefined) return known
    const found = unreviewedSince(
      await readCatalogueVersion(db, provider, before),
      catalogue.operations(),
    )
    if (found !== 'all') differences.set(key, found)
    return found
  }

  return {
    cached(grantId, actors) {
      const hit = cache.get(keyOf(grantId, actors))
      return hit === undefined ? null : hit.policy
    },
    clear() {
      generation++
      cache.clear()
    },
    async policyOf(grantId, actors) {
      const key = keyOf(grantId, actors)
      const hit = cache.get(key)
      if (hit !== undefined) return hit.policy
      const startedIn = generation
      const policy = await readPolicy(db, deps, unreviewedBy, grantId, actors)
      if (startedIn === generation) cache.set(key, { policy })
      return policy
    },
  }
}

function keyOf(grantId: GrantId, actors: readonly AgentId[] = []): string {
  return actors.length === 0 ? grantId : [grantId, ...actors].join(' ')
}

async function readPolicy(
  db: Db,
  deps: Parameters<typeof createPolicyReader>[1],
  unreviewedBy: (grant: Grant, catalogue: CatalogueView | undefined) => Promise<Unreviewed>,
  grantId: GrantId,
  actorIds: readonly AgentId[] = [],
): Promise<Policy | undefined> {
  const own = await readGrant(db, grantId)
  if (own === undefined) return undefined
  const askedUnder = await grantAskedUnder(db, grantId)
  const base = askedUnder === undefined ? undefined : await readGrant(db, askedUnder)
  const grant = base === undefined ? own : boundBy(own, base)
  const catalogue = deps.catalogue(grant.provider)
  const [agent, record, credential, lookups, freezes, breakGlass, unreviewed, trustRules] =
    await Promise.all([
      readAgent(db, grant.agentId),
      readEnvironment(db, grant.environmentId),
      deps.readCredential(grant.credentialId),
      deps.readLookupCredential(grant.environmentId, grant.provider),
      activeFreezes(db),
      confirmedBreakGlasses(db, grant),
      unreviewedBy(grant, catalogue),
      rulesInForce(db, grant.agentId),
    ])
  if (agent === undefined || record === undefined || credential === undefined) return undefined
  const [found, actorRules] = await Promise.all([
    Promise.all(actorIds.map((id) => readAgent(db, id))),
    Promise.all(actorIds.map((id) => rulesInForce(db, id))),
  ])
  const actors = found.filter((actor) => actor !== undefined)
  if (actors.length < actorIds.length) return undefined
  return {
    grant,
    askedUnder,
    agent,
    ...(actors.length === 0
      ? {}
      : { actors, actorRules: new Set(actorRules.flatMap((rules) => [...rules])) }),
    environment: toEnvironment(record, deps.bindingPlace),
    ...(credential.mint === undefined && lookups?.mint === undefined
      ? {}
      : { mintBindings: bindingsAt(record, grant.provider) }),
    approvalTerms: effectiveTerms(grant.approvalTerms, record.approvalTerms),
    binding: record.binding,
    credential,
    lookupCredential: lookups ?? credential,
    freezes,
    trustRules,
    breakGlass,
    unreviewed,
    catalogueVersion: catalogue?.catalogueVersion,
    // A grant made for a time does not outlive the one it was asked under.
    state: worst([
      grant.state,
      ...(base === undefined ? [] : [base.state]),
      agent.state,
      ...actors.map(({ state }) => state),
      record.state,
      credential.state,
    ]),
    expiresAt: Math.min(endOf(grant), base === undefined ? Number.POSITIVE_INFINITY : endOf(base)),
  }
}

/** Milliseconds since the epoch. */
function endOf(grant: Grant): number {
  return grant.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY
}

/** What an environment is bound to at one provider, in an order that depends on nothing else. */
export function bindingsAt(
  record: Pick<EnvironmentRecord, 'bindings'>,
  provider: string,
): readonly { readonly kind: string; readonly id: string }[] {
  return record.bindings
    .filter((binding) => binding.provider === provider)
    .map(({ kind, id }) => ({ kind, id }))
    .sort((a, b) => (a.kind === b.kind ? (a.id < b.id ? -1 : 1) : a.kind < b.kind ? -1 : 1))
}

function worst(states: readonly State[]): State {
  if (states.includes('revoked')) return 'revoked'
  return states.includes('disabled') ? 'disabled' : 'active'
}

export function toEnvironment(
  record: EnvironmentRecord,
  bindingPlace: (provider: string, kind: string, id: string) => Place | undefined,
): Environment {
  const places = new Map<string, Set<Place>>()
  for (const binding of record.bindings) {
    const where = bindingPlace(binding.provider, binding.kind, binding.id)
    if (where === undefined) continue
    const known = places.get(binding.provider) ?? new Set()
    known.add(where)
    places.set(binding.provider, known)
  }
  return { id: record.id, name: record.name, protected: record.protected, places }
}
