import { sql, type Kysely } from 'kysely'

/**
 * What was minted at a provider and must be ended there: what was handed out under a grant, and what the broker minted for
 * itself and does not end alone.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('grant')
    .addColumn('hand_out', 'boolean', (c) => c.notNull().defaultTo(false))
    .execute()
  await db.schema
    .createTable('lease')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('state', 'text', (c) =>
      c
        .notNull()
        .check(
          sql`state in ('minting', 'live', 'revoking', 'could_not_revoke', 'not_revocable', 'revoked', 'expired', 'not_minted')`,
        ),
    )
    .addColumn('purpose', 'text', (c) =>
      c.notNull().check(sql`purpose in ('handed_out', 'egress')`),
    )
    // No references, for the reason given at approval: nothing here locks what revokes it.
    .addColumn('agent_id', 'text')
    .addColumn('grant_id', 'text')
    .addColumn('environment_id', 'text', (c) => c.notNull())
    .addColumn('provider', 'text', (c) => c.notNull())
    .addColumn('credential_id', 'text', (c) => c.notNull())
    .addColumn('credential_version', 'integer', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('capability_id', 'text')
    .addColumn('ancestors', sql`text[]`, (c) => c.notNull().defaultTo(sql`'{}'`))
    .addColumn('actors', sql`text[]`, (c) => c.notNull().defaultTo(sql`'{}'`))
    .addColumn('trust_rule_id', 'text')
    .addColumn('actor_rules', sql`text[]`, (c) => c.notNull().defaultTo(sql`'{}'`))
    // Whether the capability was bound to a key.
    .addColumn('bound', 'boolean', (c) => c.notNull().defaultTo(false))
    // What the capability covered; the number of the environment's binding then.
    .addColumn('verbs', sql`text[]`, (c) => c.notNull().defaultTo(sql`'{}'`))
    .addColumn('binding', 'integer', (c) => c.notNull())
    .addColumn('narrowing', 'jsonb', (c) => c.notNull())
    .addColumn('kek_id', 'text', (c) => c.references('key_encryption_key.id'))
    .addColumn('sealed_token', 'bytea')
    .addColumn('handle', 'text')
    .addColumn('asked_at', 'timestamptz', (c) => c.notNull())
    .addColumn('ends_at', 'timestamptz', (c) => c.notNull())
    // When it stops by itself at the provider; null where it never does.
    .addColumn('works_until', 'timestamptz')
    .addColumn('ended_by', 'text')
    .addColumn('end_reason', 'text')
    .addColumn('ended_at', 'timestamptz')
    .addColumn('attempts', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('failed_since', 'timestamptz')
    .addColumn('last_error', 'text')
    .addColumn('next_try_at', 'timestamptz')
    .addColumn('held_by', 'text')
    .addColumn('held_until', 'timestamptz')
    .addColumn('settled_at', 'timestamptz')
    .addColumn('created_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`clock_timestamp()`))
    .addCheckConstraint('lease_key', sql`(kek_id is null) = (sealed_token is null)`)
    .addCheckConstraint(
      'lease_whose',
      sql`purpose <> 'handed_out' or (agent_id is not null and grant_id is not null and capability_id is not null)`,
    )
    .addCheckConstraint(
      'lease_over',
      sql`state not in ('revoked', 'expired', 'not_minted') or (sealed_token is null and settled_at is not null)`,
    )
    .execute()
  await sql`
    create index lease_open on lease (state, grant_id)
    where state in ('minting', 'live', 'revoking', 'could_not_revoke', 'not_revocable')
  `.execute(db)
  await sql`
    create index lease_needs on lease (credential_id, credential_version)
    where state in ('minting', 'live', 'revoking', 'could_not_revoke')
  `.execute(db)
}
