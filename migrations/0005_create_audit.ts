import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('replica')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('started_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addColumn('seen_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    // When the oldest of its intents that has no outcome yet was written: where to begin looking should it die.
    .addColumn('open_since', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .execute()

  // `canonical` is the entry itself (RFC 8785, as UTF-8); the other columns repeat parts of it for filters.
  await db.schema
    .createTable('audit_entry')
    .addColumn('id', 'bigint', (c) => c.primaryKey().generatedAlwaysAsIdentity())
    .addColumn('at', 'timestamptz', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('correlation_id', 'text', (c) => c.notNull())
    .addColumn('replica_id', 'text')
    .addColumn('actor_id', 'text')
    .addColumn('environment_id', 'text')
    .addColumn('result', 'text', (c) => c.notNull())
    .addColumn('canonical', 'text', (c) => c.notNull())
    .addColumn('leaf_hash', 'bytea', (c) => c.notNull())
    .execute()
  // Entries arrive nearly in the order of time, for which a block range index is enough and costs an insert
  // nothing. There is no index by correlation: a correlation id says when it was made, and that is enough to find it.
  await db.schema
    .createIndex('audit_entry_at')
    .on('audit_entry')
    .using('brin')
    .column('at')
    .execute()

  await sql`
    create function audit_entry_is_append_only() returns trigger language plpgsql as $$
    begin
      raise exception 'audit_entry is append-only';
    end $$
  `.execute(db)
  await sql`
    create trigger audit_entry_append_only before update or delete or truncate on audit_entry
    for each statement execute function audit_entry_is_append_only()
  `.execute(db)
}
