/**
 * Break-glasses as they are kept. Guarantees, on any number of replicas: one is confirmed once, by another admin than the
 * one who asked, while both are admins; it lasts no longer than was asked for, half an hour at most; and whoever ends it
 * ends it for good. Where one of the two is no admin any more, it is not in force any more either.
 */
import { sql, type RawBuilder } from 'kysely'
import { confirmableFor, type BreakGlass } from '../core/break-glass.ts'
import type { Db, Tx } from '../db/open.ts'
import type { Row } from '../db/types.ts'
import {
  newId,
  type BreakGlassId,
  type EnvironmentId,
  type GrantId,
  type OperatorId,
} from '../ids.ts'

export type BreakGlassState = 'asked' | 'expired' | 'in_force' | 'over' | 'ended'

export type BreakGlassRecord = {
  readonly id: BreakGlassId
  readonly grantId: GrantId | null
  readonly environmentId: EnvironmentId
  readonly reason: string
  readonly seconds: number
  readonly askedBy: OperatorId
  readonly askedAt: Date
  readonly confirmedBy: OperatorId | null
  readonly confirmedAt: Date | null
  readonly endsAt: Date | null
  readonly endedBy: OperatorId | null
  readonly endedAt: Date | null
}

function toRecord(row: Row<'break_glass'>): BreakGlassRecord {
  return {
    id: row.id,
    grantId: row.grant_id,
    environmentId: row.environment_id,
    reason: row.reason,
    seconds: row.seconds,
    askedBy: row.asked_by,
    askedAt: row.asked_at,
    confirmedBy: row.confirmed_by,
    confirmedAt: row.confirmed_at,
    endsAt: row.ends_at,
    endedBy: row.ended_by,
    endedAt: row.ended_at,
  }
}

/** `now` in milliseconds since the epoch. */
export function stateOf(record: BreakGlassRecord, now: number): BreakGlassState {
  if (record.endedAt !== null) return 'ended'
  if (record.endsAt !== null) return now < record.endsAt.getTime() ? 'in_force' : 'over'
  return now < record.askedAt.getTime() + confirmableFor ? 'asked' : 'expired'
}

export async function askBreakGlass(
  tx: Tx,
  wish: {
    /** Null for the whole environment. */
    readonly grantId: GrantId | null
    readonly environmentId: EnvironmentId
    readonly reason: string
    readonly seconds: number
    readonly askedBy: OperatorId
    readonly now: number
  },
): Promise<BreakGlassRecord> {
  const row = await tx
    .insertInto('break_glass')
    .values({
      id: newId('breakGlass', wish.now),
      scope: wish.grantId === null ? 'environment' : 'grant',
      grant_id: wish.grantId,
      environment_id: wish.environmentId,
      reason: wish.reason,
      seconds: wish.seconds,
      asked_by: wish.askedBy,
      asked_at: new Date(wish.now),
      confirmed_by: null,
      confirmed_at: null,
      ends_at: null,
      ended_by: null,
      ended_at: null,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  return toRecord(row)
}

export type ConfirmRefusal =
  'not_found' | 'own' | 'not_admin' | 'asker_not_admin' | 'not_asked' | 'subject_inactive'

/** Puts it into force, once. `by` is who is signed in; whether they proved it is the caller's to know. */
export async function confirmBreakGlass(
  tx: Tx,
  input: { readonly id: BreakGlassId; readonly by: OperatorId; readonly now: number },
): Promise<BreakGlassRecord | ConfirmRefusal> {
  const { id, by } = input
  const asked = await readBreakGlass(tx, id)
  if (asked === undefined) return 'not_found'
  if (asked.askedBy === by) return 'own'
  // Held until this is committed: neither of them is demoted in between.
  const admins = await tx
    .selectFrom('operator')
    .select('id')
    .where('id', 'in', [by, asked.askedBy])
    .where(activeAdmin())
    .orderBy('id')
    .forShare()
    .execute()
  if (!admins.some((admin) => admin.id === by)) return 'not_admin'
  if (!admins.some((admin) => admin.id === asked.askedBy)) return 'asker_not_admin'
  if (!(await subjectActive(tx, asked, input.now))) return 'subject_inactive'
  const now = new Date(input.now)
  const row = await tx
    .updateTable('break_glass')
    .set({
      confirmed_by: by,
      confirmed_at: now,
      ends_at: new Date(input.now + asked.seconds * 1000),
    })
    .where('id', '=', id)
    .where('confirmed_at', 'is', null)
    .where('ended_at', 'is', null)
    .where('asked_by', '!=', by)
    .where('asked_at', '>', new Date(input.now - confirmableFor))
    .returningAll()
    .executeTakeFirst()
  return row === undefined ? 'not_asked' : toRecord(row)
}

/** Whether what it is for can be used at all. */
export async function subjectActive(
  tx: Tx,
  { grantId, environmentId }: Pick<BreakGlassRecord, 'grantId' | 'environmentId'>,
  now: number,
): Promise<boolean> {
  const environment = await tx
    .selectFrom('environment')
    .select('state')
    .where('id', '=', environmentId)
    .forShare()
    .executeTakeFirst()
  if (environment?.state !== 'active') return false
  if (grantId === null) return true
  const grant = await tx
    .selectFrom('grant')
    .select(['state', 'expires_at'])
    .where('id', '=', grantId)
    .forShare()
    .executeTakeFirst()
  return (
    grant?.state === 'active' && (grant.expires_at === null || now < grant.expires_at.getTime())
  )
}

/** Ends it, or takes back what was only asked for. Undefined where there is none, or it was ended before. */
export async function endBreakGlass(
  tx: Tx,
  input: { readonly id: BreakGlassId; readonly by: OperatorId; readonly now: number },
): Promise<BreakGlassRecord | undefined> {
  const row = await tx
    .updateTable('break_glass')
    .set({ ended_by: input.by, ended_at: new Date(input.now) })
    .where('id', '=', input.id)
    .where('ended_at', 'is', null)
    .returningAll()
    .executeTakeFirst()
  return row === undefined ? undefined : toRecord(row)
}

export async function readBreakGlass(
  db: Db | Tx,
  id: BreakGlassId,
): Promise<BreakGlassRecord | undefined> {
  const row = await db.selectFrom('break_glass').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : toRecord(row)
}

export async function listBreakGlasses(
  db: Db,
  page: { limit: number; after: string },
): Promise<readonly BreakGlassRecord[]> {
  const rows = await db
    .selectFrom('break_glass')
    .selectAll()
    .where('id', '>', page.after as BreakGlassId)
    .orderBy('id')
    .limit(page.limit)
    .execute()
  return rows.map(toRecord)
}

/** The newest of those that may be in force for a grant; whether one is, at a moment, `inForce` says. */
export async function confirmedBreakGlasses(
  db: Db,
  grant: { readonly id: GrantId; readonly environmentId: EnvironmentId },
): Promise<readonly BreakGlass[]> {
  const admin = (column: 'asked_by' | 'confirmed_by') => sql<boolean>`exists (
    select 1 from operator where operator.id = ${sql.ref(column)} and ${activeAdmin()}
  )`
  const rows = await db
    .selectFrom('break_glass')
    .select(['id', 'grant_id', 'environment_id', 'confirmed_at', 'ends_at'])
    .where('environment_id', '=', grant.environmentId)
    .where((e) => e.or([e('grant_id', 'is', null), e('grant_id', '=', grant.id)]))
    .where('confirmed_at', 'is not', null)
    .where('ended_at', 'is', null)
    .where(admin('asked_by'))
    .where(admin('confirmed_by'))
    .orderBy('ends_at', 'desc')
    .limit(5)
    .execute()
  return rows.flatMap(({ id, grant_id, environment_id, confirmed_at, ends_at }) =>
    confirmed_at === null || ends_at === null
      ? []
      : [
          {
            id,
            grantId: grant_id ?? undefined,
            environmentId: environment_id,
            startsAt: confirmed_at.getTime(),
            endsAt: ends_at.getTime(),
          },
        ],
  )
}

function activeAdmin(): RawBuilder<boolean> {
  return sql<boolean>`(operator.state = 'active' and 'admin' = any (operator.roles))`
}
