import { sql, type Kysely } from 'kysely'

/** Who may register a first passkey, and until when. It is used up by that passkey. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('passkey_permit')
    .addColumn('operator_id', 'text', (c) => c.primaryKey().references('operator.id'))
    // Null where it came with the first operator, or with a recovery by the keeper.
    .addColumn('allowed_by', 'text', (c) => c.references('operator.id'))
    // Null until the operator has set a password, which starts the time.
    .addColumn('expires_at', 'timestamptz')
    .addColumn('created_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    // Whatever the code above it does: nobody allows themselves.
    .addCheckConstraint('passkey_permit_other', sql`allowed_by <> operator_id`)
    .execute()

  // An admin who was alone before there were passkeys has nobody who could allow them one.
  await sql`
    insert into passkey_permit (operator_id, expires_at)
    select id, case when password_hash is null then null else now() + interval '24 hours' end
    from operator where state = 'active' and 'admin' = any (roles)
      and 1 = (select count(*) from operator where state = 'active' and 'admin' = any (roles))
  `.execute(db)
}
