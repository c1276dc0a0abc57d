/**
 * Writes entries to the database, one row for all that come together. Contract: when a write resolves, its entries are
 * on disk; when it rejects, they may be.
 */
import type pg from 'pg'
import type { Tx } from '../db/open.ts'
import type { ReplicaId } from '../ids.ts'
import { canonicalEntry, timeText, type AuditEntry } from './entry.ts'

/** One entry as it is kept. */
export type Line = {
  readonly at: number
  /** What filters ask for; see migrations 0009 and 0026. */
  readonly head: string
  readonly canonical: string
}

/** The most entries of one batch, fewer than there are ids for. */
export const batchSize = 500

/** The batch in which an entry is: its id is the batch's times 512, and its place there (migration 0009). */
export function batchOf(entryId: number): number {
  return Math.floor(entryId / 512)
}

export type Writer = {
  write(batch: readonly Line[]): Promise<void>
  release(): void
}

export function toLine(entry: AuditEntry): Line {
  const { at, kind, result, correlationId, actor, environment, onBehalfOf } = entry
  let head = `${timeText(at)} ${kind} ${result} ${correlationId} ${actor.id} ${environment?.id ?? ''}`
  if (onBehalfOf !== undefined) head += ` ${onBehalfOf.map(({ id }) => id).join()}`
  // Ids and words hold none; one that did would give every entry after it the head of another.
  if (head.includes('\n')) throw new RangeError('an id in an audit entry holds a line feed')
  return { at, head, canonical: canonicalEntry(entry) }
}

/** A writer keeps its connection: to take one from the pool and give it back costs half as much as the insert. */
export function createWriter(pool: pg.Pool, replicaId: ReplicaId): Writer {
  let held: pg.PoolClient | undefined
  return {
    async write(batch) {
      const client = (held ??= await connect(pool))
      const { firstAt, lastAt, heads, entries } = rowOf(batch)
      try {
        await client.query({
          name: 'append',
          text: 'insert into audit_batch (replica_id, first_at, last_at, heads, entries) values ($1, $2, $3, $4, $5)',
          values: [replicaId, timeText(firstAt), timeText(lastAt), heads, entries],
        })
      } catch (error) {
        held = undefined
        client.release(true)
        throw error
      }
    },
    release() {
      held?.release()
      held = undefined
    },
  }
}

/** For what must be atomic with a change in the database: the entries are there exactly if the change is. */
export async function writeWithin(tx: Tx, batch: readonly Line[]): Promise<void> {
  for (let i = 0; i < batch.length; i += batchSize) {
    const { firstAt, lastAt, heads, entries } = rowOf(batch.slice(i, i + batchSize))
    await tx
      .insertInto('audit_batch')
      .values({
        replica_id: null,
        first_at: new Date(firstAt),
        last_at: new Date(lastAt),
        heads,
        entries,
      })
      .execute()
  }
}

/** Parted by line feeds, which no entry holds: canonical JSON escapes them. */
function rowOf(batch: readonly Line[]): {
  firstAt: number
  lastAt: number
  heads: string
  entries: string
} {
  let heads = ''
  let entries = ''
  let firstAt = Infinity
  let lastAt = -Infinity
  for (const { at, head, canonical } of batch) {
    const feed = entries === '' ? '' : '\n'
    heads += feed + head
    entries += feed + canonical
    if (at < firstAt) firstAt = at
    if (at > lastAt) lastAt = at
  }
  return { firstAt, lastAt, heads, entries }
}

async function connect(pool: pg.Pool): Promise<pg.PoolClient> {
  const client = await pool.connect()
  // A connection that breaks while nothing is asked of it is found broken by the next insert.
  client.on('error', () => undefined)
  return client
}
