/**
 * Passkeys as they are kept. Guarantees, on any number of replicas: a registration's challenge works once, for the
 * operator it was made for, for five minutes; a credential belongs to one operator; a counter only rises.
 */
import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { Db, Tx } from '../db/open.ts'
import type { Row } from '../db/types.ts'
import { newId, type OperatorId, type PasskeyId } from '../ids.ts'
import { fingerprintOf, type PasskeyAlgorithm } from './cose-key.ts'
import { ceremonyTime } from './ceremony.ts'
import { type NewPasskey } from './webauthn.ts'

export type Passkey = {
  readonly id: PasskeyId
  readonly operatorId: OperatorId
  readonly name: string
  /** Base64url. */
  readonly credentialId: string
  /** COSE. */
  readonly publicKey: Buffer
  readonly algorithm: PasskeyAlgorithm
  readonly fingerprint: string
  readonly counter: number
  readonly transports: readonly string[]
  /** Whether it can be on several devices. */
  readonly synced: boolean
  readonly createdAt: Date
  readonly lastUsedAt: Date | undefined
}

/** An operator with more has lost sight of them; a page and an authenticator are shown all of them. */
export const mostPasskeys = 20

function toPasskey(row: Row<'passkey'>): Passkey {
  return {
    id: row.id,
    operatorId: row.operator_id,
    name: row.name,
    credentialId: row.credential_id.toString('base64url'),
    publicKey: row.public_key,
    algorithm: row.algorithm,
    fingerprint: fingerprintOf(row.public_key),
    counter: Number(row.counter),
    transports: row.transports,
    synced: row.synced,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at ?? undefined,
  }
}

/** A new challenge for this operator; one that was handed out before is void. */
export async function openRegistration(
  db: Db | Tx,
  operatorId: OperatorId,
  now: number,
): Promise<Buffer> {
  const challenge = randomBytes(32)
  const row = { challenge, expires_at: new Date(now + ceremonyTime) }
  await db
    .insertInto('passkey_challenge')
    .values({ operator_id: operatorId, ...row })
    .onConflict((c) => c.column('operator_id').doUpdateSet(row))
    .execute()
  return challenge
}

/** Takes the challenge away, whatever becomes of the registration. Undefined where there is none that is still good. */
export async function takeRegistration(
  db: Db | Tx,
  operatorId: OperatorId,
  now: number,
): Promise<Buffer | undefined> {
  return (await takeChallenge(db, operatorId, now))?.challenge
}

/** As `takeRegistration`, with the end of its time: for what says itself until when it is good. */
export async function takeChallenge(
  db: Db | Tx,
  operatorId: OperatorId,
  now: number,
): Promise<{ readonly challenge: Buffer; readonly expiresAt: Date } | undefined> {
  const row = await db
    .deleteFrom('passkey_challenge')
    .where('operator_id', '=', operatorId)
    .returning(['challenge', 'expires_at'])
    .executeTakeFirst()
  return row !== undefined && now < row.expires_at.getTime()
    ? { challenge: row.challenge, expiresAt: row.expires_at }
    : undefined
}

/** One registration of an operator at a time, so that two cannot each be the first, or the last that fits. */
export async function lockOperator(tx: Tx, operatorId: OperatorId): Promise<void> {
  await tx
    .selectFrom('operator')
    .select('id')
    .where('id', '=', operatorId)
    .forUpdate()
    .executeTakeFirstOrThrow()
}

/** `taken`: the credential is somebody's already, this operator's or another's, which is not told. */
export async function addPasskey(
  tx: Tx,
  passkey: NewPasskey & { readonly operatorId: OperatorId; readonly name: string },
  now: number,
): Promise<PasskeyId | 'taken' | 'too_many'> {
  await lockOperator(tx, passkey.operatorId)
  const { n } = await tx
    .selectFrom('passkey')
    .select((e) => e.fn.countAll<string>().as('n'))
    .where('operator_id', '=', passkey.operatorId)
    .executeTakeFirstOrThrow()
  if (Number(n) >= mostPasskeys) return 'too_many'
  const added = await tx
    .insertInto('passkey')
    .values({
      id: newId('passkey', now),
      operator_id: passkey.operatorId,
      name: passkey.name,
      credential_id: Buffer.from(passkey.credentialId, 'base64url'),
      public_key: passkey.publicKey,
      algorithm: passkey.algorithm,
      counter: String(passkey.counter),
      aaguid: passkey.aaguid,
      transports: [...passkey.transports],
      synced: passkey.synced,
      last_used_at: null,
    })
    .onConflict((c) => c.column('credential_id').doNothing())
    .returning('id')
    .executeTakeFirst()
  return added?.id ?? 'taken'
}

/** An operator's own, oldest first. */
export async function listPasskeys(
  db: Db | Tx,
  operatorId: OperatorId,
): Promise<readonly Passkey[]> {
  const rows = await db
    .selectFrom('passkey')
    .selectAll()
    .where('operator_id', '=', operatorId)
    .orderBy('id')
    .execute()
  return rows.map(toPasskey)
}

export async function readPasskey(db: Db | Tx, id: PasskeyId): Promise<Passkey | undefined> {
  const row = await db.selectFrom('passkey').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : toPasskey(row)
}

/** Returns what was removed, or undefined where somebody else was quicker. */
export async function removePasskey(tx: Tx, id: PasskeyId): Promise<Passkey | undefined> {
  const row = await tx.deleteFrom('passkey').where('id', '=', id).returningAll().executeTakeFirst()
  return row === undefined ? undefined : toPasskey(row)
}

/**
 * The counter as an assertion gave it, in the transaction that the assertion takes effect in. `counter_went_back` where
 * another assertion came in between, `no_such_passkey` where it was removed meanwhile: then nothing may take effect.
 */
export async function usePasskey(
  tx: Tx,
  id: PasskeyId,
  counter: number,
  now: number,
): Promise<'counter_went_back' | 'no_such_passkey' | undefined> {
  const { numUpdatedRows } = await tx
    .updateTable('passkey')
    .set({ counter: String(counter), last_used_at: new Date(now) })
    .where('id', '=', id)
    .where((e) => (counter === 0 ? e('counter', '=', '0') : e('counter', '<', String(counter))))
    .executeTakeFirst()
  if (numUpdatedRows > 0n) return undefined
  return (await readPasskey(tx, id)) === undefined ? 'no_such_passkey' : 'counter_went_back'
}

/** How many active approvers could decide with a passkey at this moment. */
export async function countApproversWithPasskey(tx: Tx): Promise<number> {
  const { rows } = await sql<{ n: string }>`
    select count(*) as n from operator
    where state = 'active' and 'approver' = any (roles)
      and exists (select 1 from passkey where operator_id = operator.id)
  `.execute(tx)
  return Number(rows[0]?.n ?? 0)
}
