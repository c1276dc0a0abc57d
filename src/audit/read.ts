/** Reads the log, newest first, for those who may. */
import { sql } from 'kysely'
import type { Db } from '../db/open.ts'
import { timeOfId } from '../ids.ts'
import { batchOf } from './batch.ts'

/** The longest that an outcome can come after its intent, in milliseconds: a day, for an answer that streams. */
const longestExchange = 86_400_000

export type AuditFilter = {
  readonly kind?: string | undefined
  /** Who did it, or on whose behalf it was done. */
  readonly actorId?: string | undefined
  readonly environmentId?: string | undefined
  readonly correlationId?: string | undefined
  readonly result?: string | undefined
  readonly since?: Date | undefined
  readonly until?: Date | undefined
}

export type StoredEntry = {
  /** The position in which the database took it. Not yet its place in the tree. */
  readonly id: number
  /** The exact text that was hashed. */
  readonly canonical: string
  readonly leafHash: Buffer
}

/** At most `limit` entries older than `before`, or, with `after`, the oldest that are newer. */
export async function readAudit(
  db: Db,
  filter: AuditFilter,
  page: {
    readonly limit: number
    readonly before?: number | undefined
    readonly after?: number | undefined
  },
): Promise<readonly StoredEntry[]> {
  let query = db.selectFrom('audit_entry').select(['id', 'canonical', 'leaf_hash'])
  // What no entry of a batch names is not looked for in each of them.
  const naming = (text: string) => sql<boolean>`strpos(heads, ${text}) > 0`
  if (filter.kind !== undefined)
    query = query.where(naming(filter.kind)).where('kind', '=', filter.kind)
  const { actorId } = filter
  if (actorId !== undefined)
    query = query
      .where(naming(actorId))
      .where((is) =>
        is.or([
          is('actor_id', '=', actorId),
          sql<boolean>`${actorId} = any (${is.ref('on_behalf_of')})`,
        ]),
      )
  if (filter.environmentId !== undefined)
    query = query
      .where(naming(filter.environmentId))
      .where('environment_id', '=', filter.environmentId)
  if (filter.correlationId !== undefined) {
    // Its id says when it was made: without an index of their own, the entries are found by their time.
    const made = timeOfId(filter.correlationId)
    query = query
      .where('last_at', '>=', new Date(made - 60_000))
      .where('first_at', '<', new Date(made + longestExchange))
      .where(naming(filter.correlationId))
      .where('correlation_id', '=', filter.correlationId)
  }
  if (filter.result !== undefined)
    query = query.where(naming(filter.result)).where('result', '=', filter.result)
  if (filter.since !== undefined)
    query = query.where('last_at', '>=', filter.since).where('at', '>=', filter.since)
  if (filter.until !== undefined)
    query = query.where('first_at', '<', filter.until).where('at', '<', filter.until)
  if (page.before !== undefined)
    query = query
      .where('batch_id', '<=', String(batchOf(page.before)))
      .where('id', '<', String(page.before))
  if (page.after !== undefined)
    query = query
      .where('batch_id', '>=', String(batchOf(page.after)))
      .where('id', '>', String(page.after))
  const order = page.after === undefined ? 'desc' : 'asc'
  const rows = await query
    // As the index of batches has them: `id`, which is made of both, has none.
    .orderBy('batch_id', order)
    .orderBy('place', order)
    .limit(page.limit)
    .execute()
  return rows.map((row) => ({
    id: Number(row.id),
    canonical: row.canonical,
    leafHash: row.leaf_hash,
  }))
}
