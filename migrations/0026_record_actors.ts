import { sql, type Kysely } from 'kysely'

/**
 * What was parked ends with the trust rule of each that acts in its capability, as with that of the capability itself; and
 * where the grant comes to ask for a bound one, unless it was bound. Of what is parked already that is not known: it counts
 * as not bound.
 *
 * For whom something was done can be asked for in the log. Only the few entries that were made on somebody's behalf say so in their
 * head, as a seventh word: the others are written as before, and nothing has an index to be kept.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('approval')
    .addColumn('actor_rules', sql`text[]`, (c) => c.notNull().defaultTo(sql`'{}'`))
    .addColumn('bound', 'boolean', (c) => c.notNull().defaultTo(false))
    .execute()

  await sql`
    create or replace view audit_entry as
    select
      batch.id * 512 + entry.place - 1 as id,
      batch.id as batch_id,
      entry.place,
      batch.first_at,
      batch.last_at,
      batch.heads,
      batch.replica_id,
      split_part(entry.head, ' ', 1)::timestamptz as at,
      split_part(entry.head, ' ', 2) as kind,
      split_part(entry.head, ' ', 3) as result,
      split_part(entry.head, ' ', 4) as correlation_id,
      nullif(split_part(entry.head, ' ', 5), '') as actor_id,
      nullif(split_part(entry.head, ' ', 6), '') as environment_id,
      entry.canonical,
      sha256('\\x00'::bytea || convert_to(entry.canonical, 'UTF8')) as leaf_hash,
      string_to_array(nullif(split_part(entry.head, ' ', 7), ''), ',') as on_behalf_of
    from audit_batch as batch
    cross join lateral unnest(
      string_to_array(batch.heads, e'\\n'), string_to_array(batch.entries, e'\\n')
    ) with ordinality as entry(head, canonical, place)
  `.execute(db)
}
