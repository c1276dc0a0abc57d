import { sql, type Kysely } from 'kysely'

/** What was shown once and must not be shown again: assertions, foreign tokens, proofs of possession. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('replay')
    // SHA-256 over what it is, whose it is and its jti.
    .addColumn('hash', 'bytea', (c) => c.primaryKey().check(sql`octet_length(hash) = 32`))
    .addColumn('expires_at', 'timestamptz', (c) => c.notNull())
    .execute()
  await db.schema.createIndex('replay_expires').on('replay').column('expires_at').execute()
}
