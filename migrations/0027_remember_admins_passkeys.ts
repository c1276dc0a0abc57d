import type { Kysely } from 'kysely'

/**
 * Whether a passkey was an admin's when the identity provider's groups took that role away: it goes on to count as one, so
 * that whoever keeps the groups cannot make it be as if no admin had ever had any.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('passkey')
    .addColumn('of_admin', 'boolean', (c) => c.notNull().defaultTo(false))
    .execute()
}
