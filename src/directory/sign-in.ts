/**
 * Sign-ins that an identity provider stands behind, and the codes by which a CLI gets one or shows that its person is
 * there. Guarantees, on any number of replicas: a refresh token lies sealed, and is used by one replica at a time; a code
 * is good once, for two minutes, at five attempts, and only together with what the CLI kept to itself.
 */
import { createHash, randomInt, timingSafeEqual } from 'node:crypto'
import { sql } from 'kysely'
import type { Db, Tx } from '../db/open.ts'
import { newId, type OperatorId, type SignInId } from '../ids.ts'

/** Seals and opens refresh tokens under the key-encryption key; handed in, as this folder knows no vault. */
export type SignInSealer = {
  readonly kekId: () => string
  seal(plaintext: Buffer, id: SignInId): Promise<Buffer>
  /** The caller zeroes what it gets. Rejects where it does not open. */
  open(sealed: Buffer, id: SignInId): Promise<Buffer>
}

export type SignIn = {
  readonly id: SignInId
  readonly operatorId: OperatorId
  /** Milliseconds since the epoch, as all of these: when the provider last said that the person may come in. */
  readonly confirmedAt: number
  /** When they last showed who they are. */
  readonly provedAt: number | undefined
  readonly endsAt: number
  readonly sealed: Buffer | undefined
}

/** How long one replica may take to ask, in milliseconds: longer than its requests may take together. */
const askingFor = 30_000
/** How many that are over are removed beside each new one. */
const largestSweep = 50

export async function openSignIn(
  tx: Tx,
  sealer: SignInSealer,
  given: {
    readonly operatorId: OperatorId
    readonly refreshToken: string | undefined
    readonly provedAt: number | undefined
    readonly endsAt: number
    readonly now: number
  },
): Promise<SignInId> {
  const { operatorId, refreshToken, provedAt, endsAt, now } = given
  const id = newId('signIn', now)
  await tx
    .insertInto('operator_session')
    .values({
      id,
      operator_id: operatorId,
      ...(await sealedToken(sealer, id, refreshToken)),
      confirmed_at: new Date(now),
      proved_at: provedAt === undefined ? null : new Date(provedAt),
      ends_at: new Date(endsAt),
    })
    .execute()
  await sql`
    delete from operator_session where id in (
      select id from operator_session where ends_at < ${new Date(now)}
      limit ${largestSweep} for update skip locked
    )
  `.execute(tx)
  return id
}

async function sealedToken(sealer: SignInSealer, id: SignInId, token: string | undefined) {
  if (token === undefined) return { sealed: null, kek_id: null }
  return { sealed: await sealer.seal(Buffer.from(token), id), kek_id: sealer.kekId() }
}

export async function readSignInById(db: Db | Tx, id: SignInId): Promise<SignIn | undefined> {
  const row = await db
    .selectFrom('operator_session')
    .select(['id', 'operator_id', 'confirmed_at', 'proved_at', 'ends_at', 'sealed'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined) return undefined
  return {
    id: row.id,
    operatorId: row.operator_id,
    confirmedAt: row.confirmed_at.getTime(),
    provedAt: row.proved_at?.getTime(),
    endsAt: row.ends_at.getTime(),
    sealed: row.sealed ?? undefined,
  }
}

/** Takes the turn to ask the provider about a sign-in; false where another has it, or has just asked. */
export async function takeTurn(
  db: Db,
  id: SignInId,
  confirmedAt: number,
  now: number,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('operator_session')
    .set({ asking_until: new Date(now + askingFor) })
    .where('id', '=', id)
    .where('confirmed_at', '=', new Date(confirmedAt))
    .where((e) => e.or([e('asking_until', 'is', null), e('asking_until', '<=', new Date(now))]))
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** The turn is over. Without `confirmed` the provider could not be asked, and nothing is known anew. */
export async function endTurn(
  tx: Db | Tx,
  sealer: SignInSealer,
  id: SignInId,
  confirmed?: { readonly refreshToken: string | undefined; readonly now: number },
): Promise<void> {
  const change =
    confirmed === undefined
      ? {}
      : {
          confirmed_at: new Date(confirmed.now),
          ...(await sealedToken(sealer, id, confirmed.refreshToken)),
        }
  await tx
    .updateTable('operator_session')
    .set({ asking_until: null, ...change })
    .where('id', '=', id)
    .execute()
}

export async function endSignIn(tx: Tx | Db, id: SignInId): Promise<void> {
  await tx.deleteFrom('operator_session').where('id', '=', id).execute()
}

/** Ends every sign-in of an operator, on all replicas, at once: what was signed before carries an older epoch. */
export async function endAllSignIns(tx: Tx, operatorId: OperatorId): Promise<void> {
  await tx.deleteFrom('operator_session').where('operator_id', '=', operatorId).execute()
  await tx
    .updateTable('operator')
    .set((e) => ({ epoch: e('epoch', '+', 1) }))
    .where('id', '=', operatorId)
    .execute()
}

export type CodePurpose = 'sign_in' | 'act'

/** How long a code is good, in milliseconds. */
export const codeLifetime = 120_000
const mostAttempts = 5
/** Nothing that is read as something else. */
const letters = 'BCDFGHJKLMNPQRSTVWXZ23456789'

/** SHA-256 of what the CLI keeps to itself. */
export function challengeOf(verifier: string): Buffer {
  return createHash('sha256').update(verifier).digest()
}

/** A code for the CLI that this challenge is of; undefined where one was made for it already. */
export async function makeCode(
  tx: Tx,
  given: {
    readonly challenge: Buffer
    readonly purpose: CodePurpose
    readonly signInId: SignInId
    readonly now: number
  },
): Promise<string | undefined> {
  const text = Array.from({ length: 10 }, () => letters[randomInt(letters.length)]).join('')
  const code = `${text.slice(0, 5)}-${text.slice(5)}`
  await tx.deleteFrom('sign_in_code').where('expires_at', '<', new Date(given.now)).execute()
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('sign_in_code')
    .values({
      challenge: given.challenge,
      code_hash: hashOf(code),
      purpose: given.purpose,
      session_id: given.signInId,
      expires_at: new Date(given.now + codeLifetime),
    })
    .onConflict((c) => c.column('challenge').doNothing())
    .executeTakeFirst()
  return numInsertedOrUpdatedRows === 0n ? undefined : code
}

/** The sign-in that a code was made for. It is used up by this, and so is one of its attempts where it is wrong. */
export async function takeCode(
  db: Db,
  given: {
    readonly verifier: string
    readonly code: string
    readonly purpose: CodePurpose
    readonly now: number
  },
): Promise<SignInId | undefined> {
  const challenge = challengeOf(given.verifier)
  const row = await db
    .updateTable('sign_in_code')
    .set((e) => ({ attempts: e('attempts', '+', 1) }))
    .where('challenge', '=', challenge)
    .where('purpose', '=', given.purpose)
    .where('attempts', '<', mostAttempts)
    .where('expires_at', '>', new Date(given.now))
    .returning(['code_hash', 'session_id'])
    .executeTakeFirst()
  if (row === undefined || !timingSafeEqual(row.code_hash, hashOf(given.code))) return undefined
  const { numDeletedRows } = await db
    .deleteFrom('sign_in_code')
    .where('challenge', '=', challenge)
    .executeTakeFirst()
  return numDeletedRows > 0n ? row.session_id : undefined
}

/** As it was typed: in either case, with or without its dash. */
function hashOf(code: string): Buffer {
  return createHash('sha256').update(code.toUpperCase().replaceAll(/[\s-]/g, '')).digest()
}
