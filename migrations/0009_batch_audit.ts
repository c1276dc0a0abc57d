import { sql, type Kysely } from 'kysely'

/**
 * The entries that one insert makes durable together become one row. A row each cost PostgreSQL more than all else that
 * the broker asks of it, and nothing read them one by one: whoever filters looks through a stretch of the log.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('audit_batch')
    .addColumn('id', 'bigint', (c) => c.primaryKey().generatedAlwaysAsIdentity())
    .addColumn('replica_id', 'text')
    // When the oldest and the newest of its entries were made.
    .addColumn('first_at', 'timestamptz', (c) => c.notNull())
    .addColumn('last_at', 'timestamptz', (c) => c.notNull())
    // Of each entry what filters ask for, a line each: at, kind, result, correlation, actor, environment or nothing.
    .addColumn('heads', 'text', (c) => c.notNull())
    // The entries themselves (RFC 8785, as UTF-8), parted by line feeds, which canonical JSON escapes.
    .addColumn('entries', 'text', (c) => c.notNull().check(sql`entries <> ''`))
    .execute()
  // To compress costs more than it saves while a request waits for it.
  await sql`alter table audit_batch alter column heads set storage external, alter column entries set storage external`.execute(
    db,
  )
  // Batches arrive nearly in the order of time, for which a block range index is enough and costs an insert nothing.
  await db.schema
    .createIndex('audit_batch_at')
    .on('audit_batch')
    .using('brin')
    .columns(['first_at', 'last_at'])
    .execute()

  await sql`
    insert into audit_batch (id, replica_id, first_at, last_at, heads, entries)
    overriding system value
    select id, replica_id, at, at,
      concat_ws(' ', to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), kind, result, correlation_id, actor_id, environment_id),
      canonical
    from audit_entry
  `.execute(db)
  await sql`
    select setval(pg_get_serial_sequence('audit_batch', 'id'), (select coalesce(max(id), 0) + 1 from audit_batch), false)
  `.execute(db)
  await db.schema.dropTable('audit_entry').execute()
  await sql`drop function audit_entry_is_append_only`.execute(db)

  await sql`
    create function audit_batch_is_append_only() returns trigger language plpgsql as $$
    begin
      raise exception 'audit_batch is append-only';
    end $$
  `.execute(db)
  await sql`
    create trigger audit_batch_append_only before update or delete or truncate on audit_batch
    for each statement execute function audit_batch_is_append_only()
  `.execute(db)

  // Not parsed from the entries: of what an agent wrote there, PostgreSQL's JSON does not read everything (\\u0000).
  // The leaf hash is a function of the stored bytes (RFC 6962 §2.1), so that it cannot differ from what is kept.
  await sql`
    create view audit_entry as
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
      sha256('\\x00'::bytea || convert_to(entry.canonical, 'UTF8')) as leaf_hash
    from audit_batch as batch
    cross join lateral unnest(
      string_to_array(batch.heads, e'\\n'), string_to_array(batch.entries, e'\\n')
    ) with ordinality as entry(head, canonical, place)
  `.execute(db)
}
