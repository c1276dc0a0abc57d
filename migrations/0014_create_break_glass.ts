import { sql, type Kysely } from 'kysely'

/** Two admins' word that what a grant, or an environment, would ask a person for goes without, for a while. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('break_glass')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('scope', 'text', (c) => c.notNull().check(sql`scope in ('grant', 'environment')`))
    .addColumn('grant_id', 'text', (c) => c.references('grant.id'))
    // That of the grant, where it is for one.
    .addColumn('environment_id', 'text', (c) => c.notNull().references('environment.id'))
    .addColumn('reason', 'text', (c) => c.notNull().check(sql`length(reason) between 1 and 500`))
    .addColumn('seconds', 'integer', (c) => c.notNull().check(sql`seconds between 60 and 1800`))
    .addColumn('asked_by', 'text', (c) => c.notNull().references('operator.id'))
    .addColumn('asked_at', 'timestamptz', (c) => c.notNull())
    .addColumn('confirmed_by', 'text', (c) => c.references('operator.id'))
    .addColumn('confirmed_at', 'timestamptz')
    .addColumn('ends_at', 'timestamptz')
    .addColumn('ended_by', 'text', (c) => c.references('operator.id'))
    .addColumn('ended_at', 'timestamptz')
    .addColumn('created_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addCheckConstraint('break_glass_subject', sql`(scope = 'grant') = (grant_id is not null)`)
    .addCheckConstraint(
      'break_glass_confirmed',
      sql`(confirmed_by is null) = (confirmed_at is null) and (confirmed_at is null) = (ends_at is null)`,
    )
    .addCheckConstraint('break_glass_ended', sql`(ended_by is null) = (ended_at is null)`)
    // Whatever the code above it does: nobody breaks the glass alone, or for longer than they said.
    .addCheckConstraint('break_glass_two_people', sql`confirmed_by <> asked_by`)
    .addCheckConstraint(
      'break_glass_time',
      sql`ends_at <= confirmed_at + seconds * interval '1 second'`,
    )
    .execute()
  await db.schema
    .createIndex('break_glass_environment')
    .on('break_glass')
    .column('environment_id')
    .execute()
}
