/**
 * What there is to back up, as the database itself says: no list of tables that the next migration could be left out
 * of. Only the migrations' own bookkeeping is left aside; a backup names the migrations in its header.
 */
import { sql } from 'kysely'
import type { Db, Tx } from '../db/open.ts'

export type Table = {
  readonly name: string
  /** In the order of the table. */
  readonly columns: readonly string[]
}

/** All tables, each after those that it refers to. Throws where they refer to one another in a circle. */
export async function listTables(db: Db | Tx): Promise<readonly Table[]> {
  const { rows } = await sql<{ name: string; columns: string[]; refers: string[] }>`
    select c.relname as name,
      array(
        select a.attname::text from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum
      ) as columns,
      array(
        select f.relname::text from pg_constraint k join pg_class f on f.oid = k.confrelid
        where k.conrelid = c.oid and k.contype = 'f' and k.confrelid <> c.oid
      ) as refers
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition
      and c.relname not like 'kysely\\_migration%'
    order by c.relname
  `.execute(db)
  const ordered: Table[] = []
  let left = rows
  while (left.length > 0) {
    const ready = left.filter(({ refers }) =>
      refers.every((name) => ordered.some((table) => table.name === name)),
    )
    if (ready.length === 0)
      throw new Error(`tables refer to one another: ${left.map(({ name }) => name).join(', ')}`)
    for (const { name, columns } of ready) ordered.push({ name, columns })
    left = left.filter((row) => !ready.includes(row))
  }
  return ordered
}

/** Columns whose values the database counts up by itself: after a restore it must go on where it was. */
export async function listIdentities(
  db: Db | Tx,
): Promise<readonly { readonly table: string; readonly column: string }[]> {
  const { rows } = await sql<{ table: string; column: string }>`
    select table_name::text as "table", column_name::text as "column" from information_schema.columns
    where table_schema = 'public' and is_identity = 'YES'
  `.execute(db)
  return rows
}
