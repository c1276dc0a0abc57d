import { sql, type Kysely } from 'kysely'

/** A credential acts, or only answers the broker's own questions about where an id lives. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('credential')
    .addColumn('use', 'text', (c) =>
      c
        .notNull()
        .defaultTo('requests')
        .check(sql`use in ('requests', 'lookups')`),
    )
    .execute()
  // Which of two would be asked could not be told.
  await sql`
    create unique index credential_lookups on credential (environment_id, provider)
    where use = 'lookups' and state <> 'revoked'
  `.execute(db)
}
