/**
 * What may be done under a grant, as one record: the grant with its agent, its environment and its credential's
 * description. Read from the database once and kept until the feed says that the directory changed, so that a request
 * costs no query and a change is never missed (I8).
 */
import { LRUCache } from 'lru-cache'
import type { Environment } from '../core/environment.ts'
import type { GrantState } from '../core/decide.ts'
import type { Place } from '../core/operation.ts'
import type { Db } from '../db/open.ts'
import type { State } from '../db/types.ts'
import type { CredentialId, GrantId } from '../ids.ts'
import { readAgent, type Agent } from './agent.ts'
import { readEnvironment, type EnvironmentRecord } from './environment.ts'
import { activeFreezes, type Freeze } from './freeze.ts'
import { readGrant, type Grant } from './grant.ts'

/** A credential without its secret. */
export type CredentialView = {
  readonly id: CredentialId
  readonly version: number
  readonly provider: string
  readonly environmentId: string
  readonly origin: string
  readonly style: string
  readonly state: State
}

export type Policy = {
  readonly grant: Grant
  readonly agent: Agent
  readonly environment: Environment
  /** See `EnvironmentRecord.binding`. */
  readonly binding: number
  readonly credential: CredentialView
  readonly freezes: readonly Freeze[]
  /** The worst state of grant, agent, environment and credential, but for expiry, which depends on the moment. */
  readonly state: Exclude<GrantState, 'expired'>
  /** Milliseconds since the epoch; infinite where the grant does not expire. */
  readonly expiresAt: number
}

export type PolicyReader = {
  /** Undefined where there is no such grant. Rejects where the database does not answer. */
  policyOf(grantId: GrantId): Promise<Policy | undefined>
  /** The same, where it is at hand and current; null where it must be read. */
  cached(grantId: GrantId): Policy | undefined | null
  clear(): void
}

export function createPolicyReader(
  db: Db,
  deps: {
    readonly readCredential: (id: CredentialId) => Promise<CredentialView | undefined>
    /** Spells a bound id as its provider's adapter spells places; undefined where the provider is not known. */
    readonly bindingPlace: (provider: string, kind: string, id: string) => Place | undefined
  },
): PolicyReader {
  const cache = new LRUCache<GrantId, { readonly policy: Policy | undefined }>({ max: 10_000 })
  // Raised by clear(): what was read before it must not be kept after it.
  let generation = 0

  return {
    cached(grantId) {
      const hit = cache.get(grantId)
      return hit === undefined ? null : hit.policy
    },
    clear() {
      generation++
      cache.clear()
    },
    async policyOf(grantId) {
      const hit = cache.get(grantId)
      if (hit !== undefined) return hit.policy
      const startedIn = generation
      const policy = await readPolicy(db, deps, grantId)
      if (startedIn === generation) cache.set(grantId, { policy })
      return policy
    },
  }
}

async function readPolicy(
  db: Db,
  deps: Parameters<typeof createPolicyReader>[1],
  grantId: GrantId,
): Promise<Policy | undefined> {
  const grant = await readGrant(db, grantId)
  if (grant === undefined) return undefined
  const [agent, record, credential, freezes] = await Promise.all([
    readAgent(db, grant.agentId),
    readEnvironment(db, grant.environmentId),
    deps.readCredential(grant.credentialId),
    activeFreezes(db),
  ])
  if (agent === undefined || record === undefined || credential === undefined) return undefined
  return {
    grant,
    agent,
    environment: toEnvironment(record, deps.bindingPlace),
    binding: record.binding,
    credential,
    freezes,
    state: worst([grant.state, agent.state, record.state, credential.state]),
    expiresAt: grant.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY,
  }
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
