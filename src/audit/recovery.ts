/**
 * Closes what a replica that died left open. Each replica shows a sign of life every second; one that has shown none
 * for `deadAfter` is taken off the list by whichever sees it first, in one transaction with an outcome `unknown` for
 * each of its intents that has none (I2).
 */
import { sql } from 'kysely'
import type { Db } from '../db/open.ts'
import { newId, type ReplicaId } from '../ids.ts'
import { canonicalEntry, leafHash, type OutcomeEntry } from './entry.ts'

/** Milliseconds without a sign of life after which a replica counts as dead. */
export const deadAfter = 10_000
const signEvery = 1_000

export type Presence = { close(): Promise<void> }

/** Registers this replica. `alone`: nobody else can be on this database, so whatever is registered is dead. */
export async function openPresence(
  db: Db,
  id: ReplicaId,
  options: {
    readonly alone: boolean
    readonly now?: () => number
    /** When the oldest open intent of this replica was made; see `AuditLog.openSince`. */
    readonly openSince: () => number | undefined
  },
): Promise<Presence> {
  const now = options.now ?? Date.now
  if (options.alone) await closeDead(db, 0, now)
  await db.insertInto('replica').values({ id }).execute()
  let running: Promise<void> = Promise.resolve()
  let busy = false
  const timer = setInterval(() => {
    if (busy) return
    busy = true
    running = (async () => {
      try {
        // Read before it is written down: an intent that comes meanwhile is younger than both.
        const since = new Date(options.openSince() ?? now())
        await sql`
          insert into replica (id, open_since) values (${id}, ${since})
          on conflict (id) do update set seen_at = now(), open_since = ${since}
        `.execute(db)
        await closeDead(db, deadAfter, now)
      } catch {
        // The database is away; the next sign of life is a second off.
      } finally {
        busy = false
      }
    })()
  }, signEvery)
  timer.unref()
  return {
    async close() {
      clearInterval(timer)
      await running
      // Stopped in order: its outcomes are written, and what is still open after that is closed here and now.
      await closeReplicas(db, [id], now).catch(() => undefined)
    },
  }
}

/** Closes the intents of replicas unseen for `silence` milliseconds. Returns how many. */
export async function closeDead(
  db: Db,
  silence: number,
  now: () => number = Date.now,
): Promise<number> {
  const dead = await db
    .selectFrom('replica')
    .select('id')
    .where('seen_at', '<=', sql<Date>`now() - make_interval(secs => ${silence / 1000})`)
    .execute()
  return dead.length === 0
    ? 0
    : closeReplicas(
        db,
        dead.map((row) => row.id),
        now,
      )
}

async function closeReplicas(db: Db, ids: readonly string[], now: () => number): Promise<number> {
  return db.transaction().execute(async (tx) => {
    const mine = await tx
      .deleteFrom('replica')
      .where('id', 'in', (q) =>
        q.selectFrom('replica').select('id').where('id', 'in', ids).forUpdate().skipLocked(),
      )
      .returning(['id', 'open_since'])
      .execute()
    let closed = 0
    for (const replica of mine) {
      const since = new Date(replica.open_since.getTime() - 60_000)
      const open = await tx
        .selectFrom('audit_entry as intent')
        .select([
          'intent.correlation_id',
          'intent.actor_id',
          'intent.environment_id',
          'intent.canonical',
        ])
        .where('intent.replica_id', '=', replica.id)
        // A minute's grace for a broker whose clock runs behind the database's.
        .where('intent.at', '>=', sql<Date>`${since}::timestamptz`)
        .where((e) =>
          e.or([
            e.and([e('intent.kind', '=', 'decision'), e('intent.result', '=', 'allow')]),
            e('intent.kind', '=', 'lookup'),
          ]),
        )
        .where((e) =>
          e.not(
            e.exists(
              e
                .selectFrom('audit_entry as outcome')
                .select('outcome.id')
                .whereRef('outcome.correlation_id', '=', 'intent.correlation_id')
                .where('outcome.kind', '=', 'outcome')
                .where('outcome.at', '>=', sql<Date>`${since}::timestamptz`),
            ),
          ),
        )
        .execute()
      const rows = open.map((intent) => {
        const { actor, environment } = JSON.parse(intent.canonical) as Pick<
          OutcomeEntry,
          'actor' | 'environment'
        >
        const entry: OutcomeEntry = {
          kind: 'outcome',
          result: 'unknown',
          at: now(),
          correlationId: intent.correlation_id,
          actor,
          environment,
          detail: 'the replica that sent it ended before it could say what came of it',
        }
        const canonical = canonicalEntry(entry)
        return {
          at: new Date(entry.at),
          kind: entry.kind,
          correlation_id: entry.correlationId,
          replica_id: null,
          actor_id: intent.actor_id,
          environment_id: intent.environment_id,
          result: entry.result,
          canonical,
          leaf_hash: leafHash(canonical),
        }
      })
      for (let i = 0; i < rows.length; i += 500) {
        await tx
          .insertInto('audit_entry')
          .values(rows.slice(i, i + 500))
          .execute()
      }
      closed += rows.length
    }
    return closed
  })
}

export function newReplicaId(): ReplicaId {
  return newId('replica')
}
