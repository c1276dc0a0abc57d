import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('environment')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('name', 'text', (c) => c.notNull().unique())
    .addColumn('protected', 'boolean', (c) => c.notNull())
    .addColumn('state', 'text', (c) =>
      c
        .notNull()
        .defaultTo('active')
        .check(sql`state in ('active', 'disabled', 'revoked')`),
    )
    // Raised whenever the bound ids change: a capability that carries another number is void.
    .addColumn('binding', 'integer', (c) => c.notNull().defaultTo(1))
    .addColumn('created_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .execute()

  await db.schema
    .createTable('environment_owner')
    .addColumn('environment_id', 'text', (c) => c.notNull().references('environment.id'))
    .addColumn('operator_id', 'text', (c) => c.notNull().references('operator.id'))
    .addPrimaryKeyConstraint('environment_owner_pkey', ['environment_id', 'operator_id'])
    .execute()

  await db.schema
    .createTable('environment_binding')
    .addColumn('environment_id', 'text', (c) => c.notNull().references('environment.id'))
    .addColumn('provider', 'text', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('provider_id', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('environment_binding_pkey', [
      'environment_id',
      'provider',
      'kind',
      'provider_id',
    ])
    .execute()
}
