import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('grant')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('agent_id', 'text', (c) => c.notNull().references('agent.id'))
    .addColumn('environment_id', 'text', (c) => c.notNull().references('environment.id'))
    .addColumn('credential_id', 'text', (c) => c.notNull().references('credential.id'))
    .addColumn('provider', 'text', (c) => c.notNull())
    .addColumn('verbs', sql`text[]`, (c) => c.notNull())
    .addColumn('constraints', 'jsonb', (c) => c.notNull())
    .addColumn('approval', 'text', (c) =>
      c.notNull().check(sql`approval in ('never', 'destructive', 'always')`),
    )
    .addColumn('max_lifetime_seconds', 'integer', (c) =>
      c.notNull().check(sql`max_lifetime_seconds between 1 and 900`),
    )
    .addColumn('requests_per_minute', 'integer')
    // What becomes of a credential that the provider mints in an answer.
    .addColumn('minted', 'text', (c) =>
      c.notNull().check(sql`minted in ('redact', 'seal', 'reveal')`),
    )
    .addColumn('catalogue_version', 'text', (c) => c.notNull())
    .addColumn('expires_at', 'timestamptz')
    .addColumn('state', 'text', (c) =>
      c
        .notNull()
        .defaultTo('active')
        .check(sql`state in ('active', 'disabled', 'revoked')`),
    )
    .addColumn('created_by', 'text', (c) => c.notNull().references('operator.id'))
    .addColumn('created_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .execute()
  await db.schema.createIndex('grant_agent').on('grant').column('agent_id').execute()

  await db.schema
    .createTable('capability_revocation')
    .addColumn('capability_id', 'text', (c) => c.primaryKey())
    .addColumn('expires_at', 'timestamptz', (c) => c.notNull())
    .addColumn('revoked_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .execute()

  await db.schema
    .createTable('freeze')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('scope', 'text', (c) =>
      c.notNull().check(sql`scope in ('everything', 'provider', 'environment', 'agent')`),
    )
    .addColumn('subject', 'text')
    .addColumn('reason', 'text', (c) => c.notNull())
    .addColumn('created_by', 'text', (c) => c.notNull().references('operator.id'))
    .addColumn('created_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addColumn('lifted_at', 'timestamptz')
    .execute()

  // One row, updated under its lock by whatever changes what may be done: its numbers commit in order, which an
  // identity column's do not.
  await db.schema
    .createTable('revision')
    .addColumn('scope', 'text', (c) =>
      c.primaryKey().check(sql`scope in ('directory', 'revocation')`),
    )
    .addColumn('value', 'bigint', (c) => c.notNull())
    .execute()
  await sql`insert into revision (scope, value) values ('directory', 1), ('revocation', 1)`.execute(
    db,
  )
}
