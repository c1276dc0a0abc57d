import { sql, type Kysely } from 'kysely'

/** A person's decision about one exact request, and the request itself, sealed, for as long as it may still leave. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('approval')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('state', 'text', (c) =>
      c
        .notNull()
        .check(
          sql`state in ('pending', 'approved', 'held', 'sending', 'done', 'unknown', 'denied', 'expired', 'cancelled')`,
        ),
    )
    .addColumn('request_digest', 'text', (c) =>
      c.notNull().check(sql`request_digest ~ '^[0-9a-f]{64}$'`),
    )
    // Of the names of its operations, to count how often the agent has asked for them.
    .addColumn('operations_digest', 'text', (c) => c.notNull())
    // Canonical JSON, and text: jsonb would refuse the \u0000 that an agent may write, and keep another spelling.
    .addColumn('document', 'text', (c) => c.notNull())
    // No references: whoever revokes one of these locks its row, and then what is parked under it; whoever parks would
    // lock them in the other order, and one of the two would fail.
    .addColumn('agent_id', 'text', (c) => c.notNull())
    .addColumn('grant_id', 'text', (c) => c.notNull())
    .addColumn('environment_id', 'text', (c) => c.notNull())
    .addColumn('provider', 'text', (c) => c.notNull())
    .addColumn('capability_id', 'text', (c) => c.notNull())
    .addColumn('credential_id', 'text', (c) => c.notNull())
    .addColumn('credential_version', 'integer', (c) => c.notNull())
    .addColumn('execute', 'text', (c) => c.notNull().check(sql`execute in ('agent', 'broker')`))
    .addColumn('hold_seconds', 'integer', (c) => c.notNull().check(sql`hold_seconds >= 0`))
    .addColumn('rule', 'text', (c) =>
      c.notNull().check(sql`rule in ('anyone', 'not_owner', 'two_persons')`),
    )
    // The agent's own words: beside the document, never in it.
    .addColumn('reason', 'text', (c) => c.check(sql`length(reason) <= 500`))
    .addColumn('kek_id', 'text', (c) => c.references('key_encryption_key.id'))
    .addColumn('sealed_request', 'bytea')
    .addColumn('sealed_answer', 'bytea')
    .addColumn('requested_at', 'timestamptz', (c) => c.notNull())
    // Until when somebody may decide.
    .addColumn('expires_at', 'timestamptz', (c) => c.notNull())
    .addColumn('approved_by', sql`text[]`, (c) => c.notNull())
    .addColumn('denied_by', 'text', (c) => c.references('operator.id'))
    // Canonical JSON, one for each decision.
    .addColumn('evidence', sql`text[]`, (c) => c.notNull())
    // When a person, or silence, had answered for good.
    .addColumn('settled_at', 'timestamptz')
    // Set by the last yes, with usable_until: from then on, and until then, it may be sent.
    .addColumn('held_until', 'timestamptz')
    .addColumn('usable_until', 'timestamptz')
    .addColumn('cancelled_by', 'text')
    .addColumn('cancel_reason', 'text')
    .addColumn('sent_by', 'text')
    .addColumn('lease_until', 'timestamptz')
    .addColumn('ended_at', 'timestamptz')
    // Until when the outcome answers for whoever sends the same request again.
    .addColumn('stands_until', 'timestamptz')
    // Rows of one agent are made one after the other, and each must be told from the one before: not now().
    .addColumn('created_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`clock_timestamp()`))
    .addCheckConstraint('approval_undo', sql`hold_seconds = 0 or execute = 'broker'`)
    .addCheckConstraint(
      'approval_key',
      sql`(kek_id is null) = (sealed_request is null and sealed_answer is null)`,
    )
    .addCheckConstraint(
      'approval_usable',
      sql`state not in ('approved', 'held', 'sending', 'done', 'unknown') or usable_until is not null`,
    )
    .addCheckConstraint(
      'approval_lease',
      sql`state <> 'sending' or (sent_by is not null and lease_until is not null)`,
    )
    .execute()
  // One request is parked once, on any number of replicas.
  await sql`
    create unique index approval_one_open on approval (request_digest)
    where state in ('pending', 'approved', 'held', 'sending')
  `.execute(db)
  await sql`
    create index approval_open on approval (state, agent_id)
    where state in ('pending', 'approved', 'held', 'sending')
  `.execute(db)
  await sql`create index approval_kept on approval (stands_until) where sealed_answer is not null`.execute(
    db,
  )
  await db.schema
    .createIndex('approval_request')
    .on('approval')
    .columns(['request_digest', 'created_at'])
    .execute()
  await db.schema
    .createIndex('approval_settled')
    .on('approval')
    .columns(['agent_id', 'settled_at'])
    .execute()
  await db.schema
    .createIndex('approval_operations')
    .on('approval')
    .columns(['agent_id', 'operations_digest'])
    .execute()

  await sql`alter table revision drop constraint revision_scope_check`.execute(db)
  await sql`
    alter table revision add constraint revision_scope_check
    check (scope in ('directory', 'revocation', 'approval'))
  `.execute(db)
  await sql`insert into revision (scope, value) values ('approval', 1)`.execute(db)
}
