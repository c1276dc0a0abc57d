import { sql, type Kysely } from 'kysely'

/** How whoever granted access proved that it was them, and what they signed. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('access_request')
    // Canonical JSON. Null where nothing was granted, and where it was before there was this column.
    .addColumn('evidence', 'text')
    .execute()

  // Made with a password alone. They are made anew, with a touch of a passkey or with a permit.
  await sql`delete from one_time_code where confirmed_at is null`.execute(db)
}
