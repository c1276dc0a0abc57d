import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('passkey')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('operator_id', 'text', (c) => c.notNull().references('operator.id'))
    .addColumn('name', 'text', (c) => c.notNull())
    // Unique over all operators: one authenticator's signature must never be able to stand for two people.
    .addColumn('credential_id', 'bytea', (c) =>
      c
        .notNull()
        .unique()
        .check(sql`length(credential_id) between 16 and 1023`),
    )
    // COSE (RFC 9052), as the authenticator gave it.
    .addColumn('public_key', 'bytea', (c) => c.notNull())
    .addColumn('algorithm', 'text', (c) =>
      c.notNull().check(sql`algorithm in ('EdDSA', 'ES256', 'RS256')`),
    )
    // 32 bits without a sign; stays 0 where the passkey is synced between devices.
    .addColumn('counter', 'bigint', (c) => c.notNull().check(sql`counter between 0 and 4294967295`))
    .addColumn('aaguid', 'text', (c) => c.notNull())
    .addColumn('transports', sql`text[]`, (c) => c.notNull())
    .addColumn('synced', 'boolean', (c) => c.notNull())
    .addColumn('created_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addColumn('last_used_at', 'timestamptz')
    .execute()
  await db.schema.createIndex('passkey_operator').on('passkey').column('operator_id').execute()

  // One open registration per operator, so that nobody can fill the table; a new one takes the place of the old.
  await db.schema
    .createTable('passkey_challenge')
    .addColumn('operator_id', 'text', (c) => c.primaryKey().references('operator.id'))
    .addColumn('challenge', 'bytea', (c) => c.notNull().check(sql`length(challenge) = 32`))
    .addColumn('expires_at', 'timestamptz', (c) => c.notNull())
    .execute()

  await db.schema
    .createTable('one_time_code')
    .addColumn('operator_id', 'text', (c) => c.primaryKey().references('operator.id'))
    .addColumn('kek_id', 'text', (c) => c.notNull().references('key_encryption_key.id'))
    .addColumn('sealed', 'bytea', (c) => c.notNull())
    // The newest time step (RFC 6238) whose code was accepted: none up to it is accepted again.
    .addColumn('last_step', 'integer', (c) => c.notNull().defaultTo(0))
    // When the attempts of the last minute were made, in milliseconds since the epoch.
    .addColumn('attempts', 'jsonb', (c) => c.notNull().defaultTo(sql`'[]'::jsonb`))
    // Set by the first good code: a secret that was scanned wrongly is never in force.
    .addColumn('confirmed_at', 'timestamptz')
    .addColumn('created_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .execute()

  // What is not here is as it is by default.
  await db.schema
    .createTable('approval_setting')
    .addColumn('name', 'text', (c) => c.primaryKey().check(sql`name in ('one_time_codes')`))
    .addColumn('value', 'text', (c) => c.notNull())
    .addColumn('updated_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .execute()
}
