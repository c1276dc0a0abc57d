/**
 * Closes what a replica that died left open. Each replica shows a sign of life every second; one that has shown none
 * for `deadAfter` is taken off the list by whichever sees it first, in one transaction with an outcome `unknown` for
 * each of its intents that has none (I2).
 */
import { sql } from 'kysely'
import type { Db, Tx } from '../db/open.ts'
import { newId, type ReplicaId } from '../ids.ts'
import { toLine, writeWithin } from './batch.ts'
import type { OutcomeEntry } from './entry.ts'

/** Milliseconds without a sign of life after which a replica counts as dead. */
export const deadAfter = 10_000
const signEvery = 1_000
/** How far a clock may have been set back, in milliseconds. */
const clockGrace = 10_000
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
  // By this broker's clock, like its entries.
  await db
    .insertInto('replica')
    .values({ id, open_since: new Date(now()) })
    .execute()
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
        (options.openSince() === undefined
          ? db.deleteFrom('replica').where('id', '=', id).execute()
          : closeReplicas(options.unhurried, [id], now)
        ).catch(() => undefined),
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
      const open = await openIntents(tx, replica.id, replica.open_since)
      await writeWithin(
        tx,
        open.map(({ correlation_id, intent }) => {
          const { actor, environment } = JSON.parse(intent) as Pick<
            OutcomeEntry,
            'actor' | 'environment'
          >
          return toLine({
            kind: 'outcome',
            result: 'unknown',
            at: now(),
            correlationId: correlation_id,
            actor,
            environment,
            detail: 'the replica that sent it ended before it could say what came of it',
          })
        }),
      )
      closed += open.length
    }
    return closed
  })
}

type OpenIntent = { readonly correlation_id: string; readonly intent: string }

/** What a replica sent, or was about to, and of which nobody said how it ended. Outcomes are the replica's own. */
async function openIntents(tx: Tx, id: string, openSince: Date): Promise<readonly OpenIntent[]> {
  // Grace for a clock that was set back between an entry and the sign of life after it.
  const since = new Date(openSince.getTime() - clockGrace)
  // Grouped, not joined: for an anti-join without statistics, which a crash takes away, the planner takes every
  // outcome for each intent, and a busy minute is many of both.
  const { rows } = await sql<OpenIntent>`
    select correlation_id, min(canonical) filter (where kind <> 'outcome') as intent
    from audit_entry
    where last_at >= ${since}::timestamptz
      and (replica_id = ${id} or replica_id is null)
      and (kind in ('outcome', 'lookup') or (kind = 'decision' and result = 'allow'))
    group by correlation_id
    having not bool_or(kind = 'outcome')
  `.execute(tx)
  return rows
}

export function newReplicaId(): ReplicaId {
  return newId('replica')
}
