/** Reads the log, newest first, for those who may. */
import type { Db } from '../db/open.ts'
import { timeOfId } from '../ids.ts'

/** The longest that an outcome can come after its intent, in milliseconds: a day, for an answer that streams. */
const longestExchange = 86_400_000

export type AuditFilter = {
  readonly kind?: string | undefined
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
  if (filter.kind !== undefined) query = query.where('kind', '=', filter.kind)
  if (filter.actorId !== undefined) query = query.where('actor_id', '=', filter.actorId)
  if (filter.environmentId !== undefined)
    query = query.where('environment_id', '=', filter.environmentId)
  if (filter.correlationId !== undefined) {
    // Its id says when it was made: without an index of their own, the entries are found by their time.
    const made = timeOfId(filter.correlationId)
    query = query
      .where('correlation_id', '=', filter.correlationId)
      .where('at', '>=', new Date(made - 60_000))
      .where('at', '<', new Date(made + longestExchange))
  }
  if (filter.result !== undefined) query = query.where('result', '=', filter.result)
  if (filter.since !== undefined) query = query.where('at', '>=', filter.since)
  if (filter.until !== undefined) query = query.where('at', '<', filter.until)
  if (page.before !== undefined) query = query.where('id', '<', String(page.before))
  if (page.after !== undefined) query = query.where('id', '>', String(page.after))
  const rows = await query
    .orderBy('id', page.after === undefined ? 'desc' : 'asc')
    .limit(page.limit)
    .execute()
  return rows.map((row) => ({
    id: Number(row.id),
    canonical: row.canonical,
    leafHash: row.leaf_hash,
  }))
}
