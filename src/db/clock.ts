/** The one clock that replicas compare by: what one of them holds, claims or lets run out, another looks at. */
import { sql } from 'kysely'
import type { Db, Tx } from './open.ts'

/** Milliseconds since the epoch. Rejects where the database does not answer. */
export type SharedClock = (db: Db | Tx) => Promise<number>

/** The database's own, as it is now and not when its transaction began. */
export const databaseClock: SharedClock = async (db) => {
  const { rows } = await sql<{ at: Date }>`select clock_timestamp() as at`.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error('the database did not say what time it is')
  return row.at.getTime()
}
