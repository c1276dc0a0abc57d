import { sql, type Kysely } from 'kysely'

/** What was parked under a delegated capability ends with each that it came of, and with each agent that acts in it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('approval')
    .addColumn('ancestors', sql`text[]`, (c) => c.notNull().defaultTo(sql`'{}'`))
    .addColumn('actors', sql`text[]`, (c) => c.notNull().defaultTo(sql`'{}'`))
    .execute()
}
