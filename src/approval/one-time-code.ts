/**
 * One-time codes (TOTP, RFC 6238): the fallback of those who have no passkey, off until an admin switches it on. It proves
 * less: nothing in a code says what was decided, and nobody can check it later.
 *
 * Guarantees, on any number of replicas, against whoever has an operator's cookie and guesses: five attempts in any
 * minute; a code's time step is accepted once, and none before it; a secret is in force only once its owner has shown a
 * code of it; and the database holds it sealed.
 */
import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { Db, Tx } from '../db/open.ts'
import type { OperatorId } from '../ids.ts'

/** Seals and opens secrets under the key-encryption key; handed in, as this folder knows no vault. */
export type CodeSealer = {
  readonly kekId: () => string
  seal(plaintext: Buffer, id: OperatorId): Promise<Buffer>
  /** The caller zeroes what it gets. Rejects where it does not open. */
  open(sealed: Buffer, id: OperatorId): Promise<Buffer>
}

/** Seconds that a code is for; one more on either side is accepted, for clocks that differ. */
const step = 30
const mostAttempts = 5
const attemptsWithin = 60_000

export type CodeRefusal = 'no_code_enrolled' | 'too_many_attempts' | 'wrong_code' | 'code_used'

export type CodeState = {
  /** `waiting`: a secret was made, and no code of it has been shown yet. */
  readonly state: 'none' | 'waiting' | 'enrolled'
}

export async function readCodeState(db: Db | Tx, operatorId: OperatorId): Promise<CodeState> {
  const row = await db
    .selectFrom('one_time_code')
    .select('confirmed_at')
    .where('operator_id', '=', operatorId)
    .executeTakeFirst()
  if (row === undefined) return { state: 'none' }
  return { state: row.confirmed_at === null ? 'waiting' : 'enrolled' }
}

/** A new secret, and how an authenticator app reads it. Neither is kept anywhere but sealed. */
export async function newCodeSecret(
  sealer: CodeSealer,
  operator: { readonly id: OperatorId; readonly name: string },
  publicUrl: string,
): Promise<{ readonly secret: string; readonly uri: string; readonly sealed: Buffer }> {
  const { generateURI, ScureBase32Plugin } = await import('otplib')
  const bytes = randomBytes(20)
  const secret = new ScureBase32Plugin().encode(bytes, { padding: false })
  const issuer = `Valetkey (${new URL(publicUrl).host})`
  try {
    return {
      secret,
      uri: generateURI({ issuer, label: operator.name, secret }),
      sealed: await sealer.seal(bytes, operator.id),
    }
  } finally {
    bytes.fill(0)
  }
}

/** Keeps a new secret that waits for its first code. False where one is in force: it must be removed first. */
export async function enrolCode(
  tx: Tx,
  operatorId: OperatorId,
  sealed: Buffer,
  kekId: string,
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('one_time_code')
    .values({ operator_id: operatorId, sealed, kek_id: kekId, confirmed_at: null })
    // The attempts stay: a new secret must not buy new guesses.
    .onConflict((c) =>
      c
        .column('operator_id')
        .doUpdateSet({ sealed, kek_id: kekId })
        .where('one_time_code.confirmed_at', 'is', null),
    )
    .executeTakeFirst()
  return (numInsertedOrUpdatedRows ?? 0n) > 0n
}

export type CheckedCode =
  | { readonly ok: true; readonly step: number; readonly sealed: Buffer }
  | { readonly ok: false; readonly refusal: CodeRefusal }

/**
 * Whether `code` is a good one now. Counts as an attempt, in a transaction of its own, before anything is compared; the
 * step that it returns is used up by `useCode` or `confirmCode`.
 */
export async function checkCode(
  db: Db,
  sealer: CodeSealer,
  input: {
    readonly operatorId: OperatorId
    readonly code: string
    readonly state: 'waiting' | 'enrolled'
    readonly now: number
  },
): Promise<CheckedCode> {
  const { operatorId, code, now } = input
  const refused = (refusal: CodeRefusal) => ({ ok: false, refusal }) as const
  if ((await readCodeState(db, operatorId)).state !== input.state)
    return refused('no_code_enrolled')
  const row = await attempt(db, operatorId, now)
  if (row === undefined) return refused('too_many_attempts')
  const { verify } = await import('otplib')
  const secret = await sealer.open(row.sealed, operatorId)
  try {
    if (!/^[0-9]{6}$/.test(code)) return refused('wrong_code')
    const result = await verify({
      strategy: 'totp',
      secret,
      token: code,
      period: step,
      digits: 6,
      algorithm: 'sha1',
      epoch: Math.floor(now / 1000),
      epochTolerance: step,
    })
    if (!result.valid || !('timeStep' in result)) return refused('wrong_code')
    if (result.timeStep <= row.last_step) return refused('code_used')
    return { ok: true, step: result.timeStep, sealed: row.sealed }
  } finally {
    secret.fill(0)
  }
}

/** One statement, so that no number of replicas makes more of five; undefined where they are used up. */
async function attempt(
  db: Db,
  operatorId: OperatorId,
  now: number,
): Promise<{ readonly sealed: Buffer; readonly last_step: number } | undefined> {
  const recent = sql<number[]>`(
    select coalesce(jsonb_agg(made), '[]'::jsonb) from jsonb_array_elements(attempts) as made
    where made::bigint > ${now - attemptsWithin}
  )`
  return db
    .updateTable('one_time_code')
    .set({ attempts: sql<string>`${recent} || to_jsonb(${now}::bigint)` })
    .where('operator_id', '=', operatorId)
    .where(sql<boolean>`jsonb_array_length(${recent}) < ${mostAttempts}`)
    .returning(['sealed', 'last_step'])
    .executeTakeFirst()
}

/** Uses up a step, in the transaction that the decision takes effect in. */
export async function useCode(
  tx: Tx,
  operatorId: OperatorId,
  timeStep: number,
): Promise<'code_used' | undefined> {
  const { numUpdatedRows } = await tx
    .updateTable('one_time_code')
    .set({ last_step: timeStep })
    .where('operator_id', '=', operatorId)
    .where('confirmed_at', 'is not', null)
    .where('last_step', '<', timeStep)
    .executeTakeFirst()
  return numUpdatedRows > 0n ? undefined : 'code_used'
}

/** Puts the secret into force that this code was of, and uses its step up. False where it is no longer there. */
export async function confirmCode(
  tx: Tx,
  operatorId: OperatorId,
  checked: { readonly step: number; readonly sealed: Buffer },
  now: number,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('one_time_code')
    .set({ last_step: checked.step, confirmed_at: new Date(now) })
    .where('operator_id', '=', operatorId)
    .where('confirmed_at', 'is', null)
    .where('sealed', '=', checked.sealed)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export async function removeCode(tx: Tx, operatorId: OperatorId): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('one_time_code')
    .where('operator_id', '=', operatorId)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

/** A secret that no code has put into force: it was made without the passkey that its owner has by now. */
export async function removeWaitingCode(tx: Tx, operatorId: OperatorId): Promise<void> {
  await tx
    .deleteFrom('one_time_code')
    .where('operator_id', '=', operatorId)
    .where('confirmed_at', 'is', null)
    .execute()
}

/** Each sealed secret as `rewrap` gives it back, under the key-encryption key `kekId`. Returns how many there were. */
export async function rewrapOneTimeCodes(
  tx: Tx,
  kekId: string,
  rewrap: (sealed: Buffer, id: OperatorId) => Promise<Buffer>,
): Promise<number> {
  const rows = await tx.selectFrom('one_time_code').select(['operator_id', 'sealed']).execute()
  for (const { operator_id: id, sealed } of rows) {
    await tx
      .updateTable('one_time_code')
      .set({ sealed: await rewrap(sealed, id), kek_id: kekId })
      .where('operator_id', '=', id)
      .execute()
  }
  return rows.length
}

/** Whether an admin has switched codes on. Off where nothing says otherwise. */
export async function oneTimeCodesOn(db: Db | Tx): Promise<boolean> {
  const row = await db
    .selectFrom('approval_setting')
    .select('value')
    .where('name', '=', 'one_time_codes')
    .executeTakeFirst()
  return row?.value === 'on'
}

export async function switchOneTimeCodes(tx: Tx, value: 'on' | 'off', now: number): Promise<void> {
  const row = { value, updated_at: new Date(now) }
  await tx
    .insertInto('approval_setting')
    .values({ name: 'one_time_codes', ...row })
    .onConflict((c) => c.column('name').doUpdateSet(row))
    .execute()
}
