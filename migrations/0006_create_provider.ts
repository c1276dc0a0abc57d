import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  // Operators' own providers. The catalogue is text, not jsonb: its digest is part of the version.
  await db.schema
    .createTable('provider')
    .addColumn('name', 'text', (c) => c.primaryKey().check(sql`name ~ '^[a-z0-9-]{1,40}$'`))
    .addColumn('manifest', 'jsonb', (c) => c.notNull())
    .addColumn('review', 'jsonb', (c) => c.notNull())
    .addColumn('catalogue', 'text', (c) => c.notNull())
    .addColumn('report', 'jsonb', (c) => c.notNull())
    .addColumn('version', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) =>
      c
        .notNull()
        .defaultTo('active')
        .check(sql`state in ('active', 'disabled')`),
    )
    .addColumn('created_by', 'text', (c) => c.notNull().references('operator.id'))
    .addColumn('created_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addColumn('updated_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .execute()

  // What a catalogue held when a grant was reviewed against it, so that what came later can be told from it.
  await db.schema
    .createTable('catalogue_version')
    .addColumn('provider', 'text', (c) => c.notNull())
    .addColumn('version', 'text', (c) => c.notNull())
    .addColumn('operations', 'jsonb', (c) => c.notNull())
    .addColumn('created_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addPrimaryKeyConstraint('catalogue_version_pkey', ['provider', 'version'])
    .execute()
}
