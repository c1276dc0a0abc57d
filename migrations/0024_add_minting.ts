import { sql, type Kysely } from 'kysely'

/** Credentials whose secret mints what goes out, and does not go out itself. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // The kind and its parameters. They are bound into the seal of the secret.
  await db.schema.alterTable('credential').addColumn('mint', 'jsonb').execute()
  await db.schema
    .alterTable('credential_version')
    // What this version was sealed with, which a replacement may have changed since.
    .addColumn('mint', 'jsonb')
    // Of a kind that may use its secret up: which replica is minting, and until when nobody else may.
    .addColumn('minting_by', 'text')
    .addColumn('minting_until', 'timestamptz')
    .execute()
  // What such a kind minted, sealed, for all replicas. A cache: what is gone is minted again.
  await db.schema
    .createTable('credential_minted')
    .addColumn('credential_id', 'text', (c) => c.notNull())
    .addColumn('version', 'integer', (c) => c.notNull())
    // SHA-256, in hex, of how narrow it is; bound into its seal.
    .addColumn('narrowing', 'text', (c) => c.notNull())
    .addColumn('kek_id', 'text', (c) => c.notNull().references('key_encryption_key.id'))
    .addColumn('sealed', 'bytea', (c) => c.notNull())
    .addColumn('expires_at', 'timestamptz', (c) => c.notNull())
    .addColumn('created_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`clock_timestamp()`))
    .addPrimaryKeyConstraint('credential_minted_pkey', ['credential_id', 'version', 'narrowing'])
    .addForeignKeyConstraint(
      'credential_minted_version',
      ['credential_id', 'version'],
      'credential_version',
      ['credential_id', 'version'],
      (c) => c.onDelete('cascade'),
    )
    .execute()
}
