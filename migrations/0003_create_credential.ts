import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('key_encryption_key')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('source', 'text', (c) =>
      c.notNull().check(sql`source in ('file', 'env', 'passphrase')`),
    )
    // Salt and cost of argon2id, for a passphrase. Never the key.
    .addColumn('derivation', 'jsonb')
    // A known constant sealed under the key: tells a wrong key from a right one.
    .addColumn('sealed_check', 'bytea', (c) => c.notNull())
    .addColumn('created_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .execute()

  await db.schema
    .createTable('credential')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('name', 'text', (c) => c.notNull().unique())
    .addColumn('provider', 'text', (c) => c.notNull())
    .addColumn('environment_id', 'text', (c) => c.notNull().references('environment.id'))
    .addColumn('origin', 'text', (c) => c.notNull())
    // How it goes out: one of the provider's injections.
    .addColumn('style', 'text', (c) => c.notNull())
    .addColumn('version', 'integer', (c) => c.notNull())
    .addColumn('reach', 'jsonb', (c) => c.notNull())
    .addColumn('state', 'text', (c) =>
      c
        .notNull()
        .defaultTo('active')
        .check(sql`state in ('active', 'disabled', 'revoked')`),
    )
    .addColumn('created_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .execute()

  await db.schema
    .createTable('credential_version')
    .addColumn('credential_id', 'text', (c) => c.notNull().references('credential.id'))
    .addColumn('version', 'integer', (c) => c.notNull())
    .addColumn('kek_id', 'text', (c) => c.notNull().references('key_encryption_key.id'))
    .addColumn('sealed', 'bytea', (c) => c.notNull())
    .addColumn('created_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addPrimaryKeyConstraint('credential_version_pkey', ['credential_id', 'version'])
    .execute()

  await db.schema
    .createTable('signing_key')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('purpose', 'text', (c) =>
      c.notNull().check(sql`purpose in ('capability', 'operator', 'cursor')`),
    )
    .addColumn('public_jwk', 'jsonb')
    .addColumn('kek_id', 'text', (c) => c.notNull().references('key_encryption_key.id'))
    .addColumn('sealed', 'bytea', (c) => c.notNull())
    // Published from creation, signs from here on; verified until it is retired.
    .addColumn('signs_from', 'timestamptz', (c) => c.notNull())
    .addColumn('retires_at', 'timestamptz')
    .addColumn('created_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .execute()
}
