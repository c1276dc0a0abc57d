import { sql, type Kysely } from 'kysely'

/** Operators who sign in at an identity provider (OpenID Connect), their sign-ins, and the codes that let a CLI have one. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // Set for whom the keeper has made or recovered: until when their password is good although passwords are switched off.
  await db.schema.alterTable('operator').addColumn('password_until', 'timestamptz').execute()

  await db.schema
    .createTable('operator_identity')
    .addColumn('operator_id', 'text', (c) => c.primaryKey().references('operator.id'))
    .addColumn('issuer', 'text', (c) => c.notNull().check(sql`length(issuer) between 1 and 1024`))
    .addColumn('subject', 'text', (c) => c.notNull().check(sql`length(subject) between 1 and 255`))
    // Null where it came with a first sign-in.
    .addColumn('tied_by', 'text', (c) => c.references('operator.id'))
    .addColumn('created_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    // One person at the provider is one operator.
    .addUniqueConstraint('operator_identity_person', ['issuer', 'subject'])
    .execute()

  await db.schema
    .createTable('operator_session')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('operator_id', 'text', (c) => c.notNull().references('operator.id'))
    .addColumn('kek_id', 'text', (c) => c.references('key_encryption_key.id'))
    // The provider's refresh token; null where it gave none.
    .addColumn('sealed', 'bytea')
    // When the provider last said that the person may still come in.
    .addColumn('confirmed_at', 'timestamptz', (c) => c.notNull())
    // When they last showed the provider who they are; null where it did not say.
    .addColumn('proved_at', 'timestamptz')
    .addColumn('ends_at', 'timestamptz', (c) => c.notNull())
    // While one replica asks, the others do not: a refresh token works once.
    .addColumn('asking_until', 'timestamptz')
    .addColumn('created_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addCheckConstraint('operator_session_key', sql`(kek_id is null) = (sealed is null)`)
    .execute()
  await db.schema
    .createIndex('operator_session_operator')
    .on('operator_session')
    .column('operator_id')
    .execute()
  await db.schema
    .createIndex('operator_session_ends')
    .on('operator_session')
    .column('ends_at')
    .execute()

  await db.schema
    .createTable('sign_in_code')
    // SHA-256 of what the CLI keeps to itself: who has seen the code alone has nothing.
    .addColumn('challenge', 'bytea', (c) => c.primaryKey().check(sql`octet_length(challenge) = 32`))
    .addColumn('code_hash', 'bytea', (c) => c.notNull())
    .addColumn('purpose', 'text', (c) => c.notNull().check(sql`purpose in ('sign_in', 'act')`))
    .addColumn('session_id', 'text', (c) =>
      c.notNull().references('operator_session.id').onDelete('cascade'),
    )
    .addColumn('attempts', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('expires_at', 'timestamptz', (c) => c.notNull())
    .execute()
  await db.schema
    .createIndex('sign_in_code_expires')
    .on('sign_in_code')
    .column('expires_at')
    .execute()
}
