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
/** How long a broker that stops may take over its own, in milliseconds. */
const longestClosing = 5_000

export type Presence = { close(): Promise<void> }

/** Registers this replica. `alone`: nobody else can be on this database, so whatever is registered is dead. */
export async function openPresence(
  db: Db,
  id: ReplicaId,
  options: {
    readonly alone: boolean
    /**
     * The same database without a limit on its statements: what a long log takes to look through must not keep a broker
     * from starting, nor the dead from being closed.
     */
    readonly unhurried: Db
    readonly now?: () => number
    /** When the oldest open intent of this replica was made; see `AuditLog.openSince`. */
    readonly openSince: () => number | undefined
  },
): Promise<Presence> {
  const now = options.now ?? Date.now
  if (options.alone) await closeDead(options.unhurried, 0, now)
  await db.insertInto('replica').values({ id }).execute()
  let running: Promise<void> = Promise.resolve()
  let busy = false
  let closing: Promise<unknown> | undefined
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
        // Not waited for: signs of life go on meanwhile.
        if ((await deadReplicas(db, deadAfter)).length > 0)
          closing ??= closeDead(options.unhurried, deadAfter, now)
            .catch(() => undefined)
            .finally(() => (closing = undefined))
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
      // Stopped in order: its outcomes are written, and what is still open after that is closed here and now, or by
      // another where that takes too long.
      let giveUp: NodeJS.Timeout | undefined
      await Promise.race([
        closeReplicas(options.unhurried, [id], now).catch(() => undefined),
        new Promise((resolve) => {
          giveUp = setTimeout(resolve, longestClosing)
        }),
      ])
      clearTimeout(giveUp)
    },
  }
}

/** Closes the intents of replicas unseen for `silence` milliseconds. Returns how many. */
export async function closeDead(
  db: Db,
  silence: number,
  now: () => number = Date.now,
): Promise<number> {
  const dead = await deadReplicas(db, silence)
  return dead.length === 0 ? 0 : closeReplicas(db, dead, now)
}

async function deadReplicas(db: Db, silence: number): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('replica')
    .select('id')
    .where('seen_at', '<=', sql<Date>`now() - make_interval(secs => ${silence / 1000})`)
    .execute()
  return rows.map((row) => row.id)
}

type OpenIntent = {
  readonly correlation_id: string
  readonly actor_id: string | null
  readonly environment_id: string | null
  readonly canonical: string
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
      // A minute's grace for a broker whose clock runs behind the database's.
      const since = new Date(replica.open_since.getTime() - 60_000)
      // Grouped, not joined: for an anti-join without statistics, which a crash takes away, the planner takes every
      // outcome for each intent, and a busy minute is many of both.
      const { rows: open } = await sql<OpenIntent>`
        select correlation_id,
          min(actor_id) filter (where kind <> 'outcome') as actor_id,
          min(environment_id) filter (where kind <> 'outcome') as environment_id,
          min(canonical) filter (where kind <> 'outcome') as canonical
        from audit_entry
        where at >= ${since}::timestamptz
          and (kind = 'outcome' or (replica_id = ${replica.id}
            and (kind = 'lookup' or (kind = 'decision' and result = 'allow'))))
        group by correlation_id
        having not bool_or(kind = 'outcome')
      `.execute(tx)
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
