/**
 * Who an operator is at the identity provider. Guarantees: one person there, known by issuer and subject and by nothing
 * else, is one operator here; no name, which anybody may choose, ever leads to an operator who is there already.
 */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { Db, Tx } from '../db/open.ts'
import type { Role } from '../db/types.ts'
import { newId, type OperatorId } from '../ids.ts'

export type { Role } from '../db/types.ts'

export type Identity = { readonly issuer: string; readonly subject: string }

export async function operatorOfIdentity(
  db: Db | Tx,
  { issuer, subject }: Identity,
): Promise<OperatorId | undefined> {
  const row = await db
    .selectFrom('operator_identity')
    .select('operator_id')
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .executeTakeFirst()
  return row?.operator_id
}

/**
 * As `operatorOfIdentity`, with the operator locked: until the transaction ends, nobody ties them to somebody else,
 * disables or recovers them. Undefined, too, where they have just become somebody else.
 */
export async function lockOperatorOfIdentity(
  tx: Tx,
  identity: Identity,
): Promise<OperatorId | undefined> {
  const id = await operatorOfIdentity(tx, identity)
  if (id === undefined) return undefined
  await tx.selectFrom('operator').select('id').where('id', '=', id).forUpdate().execute()
  return (await operatorOfIdentity(tx, identity)) === id ? id : undefined
}

export async function identityOf(
  db: Db | Tx,
  operatorId: OperatorId,
): Promise<Identity | undefined> {
  return db
    .selectFrom('operator_identity')
    .select(['issuer', 'subject'])
    .where('operator_id', '=', operatorId)
    .executeTakeFirst()
}

/**
 * Ties an operator to a person at the provider, in place of whoever it was before: no password of theirs works any
 * more, their sign-ins end, and a first passkey that was allowed to that person is not allowed to this one. `taken`
 * where the person is another operator.
 */
export async function tieOperator(
  tx: Tx,
  operatorId: OperatorId,
  identity: Identity,
  by: OperatorId,
): Promise<'tied' | 'taken' | 'not_found'> {
  const { numUpdatedRows } = await tx
    .updateTable('operator')
    .set((e) => ({
      password_hash: null,
      password_until: null,
      setup_hash: null,
      setup_expires_at: null,
      epoch: e('epoch', '+', 1),
    }))
    .where('id', '=', operatorId)
    .where('state', '!=', 'revoked')
    .executeTakeFirst()
  if (numUpdatedRows === 0n) return 'not_found'
  await untieOperator(tx, operatorId)
  await tx.deleteFrom('passkey_permit').where('operator_id', '=', operatorId).execute()
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('operator_identity')
    .values({ operator_id: operatorId, ...identity, tied_by: by })
    .onConflict((c) => c.columns(['issuer', 'subject']).doNothing())
    .executeTakeFirst()
  return (numInsertedOrUpdatedRows ?? 0n) > 0n ? 'tied' : 'taken'
}

/** For whom the keeper recovers: from now on they have a password. */
export async function untieOperator(tx: Tx, operatorId: OperatorId): Promise<boolean> {
  await tx.deleteFrom('operator_session').where('operator_id', '=', operatorId).execute()
  const { numDeletedRows } = await tx
    .deleteFrom('operator_identity')
    .where('operator_id', '=', operatorId)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

/** The operator that a first sign-in makes. Undefined where the same person has just become one elsewhere. */
export async function createFromIdentity(
  tx: Tx,
  person: Identity & { readonly name: string | undefined },
  roles: readonly Role[],
  now: number,
): Promise<{ readonly id: OperatorId; readonly name: string } | undefined> {
  const { issuer, subject } = person
  const plain = nameFor(person.name ?? subject)
  // Of this person and nobody else, so that the same name twice is told apart, and stays so.
  const mark = createHash('sha256')
    .update(JSON.stringify([issuer, subject]))
    .digest('hex')
  for (const name of [plain, `${plain}-${mark.slice(0, 6)}`, `${plain}-${mark.slice(0, 24)}`]) {
    if (await isLikeAnother(tx, name)) continue
    const id = newId('operator', now)
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('operator')
      .values({ id, name, roles: [...roles], password_hash: null })
      .onConflict((c) => c.column('name').doNothing())
      .executeTakeFirst()
    if (numInsertedOrUpdatedRows === 0n) continue
    const { numInsertedOrUpdatedRows: tied } = await tx
      .insertInto('operator_identity')
      .values({ operator_id: id, issuer, subject, tied_by: null })
      .onConflict((c) => c.columns(['issuer', 'subject']).doNothing())
      .executeTakeFirst()
    if (tied !== 0n) return { id, name }
    await tx.deleteFrom('operator').where('id', '=', id).execute()
    return undefined
  }
  return undefined
}

/** Who reads `Admin` on a page reads `admin`. */
async function isLikeAnother(tx: Tx, name: string): Promise<boolean> {
  const row = await tx
    .selectFrom('operator')
    .select('id')
    .where(sql`lower(name)`, '=', name.toLowerCase())
    .executeTakeFirst()
  return row !== undefined
}

/** What the name of an operator may hold: nothing that looks like something else. Short enough for a mark behind it. */
function nameFor(text: string): string {
  const plain = text
    .replaceAll(/[^A-Za-z0-9._/@ -]+/g, '-')
    .slice(0, 70)
    .replaceAll(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '')
  return plain === '' ? 'operator' : plain
}

/**
 * The roles that the provider's groups give; none of them ends every sign-in. The caller has locked the operator. Undefined
 * where they were these already.
 */
export async function setRolesOfGroups(
  tx: Tx,
  operatorId: OperatorId,
  roles: readonly Role[],
): Promise<readonly Role[] | undefined> {
  const row = await tx
    .selectFrom('operator')
    .select('roles')
    .where('id', '=', operatorId)
    .executeTakeFirst()
  const before = row?.roles ?? []
  if (before.length === roles.length && roles.every((role) => before.includes(role)))
    return undefined
  await tx
    .updateTable('operator')
    .set({ roles: [...roles] })
    .where('id', '=', operatorId)
    .execute()
  if (before.includes('admin') && !roles.includes('admin'))
    await tx
      .updateTable('passkey')
      .set({ of_admin: true })
      .where('operator_id', '=', operatorId)
      .execute()
  return before
}
