import { sql, type Kysely } from 'kysely'

/** Capabilities that look like a token of their provider's: what each says, under the hash of what it is. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('handle')
    // SHA-256 of the handle, which itself lies nowhere.
    .addColumn('hash', 'bytea', (c) => c.primaryKey().check(sql`octet_length(hash) = 32`))
    // JSON, as text: the code beside it is over these very bytes.
    .addColumn('claims', 'text', (c) => c.notNull().check(sql`length(claims) <= 65536`))
    .addColumn('mac', 'bytea', (c) => c.notNull().check(sql`octet_length(mac) = 32`))
    .addColumn('expires_at', 'timestamptz', (c) => c.notNull())
    .execute()
  await db.schema.createIndex('handle_expires').on('handle').column('expires_at').execute()
}
