import { sql, type Kysely } from 'kysely'

/** What an agent asked a person for, for a time, and the grant that came of it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('access_request')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('state', 'text', (c) =>
      c
        .notNull()
        .defaultTo('pending')
        .check(sql`state in ('pending', 'granted', 'denied', 'expired')`),
    )
    .addColumn('agent_id', 'text', (c) => c.notNull().references('agent.id'))
    // The grant that it was asked under, whose limits hold for the one that comes of it.
    .addColumn('grant_id', 'text', (c) => c.notNull().references('grant.id'))
    .addColumn('environment_id', 'text', (c) => c.notNull().references('environment.id'))
    .addColumn('provider', 'text', (c) => c.notNull())
    .addColumn('verbs', sql`text[]`, (c) => c.notNull().check(sql`cardinality(verbs) > 0`))
    .addColumn('seconds', 'integer', (c) => c.notNull().check(sql`seconds between 60 and 28800`))
    // The words of whoever asked: shown beside the rest, and part of no decision.
    .addColumn('words', 'text', (c) => c.check(sql`length(words) <= 500`))
    // How often the same was asked for while it waited.
    .addColumn('times', 'integer', (c) => c.notNull().defaultTo(1))
    .addColumn('filed_by', 'text', (c) => c.references('operator.id'))
    .addColumn('requested_at', 'timestamptz', (c) => c.notNull())
    .addColumn('expires_at', 'timestamptz', (c) => c.notNull())
    .addColumn('settled_by', 'text', (c) => c.references('operator.id'))
    .addColumn('settled_at', 'timestamptz')
    .addColumn('granted_id', 'text', (c) => c.references('grant.id').unique())
    .addColumn('granted_verbs', sql`text[]`)
    .addColumn('granted_until', 'timestamptz')
    .addColumn('created_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addCheckConstraint(
      'access_request_settled',
      sql`(state = 'pending') = (settled_at is null) and (state in ('granted', 'denied')) = (settled_by is not null)`,
    )
    .addCheckConstraint(
      'access_request_granted',
      sql`(state = 'granted') = (granted_id is not null)
        and (state = 'granted') = (granted_verbs is not null)
        and (state = 'granted') = (granted_until is not null)`,
    )
    // Whatever the code above it does: nobody grants what they asked for.
    .addCheckConstraint(
      'access_request_two_people',
      sql`state <> 'granted' or filed_by is null or filed_by <> settled_by`,
    )
    .addCheckConstraint('access_request_other', sql`granted_id is null or granted_id <> grant_id`)
    .execute()
  await db.schema
    .createIndex('access_request_agent')
    .on('access_request')
    .columns(['agent_id', 'state'])
    .execute()
  await db.schema
    .createIndex('access_request_grant')
    .on('access_request')
    .column('grant_id')
    .execute()
}
