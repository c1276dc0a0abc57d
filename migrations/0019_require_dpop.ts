import type { Kysely } from 'kysely'

/** Grants whose capabilities must be bound to a key (RFC 9449). */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('grant')
    .addColumn('require_dpop', 'boolean', (c) => c.notNull().defaultTo(false))
    .execute()
}
