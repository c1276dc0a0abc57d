import { sql, type Kysely } from 'kysely'

/** Issuers whose tokens are taken as proof of who asks, and the rules by which their holders act as agents. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('trust_issuer')
    .addColumn('id', 'text', (c) => c.primaryKey())
    // As the tokens say it, to the letter.
    .addColumn('issuer', 'text', (c) =>
      c.notNull().check(sql`length(issuer) between 1 and 500 and issuer like 'http%://%'`),
    )
    .addColumn('jwks_uri', 'text')
    .addColumn('internal', 'boolean', (c) => c.notNull())
    .addColumn('platform', 'text', (c) =>
      c.notNull().check(sql`platform in ('github', 'gitlab', 'kubernetes', 'other')`),
    )
    .addColumn('state', 'text', (c) =>
      c
        .notNull()
        .defaultTo('active')
        .check(sql`state in ('active', 'disabled', 'revoked')`),
    )
    .addColumn('created_by', 'text', (c) => c.notNull().references('operator.id'))
    .addColumn('created_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .execute()
  // One that was revoked stays on record; another may take its place, and has none of its rules.
  await db.schema
    .createIndex('trust_issuer_once')
    .unique()
    .on('trust_issuer')
    .column('issuer')
    .where(sql.ref('state'), '<>', 'revoked')
    .execute()
  await db.schema
    .createTable('trust_rule')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('issuer_id', 'text', (c) => c.notNull().references('trust_issuer.id'))
    .addColumn('agent_id', 'text', (c) => c.notNull().references('agent.id'))
    .addColumn('audience', 'text', (c) => c.check(sql`length(audience) between 1 and 500`))
    // Whatever the code above it does: there is no rule that everybody meets.
    .addColumn('conditions', 'jsonb', (c) =>
      c
        .notNull()
        .check(sql`jsonb_typeof(conditions) = 'array' and jsonb_array_length(conditions) > 0`),
    )
    .addColumn('max_lifetime_seconds', 'integer', (c) =>
      c.check(sql`max_lifetime_seconds between 1 and 900`),
    )
    .addColumn('exchanges_per_token', 'integer', (c) =>
      c.notNull().check(sql`exchanges_per_token between 1 and 20`),
    )
    .addColumn('state', 'text', (c) =>
      c
        .notNull()
        .defaultTo('active')
        .check(sql`state in ('active', 'disabled', 'revoked')`),
    )
    .addColumn('created_by', 'text', (c) => c.notNull().references('operator.id'))
    .addColumn('created_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .execute()
  await db.schema.createIndex('trust_rule_agent').on('trust_rule').column('agent_id').execute()
  await db.schema.createIndex('trust_rule_issuer').on('trust_rule').column('issuer_id').execute()
  // What was parked under a rule's capability ends with the rule.
  await db.schema
    .alterTable('approval')
    .addColumn('trust_rule_id', 'text', (c) => c.references('trust_rule.id'))
    .execute()
}
