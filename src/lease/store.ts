/**
 * Leases: what was minted at a provider and must be ended there. Guarantees, over any number of replicas and against a
 * crash at any moment: there is a row before anything is minted; a row is closed only when the provider has ended the
 * token, or its own time has, or nothing was minted; each change commits with its audit entry or not at all.
 */
import { sql } from 'kysely'
import type { Db, Tx } from '../db/open.ts'
import type { LeaseState, Row } from '../db/types.ts'
import {
  newId,
  type AgentId,
  type EnvironmentId,
  type GrantId,
  type LeaseId,
  type ReplicaId,
} from '../ids.ts'
import { openStates, toLease, type Lease, type RecordLease } from './lease.ts'
import type { SealedToken } from './sealed.ts'

export type NewLease = Pick<
  Lease,
  | 'purpose'
  | 'agentId'
  | 'grantId'
  | 'environmentId'
  | 'provider'
  | 'credential'
  | 'kind'
  | 'capabilityId'
  | 'ancestors'
  | 'actors'
  | 'ruleId'
  | 'actorRules'
  | 'bound'
  | 'verbs'
  | 'binding'
  | 'narrowing'
> & {
  readonly replicaId: ReplicaId
  /** Unless the outcome is there by then, nobody knows what became of it. */
  readonly heldUntil: number
  readonly now: number
}

/** Before anything is minted. */
export async function openLease(tx: Tx, lease: NewLease): Promise<LeaseId> {
  const id = newId('lease', lease.now)
  await tx
    .insertInto('lease')
    .values({
      id,
      state: 'minting',
      purpose: lease.purpose,
      agent_id: lease.agentId,
      grant_id: lease.grantId,
      environment_id: lease.environmentId,
      provider: lease.provider,
      credential_id: lease.credential.id,
      credential_version: lease.credential.version,
      kind: lease.kind,
      capability_id: lease.capabilityId,
      ancestors: [...lease.ancestors],
      actors: [...lease.actors],
      trust_rule_id: lease.ruleId,
      actor_rules: [...lease.actorRules],
      bound: lease.bound,
      verbs: [...lease.verbs],
      binding: lease.binding,
      narrowing: JSON.stringify(lease.narrowing),
      asked_at: new Date(lease.now),
      ends_at: new Date(lease.now + lease.narrowing.seconds * 1000),
      held_by: lease.replicaId,
      held_until: new Date(lease.heldUntil),
    })
    .execute()
  return id
}

/** How many of a grant may still work. To be asked under a lock on the grant. */
export async function openLeasesOf(tx: Tx, grantId: GrantId): Promise<number> {
  const { count } = await tx
    .selectFrom('lease')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('grant_id', '=', grantId)
    .where('state', 'in', openStates)
    .executeTakeFirstOrThrow()
  return Number(count)
}

/**
 * What was minted for a row: `live`, or `revoking` where it was ended meanwhile, or where its replica was so slow that it
 * counted as dead. Undefined where the row is closed: the caller must end the token itself.
 */
export async function keepMinted(
  tx: Tx,
  id: LeaseId,
  minted: {
    readonly token: SealedToken | undefined
    readonly handle: string | undefined
    readonly endsAt: number
    readonly worksUntil: number | undefined
    readonly now: number
  },
): Promise<Lease | undefined> {
  const { token, handle, worksUntil, now } = minted
  const row = await tx
    .updateTable('lease')
    .set({
      state: sql<LeaseState>`case when state = 'minting' and end_reason is null then 'live' else 'revoking' end`,
      kek_id: token?.kekId ?? null,
      sealed_token: token?.sealed ?? null,
      handle: handle ?? null,
      ends_at: new Date(minted.endsAt),
      works_until: worksUntil === undefined ? null : new Date(worksUntil),
      next_try_at: new Date(now),
      last_error: null,
      held_by: null,
      held_until: null,
    })
    .where('id', '=', id)
    .where((e) =>
      e.or([
        e('state', '=', 'minting'),
        // Given up for lost, and found again.
        e.and([
          e('state', 'in', ['could_not_revoke', 'not_revocable']),
          e('sealed_token', 'is', null),
          e('handle', 'is', null),
        ]),
      ]),
    )
    .returningAll()
    .executeTakeFirst()
  return row && toLease(row)
}

/** Nothing was minted. Undefined where it is not `minting` any more. */
export async function closeUnminted(
  tx: Tx,
  id: LeaseId,
  why: string,
  now: number,
): Promise<Lease | undefined> {
  const row = await tx
    .updateTable('lease')
    .set({ ...closed('not_minted', now), last_error: why })
    .where('id', '=', id)
    .where('state', '=', 'minting')
    .returningAll()
    .executeTakeFirst()
  return row && toLease(row)
}

/** What is closed holds no token, and nobody is at it. */
export const closed = (state: 'revoked' | 'expired' | 'not_minted', now: number) =>
  ({
    state,
    settled_at: new Date(now),
    kek_id: null,
    sealed_token: null,
    next_try_at: null,
    held_by: null,
    held_until: null,
  }) as const

export async function readLease(db: Db | Tx, id: LeaseId): Promise<Lease | undefined> {
  const row = await db.selectFrom('lease').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toLease(row)
}

export async function sealedTokenOf(db: Db | Tx, id: LeaseId): Promise<Buffer | undefined> {
  const row = await db
    .selectFrom('lease')
    .select('sealed_token')
    .where('id', '=', id)
    .executeTakeFirst()
  return row?.sealed_token ?? undefined
}

export async function listLeases(
  db: Db | Tx,
  page: {
    readonly limit: number
    readonly after: string
    readonly states?: readonly LeaseState[] | undefined
    readonly grantId?: GrantId | undefined
    readonly agentId?: AgentId | undefined
    readonly environmentId?: EnvironmentId | undefined
    readonly purpose?: Lease['purpose'] | undefined
    /** Only those whose last actors are these. */
    readonly actors?: readonly AgentId[] | undefined
  },
): Promise<readonly Lease[]> {
  const { states, grantId, agentId, environmentId, purpose, actors = [] } = page
  let query = db
    .selectFrom('lease')
    .selectAll()
    .where('id', '>', page.after as LeaseId)
  if (states !== undefined) query = query.where('state', 'in', states)
  if (grantId !== undefined) query = query.where('grant_id', '=', grantId)
  if (agentId !== undefined) query = query.where('agent_id', '=', agentId)
  if (environmentId !== undefined) query = query.where('environment_id', '=', environmentId)
  if (purpose !== undefined) query = query.where('purpose', '=', purpose)
  if (actors.length > 0)
    query = query.where(
      sql<boolean>`actors[cardinality(actors) - ${actors.length} + 1:] = ${[...actors]}::text[]`,
    )
  const rows = await query.orderBy('id').limit(page.limit).execute()
  return rows.map(toLease)
}

/** Each row of an update, as a lease, with its entry. */
export async function changed(
  tx: Tx,
  rows: readonly Row<'lease'>[],
  record: RecordLease,
): Promise<readonly Lease[]> {
  const leases = rows.map(toLease)
  for (const lease of leases) await record(tx, lease)
  return leases
}
