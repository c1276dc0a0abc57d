import { sql, type Kysely } from 'kysely'

/** The public halves of keys that agents hold themselves and sign their assertions with. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('agent_public_key')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('agent_id', 'text', (c) => c.notNull().references('agent.id'))
    .addColumn('kid', 'text', (c) => c.notNull().check(sql`length(kid) between 1 and 128`))
    .addColumn('algorithm', 'text', (c) =>
      c.notNull().check(sql`algorithm in ('EdDSA', 'ES256', 'PS256', 'RS256')`),
    )
    // Only the members that make the key. Whatever the code above it does: no private part lies here.
    .addColumn('jwk', 'jsonb', (c) =>
      c.notNull().check(sql`not jwk ?| array['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']`),
    )
    // RFC 7638. One key is one agent's: who signed is never in doubt.
    .addColumn('thumbprint', 'text', (c) => c.notNull().unique())
    .addColumn('created_by', 'text', (c) => c.notNull().references('operator.id'))
    .addColumn('created_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addUniqueConstraint('agent_public_key_kid', ['agent_id', 'kid'])
    .execute()
}
