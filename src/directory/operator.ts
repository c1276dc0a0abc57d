/** Operators: the people. Their passwords are argon2id hashes; a first or a new one is set with a one-time secret. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Db, Tx } from '../db/open.ts'
import type { Role, Row, State } from '../db/types.ts'
import { newId, type OperatorId } from '../ids.ts'

export type Operator = {
  readonly id: OperatorId
  readonly name: string
  readonly roles: readonly Role[]
  readonly state: State
  /** Whether a password has been set. */
  readonly ready: boolean
  readonly createdAt: Date
}

/** How long a one-time setup secret can be used, in milliseconds. */
export const setupLifetime = 24 * 3_600_000

const columns = ['id', 'name', 'roles', 'state', 'password_hash', 'created_at'] as const

function toOperator(row: Pick<Row<'operator'>, (typeof columns)[number]>): Operator {
  const { id, name, roles, state, created_at: createdAt } = row
  return { id, name, roles, state, ready: row.password_hash !== null, createdAt }
}

/** 256 random bits, so that a plain hash of it is as good as the secret is long. */
export function newSetupSecret(): string {
  return `vks_${randomBytes(32).toString('base64url')}`
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

export async function createOperator(
  tx: Tx,
  operator: { name: string; roles: readonly Role[]; setupSecret: string; now: number },
): Promise<OperatorId> {
  const id = newId('operator', operator.now)
  await tx
    .insertInto('operator')
    .values({
      id,
      name: operator.name,
      roles: [...operator.roles],
      password_hash: null,
      setup_hash: hashOf(operator.setupSecret),
      setup_expires_at: new Date(operator.now + setupLifetime),
    })
    .execute()
  return id
}

/**
 * Gives an operator a new one-time secret and ends their sign-ins. The old password stops working. One who was revoked
 * stays so.
 */
export async function resetOperator(
  tx: Tx,
  id: OperatorId,
  setupSecret: string,
  now: number,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('operator')
    .set((e) => ({
      password_hash: null,
      setup_hash: hashOf(setupSecret),
      setup_expires_at: new Date(now + setupLifetime),
      epoch: e('epoch', '+', 1),
    }))
    .where('id', '=', id)
    .where('state', '!=', 'revoked')
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Who a setup secret belongs to, if it is still good. */
export async function operatorBySetupSecret(
  db: Db,
  name: string,
  secret: string,
  now: number,
): Promise<OperatorId | undefined> {
  const row = await db
    .selectFrom('operator')
    .select(['id', 'setup_hash', 'setup_expires_at', 'state'])
    .where('name', '=', name)
    .executeTakeFirst()
  const given = hashOf(secret)
  const matches = row?.setup_hash != null && timingSafeEqual(row.setup_hash, given)
  if (row === undefined || !matches || row.state !== 'active') return undefined
  if (row.setup_expires_at === null || row.setup_expires_at.getTime() <= now) return undefined
  return row.id
}

/** Sets the password and uses up the setup secret, once: false where somebody else just did. */
export async function setFirstPassword(
  tx: Tx,
  id: OperatorId,
  secret: string,
  passwordHash: string,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('operator')
    .set((e) => ({
      password_hash: passwordHash,
      setup_hash: null,
      setup_expires_at: null,
      epoch: e('epoch', '+', 1),
    }))
    .where('id', '=', id)
    .where('setup_hash', '=', hashOf(secret))
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export async function setPassword(tx: Tx, id: OperatorId, passwordHash: string): Promise<void> {
  await tx
    .updateTable('operator')
    .set((e) => ({ password_hash: passwordHash, epoch: e('epoch', '+', 1) }))
    .where('id', '=', id)
    .execute()
}

export type SignInRecord = {
  readonly id: OperatorId
  readonly name: string
  readonly roles: readonly Role[]
  readonly passwordHash: string | null
  readonly state: State
  readonly epoch: number
}

export async function signInRecord(
  db: Db,
  by: { name: string } | { id: OperatorId },
): Promise<SignInRecord | undefined> {
  const query = db
    .selectFrom('operator')
    .select(['id', 'name', 'roles', 'password_hash', 'state', 'epoch'])
  const row = await (
    'name' in by ? query.where('name', '=', by.name) : query.where('id', '=', by.id)
  ).executeTakeFirst()
  if (row === undefined) return undefined
  const { password_hash: passwordHash, ...rest } = row
  return { ...rest, passwordHash }
}

export async function readOperator(db: Db | Tx, id: OperatorId): Promise<Operator | undefined> {
  const row = await db
    .selectFrom('operator')
    .select(columns)
    .where('id', '=', id)
    .executeTakeFirst()
  return row === undefined ? undefined : toOperator(row)
}

export async function listOperators(
  db: Db,
  page: { limit: number; after: string },
): Promise<readonly Operator[]> {
  const rows = await db
    .selectFrom('operator')
    .select(columns)
    .where('id', '>', page.after as OperatorId)
    .orderBy('id')
    .limit(page.limit)
    .execute()
  return rows.map(toOperator)
}

export async function countOperators(db: Db | Tx): Promise<number> {
  const row = await db
    .selectFrom('operator')
    .select((e) => e.fn.countAll<string>().as('n'))
    .executeTakeFirstOrThrow()
  return Number(row.n)
}

/**
 * Changes roles or state, and ends the operator's sign-ins. `last_admin` where it would leave nobody who can
 * administer the broker.
 */
export async function updateOperator(
  tx: Tx,
  id: OperatorId,
  change: { roles?: readonly Role[] | undefined; state?: State | undefined },
): Promise<'updated' | 'not_found' | 'last_admin'> {
  // Locks every admin, so that two requests cannot each remove the other's last one.
  const admins = await tx
    .selectFrom('operator')
    .select('id')
    .where('state', '=', 'active')
    .where('password_hash', 'is not', null)
    .where(
      (e) => e.val('admin'),
      '=',
      (e) => e.fn.any('roles'),
    )
    .forUpdate()
    .execute()
  const staysAdmin =
    (change.roles?.includes('admin') ?? true) && (change.state ?? 'active') === 'active'
  if (!staysAdmin && admins.every((admin) => admin.id === id)) return 'last_admin'
  const { numUpdatedRows } = await tx
    .updateTable('operator')
    .set((e) => ({
      epoch: e('epoch', '+', 1),
      ...(change.roles === undefined ? {} : { roles: [...change.roles] }),
      ...(change.state === undefined ? {} : { state: change.state }),
    }))
    .where('id', '=', id)
    .where('state', '!=', 'revoked')
    .executeTakeFirst()
  return numUpdatedRows > 0n ? 'updated' : 'not_found'
}

/** Makes an active admin of this name, with a setup secret and no password: a new one, or whoever has the name. */
export async function recoverAdmin(
  tx: Tx,
  name: string,
  setupSecret: string,
  now: number,
): Promise<OperatorId> {
  const row = await tx
    .selectFrom('operator')
    .select('id')
    .where('name', '=', name)
    .forUpdate()
    .executeTakeFirst()
  if (row === undefined) {
    return createOperator(tx, { name, roles: ['admin', 'approver', 'auditor'], setupSecret, now })
  }
  await tx
    .updateTable('operator')
    .set((e) => ({
      roles: ['admin', 'approver', 'auditor'] satisfies Role[],
      state: 'active' as const,
      password_hash: null,
      setup_hash: hashOf(setupSecret),
      setup_expires_at: new Date(now + setupLifetime),
      epoch: e('epoch', '+', 1),
    }))
    .where('id', '=', row.id)
    .execute()
  return row.id
}
