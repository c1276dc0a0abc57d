/**
 * How a lease ends: wanted by somebody, by a revocation or by the clock; taken by one replica, tried at the provider,
 * tried again; or over by itself. Of all who try at once one succeeds, by the shared clock, and each change commits with
 * its audit entry or not at all.
 */
import { sql } from 'kysely'
import type { Tx } from '../db/open.ts'
import type { LeaseId, ReplicaId } from '../ids.ts'
import { openStates, type Lease, type RecordLease } from './lease.ts'
import { changed, closed } from './store.ts'
import { kindTerms } from './terms.ts'

/** Milliseconds for which a token is taken to work beyond its own end: the provider's clock is not ours. */
const clockSlack = 60_000
const sweptAtOnce = 100
/** Milliseconds between two attempts, at most. */
const longestPause = 300_000

/** Why nobody can say which token is meant. */
export const lostError =
  'the broker died, or heard nothing, while it was minted: whether there is a token, and which, is not known'

/**
 * From now on nobody may have it: `live` becomes `revoking`; what is being minted is ended as soon as it is there. Undefined
 * where it was ended before.
 */
export async function endLease(
  tx: Tx,
  id: LeaseId,
  input: { readonly by: string; readonly reason: string; readonly now: number },
  record: RecordLease,
): Promise<Lease | undefined> {
  const now = new Date(input.now)
  const rows = await tx
    .updateTable('lease')
    .set({
      state: sql`case state when 'live' then 'revoking' else state end`,
      ended_by: input.by,
      end_reason: input.reason,
      ended_at: now,
      next_try_at: now,
    })
    .where('id', '=', id)
    .where('state', 'in', ['live', 'minting'])
    .where('end_reason', 'is', null)
    .returningAll()
    .execute()
  return (await changed(tx, rows, record))[0]
}

/** For an admin who does not want to wait: an attempt now. False where there is nothing to try. */
export async function tryAgainNow(tx: Tx, id: LeaseId, now: number): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('lease')
    .set({ next_try_at: new Date(now) })
    .where('id', '=', id)
    .where('state', '=', 'could_not_revoke')
    .where('next_try_at', 'is not', null)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** An admin's word that it was ended by hand. False where it is not one that could not be revoked. */
export async function closeByHand(
  tx: Tx,
  id: LeaseId,
  input: { readonly by: string; readonly now: number },
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('lease')
    .set({
      ...closed('revoked', input.now),
      ended_by: input.by,
      end_reason: 'an operator ended it at the provider by hand',
    })
    .where('id', '=', id)
    .where('state', '=', 'could_not_revoke')
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/**
 * What time has ended, a hundred at most of each: tokens that stopped by themselves; leases that are over, which are
 * revoked now; and those whose replica was not heard of again while it minted.
 */
export async function sweepLeases(
  tx: Tx,
  now: number,
  revocable: (kind: string) => boolean,
  record: RecordLease,
): Promise<readonly Lease[]> {
  const some = (where: ReturnType<typeof sql<boolean>>) => sql<boolean>`id in (
    select id from lease where ${where} order by id limit ${sweptAtOnce} for update skip locked
  )`
  const at = new Date(now)
  const open = sql.join(openStates.map((state) => sql.lit(state)))
  const stopped = await tx
    .updateTable('lease')
    .set(closed('expired', now))
    .where(
      some(
        sql<boolean>`state in (${open}) and state <> 'minting' and works_until < ${new Date(now - clockSlack)}`,
      ),
    )
    .returningAll()
    .execute()
  const over = await tx
    .updateTable('lease')
    .set({ state: 'revoking', next_try_at: at })
    .where(some(sql<boolean>`state = 'live' and ends_at <= ${at}`))
    .returningAll()
    .execute()
  const lost = await tx
    .selectFrom('lease')
    .select(['id', 'kind', 'asked_at', 'narrowing'])
    .where('state', '=', 'minting')
    .where('held_until', '<', at)
    .orderBy('id')
    .limit(sweptAtOnce)
    .forUpdate()
    .skipLocked()
    .execute()
  const given = [...(await changed(tx, stopped, record)), ...(await changed(tx, over, record))]
  for (const { id, kind, asked_at, narrowing } of lost) {
    const seconds = Math.max(kindTerms(kind).longest, narrowing.seconds)
    const row = await markLost(tx, id, {
      state: revocable(kind) ? 'could_not_revoke' : 'not_revocable',
      worksUntil: Number.isFinite(seconds) ? asked_at.getTime() + seconds * 1000 : undefined,
      now,
    })
    given.push(...(await changed(tx, row, record)))
  }
  return given
}

/** Nothing can be tried at the provider: it stands until its own end, where it has one. */
function markLost(
  tx: Tx,
  id: LeaseId,
  input: {
    readonly state: 'could_not_revoke' | 'not_revocable'
    readonly worksUntil: number | undefined
    readonly now: number
  },
) {
  const now = new Date(input.now)
  return tx
    .updateTable('lease')
    .set({
      state: input.state,
      works_until: input.worksUntil === undefined ? null : new Date(input.worksUntil),
      ended_at: sql`coalesce(ended_at, ${now})`,
      failed_since: now,
      last_error: lostError,
      next_try_at: null,
      held_by: null,
      held_until: null,
    })
    .where('id', '=', id)
    .where('state', '=', 'minting')
    .returningAll()
    .execute()
}

/** Takes the next that is to be tried at its provider. Exactly one replica gets it, until `heldUntil`. */
export async function claimEnding(
  tx: Tx,
  input: { readonly replicaId: ReplicaId; readonly heldUntil: number; readonly now: number },
): Promise<Lease | undefined> {
  const at = new Date(input.now)
  const rows = await tx
    .updateTable('lease')
    .set({
      held_by: input.replicaId,
      held_until: new Date(input.heldUntil),
      attempts: sql`attempts + 1`,
    })
    .where(
      sql<boolean>`id = (
        select id from lease
        where state in ('revoking', 'could_not_revoke') and next_try_at <= ${at}
          and (held_until is null or held_until <= ${at})
        order by next_try_at, id limit 1 for update skip locked
      )`,
    )
    .returningAll()
    .execute()
  return (await changed(tx, rows, () => Promise.resolve()))[0]
}

export type Attempt =
  | { readonly kind: 'revoked' }
  /** The provider cannot end it. */
  | { readonly kind: 'impossible' }
  | { readonly kind: 'failed'; readonly error: string }

/** What came of an attempt, from whoever took it. Undefined, and nothing changed, where it is not theirs any more. */
export async function settleAttempt(
  tx: Tx,
  input: {
    readonly id: LeaseId
    readonly replicaId: ReplicaId
    readonly attempt: Attempt
    readonly attempts: number
    readonly now: number
  },
  record: RecordLease,
): Promise<Lease | undefined> {
  const { attempt, attempts, now } = input
  const rows = await tx
    .updateTable('lease')
    .set(became(attempt, attempts, now))
    .where('id', '=', input.id)
    .where('state', 'in', ['revoking', 'could_not_revoke'])
    .where('held_by', '=', input.replicaId)
    .where('attempts', '=', attempts)
    .returningAll()
    .execute()
  return (await changed(tx, rows, record))[0]
}

function became(attempt: Attempt, attempts: number, now: number) {
  switch (attempt.kind) {
    case 'revoked':
      return { ...closed('revoked', now), last_error: null }
    case 'impossible':
      // The token is no use to us any more.
      return {
        state: 'not_revocable',
        kek_id: null,
        sealed_token: null,
        next_try_at: null,
        held_by: null,
        held_until: null,
      } as const
    case 'failed': {
      const pause = Math.min(1000 * 2 ** Math.min(attempts - 1, 20), longestPause)
      return {
        state: 'could_not_revoke',
        failed_since: sql<Date>`coalesce(failed_since, ${new Date(now)})`,
        last_error: attempt.error,
        next_try_at: new Date(now + pause),
        held_by: null,
        held_until: null,
      } as const
    }
  }
}
