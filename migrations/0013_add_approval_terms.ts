import { sql, type Kysely } from 'kysely'

/** On what terms a person is asked; what is not said is the default (core/approval-terms.ts). */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const table of ['grant', 'environment'])
    await db.schema
      .alterTable(table)
      .addColumn('approval_terms', 'jsonb', (c) => c.notNull().defaultTo(sql`'{}'::jsonb`))
      .execute()
}
