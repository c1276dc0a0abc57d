/**
 * Who may register a first passkey, or one-time codes in its place. Guarantee, against whoever holds an approver's
 * password: it is not enough. Somebody else has allowed it, within the last day, and the permit is used up by the one
 * means that comes of it. The first operator has nobody else, nor has whom the keeper recovers: their time starts when
 * they set their password.
 */
import type { Tx, Db } from '../db/open.ts'
import type { OperatorId } from '../ids.ts'

/** How long a permit is good, in milliseconds. */
export const permitLifetime = 24 * 3_600_000

/** `expiresAt`: null where it starts with the operator's setup. A permit that was there before is replaced. */
async function permit(
  tx: Tx,
  operatorId: OperatorId,
  row: { allowed_by: OperatorId | null; expires_at: Date | null },
): Promise<void> {
  await tx
    .insertInto('passkey_permit')
    .values({ operator_id: operatorId, ...row })
    .onConflict((c) => c.column('operator_id').doUpdateSet(row))
    .execute()
}

/** Returns until when. `by` is another than `operatorId`, which the database holds too. */
export async function permitPasskey(
  tx: Tx,
  operatorId: OperatorId,
  by: OperatorId,
  now: number,
): Promise<Date> {
  const expires_at = new Date(now + permitLifetime)
  await permit(tx, operatorId, { allowed_by: by, expires_at })
  return expires_at
}

/** For the first operator, and for whom the keeper recovers. */
export async function permitWithSetup(tx: Tx, operatorId: OperatorId): Promise<void> {
  await permit(tx, operatorId, { allowed_by: null, expires_at: null })
}

/** Starts the time of a permit that waited for the operator's setup. */
export async function startPermit(tx: Tx, operatorId: OperatorId, now: number): Promise<void> {
  await tx
    .updateTable('passkey_permit')
    .set({ expires_at: new Date(now + permitLifetime) })
    .where('operator_id', '=', operatorId)
    .where('expires_at', 'is', null)
    .execute()
}

export async function isPermitted(
  db: Db | Tx,
  operatorId: OperatorId,
  now: number,
): Promise<boolean> {
  const row = await db
    .selectFrom('passkey_permit')
    .select('operator_id')
    .where('operator_id', '=', operatorId)
    .where('expires_at', '>', new Date(now))
    .executeTakeFirst()
  return row !== undefined
}

/** Uses the permit up; false where there is none that is good. */
export async function takePermit(tx: Tx, operatorId: OperatorId, now: number): Promise<boolean> {
  const row = await tx
    .deleteFrom('passkey_permit')
    .where('operator_id', '=', operatorId)
    .where('expires_at', '>', new Date(now))
    .returning('operator_id')
    .executeTakeFirst()
  return row !== undefined
}

/**
 * All passkeys of an operator whom the keeper recovers: they are lost, or not only theirs. Returns how many there were.
 * What they proved before stays proven: evidence holds its key itself.
 */
export async function removeAllPasskeys(tx: Tx, operatorId: OperatorId): Promise<number> {
  const { numDeletedRows } = await tx
    .deleteFrom('passkey')
    .where('operator_id', '=', operatorId)
    .executeTakeFirst()
  return Number(numDeletedRows)
}
