/** Operators: the people. Their passwords are argon2id hashes; a first or a new one is set with a one-time secret. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Db, Tx } from '../db/open.ts'
import type { Role, Row, State } from '../db/types.ts'
import { newId, type OperatorId } from '../ids.ts'
import { untieOperator } from './operator-identity.ts'

export type Operator = {
  readonly id: OperatorId
  readonly name: string
  readonly roles: readonly Role[]
  readonly state: State
  /** Whether they can sign in: a password has been set, or they are known at the identity provider. */
  readonly ready: boolean
  /** Who they are at the identity provider, where they sign in there. */
  readonly identity: { readonly issuer: string; readonly subject: string } | undefined
  readonly createdAt: Date
}

/** How long a one-time setup secret can be used, in milliseconds. */
export const setupLifetime = 24 * 3_600_000

/**
 * How long the password of whom the keeper has made or recovered is good although passwords are switched off, in
 * milliseconds: who holds the key-encryption key must not be locked out by an identity provider that is down.
 */
export const passwordsForKeeper = 2 * setupLifetime

type Found = Pick<
  Row<'operator'>,
  'id' | 'name' | 'roles' | 'state' | 'password_hash' | 'created_at'
> & { readonly issuer: string | null; readonly subject: string | null }

function toOperator(row: Found): Operator {
  const { id, name, roles, state, created_at: createdAt } = row
  const identity = identityIn(row)
  const ready = row.password_hash !== null || identity !== undefined
  return { id, name, roles, state, ready, identity, createdAt }
}

function identityIn({ issuer, subject }: Pick<Found, 'issuer' | 'subject'>) {
  return issuer === null || subject === null ? undefined : { issuer, subject }
}

function selectOperators(db: Db | Tx) {
  return db
    .selectFrom('operator')
    .leftJoin('operator_identity', 'operator_identity.operator_id', 'operator.id')
    .select([
      'operator.id',
      'operator.name',
      'operator.roles',
      'operator.state',
      'operator.password_hash',
      'operator.created_at',
      'operator_identity.issuer',
      'operator_identity.subject',
    ])
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
  operator: {
    name: string
    roles: readonly Role[]
    setupSecret: string
    now: number
    /** Until when their password is good although passwords are switched off, in milliseconds since the epoch. */
    passwordUntil?: number
  },
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
      password_until:
        operator.passwordUntil === undefined ? null : new Date(operator.passwordUntil),
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
  /** Until when it is good although passwords are switched off. */
  readonly passwordUntil: Date | null
  readonly identity: Operator['identity']
  readonly state: State
  readonly epoch: number
}

export async function signInRecord(
  db: Db,
  by: { name: string } | { id: OperatorId },
): Promise<SignInRecord | undefined> {
  const query = selectOperators(db).select(['operator.epoch', 'operator.password_until'])
  const row = await (
    'name' in by
      ? query.where('operator.name', '=', by.name)
      : query.where('operator.id', '=', by.id)
  ).executeTakeFirst()
  if (row === undefined) return undefined
  const { id, name, roles, state, epoch } = row
  return {
    id,
    name,
    roles,
    passwordHash: row.password_hash,
    passwordUntil: row.password_until,
    identity: identityIn(row),
    state,
    epoch,
  }
}

export async function readOperator(db: Db | Tx, id: OperatorId): Promise<Operator | undefined> {
  const row = await selectOperators(db).where('operator.id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : toOperator(row)
}

export async function listOperators(
  db: Db,
  page: { limit: number; after: string },
): Promise<readonly Operator[]> {
  const rows = await selectOperators(db)
    .where('operator.id', '>', page.after as OperatorId)
    .orderBy('operator.id')
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
    .where((e) =>
      e.or([
        e('password_hash', 'is not', null),
        e.exists(
          e
            .selectFrom('operator_identity')
            .select('operator_id')
            .whereRef('operator_identity.operator_id', '=', 'operator.id'),
        ),
      ]),
    )
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
  const passwordUntil = now + passwordsForKeeper
  if (row === undefined) {
    const roles = ['admin', 'approver', 'auditor'] as const
    return createOperator(tx, { name, roles, setupSecret, now, passwordUntil })
  }
  await untieOperator(tx, row.id)
  await tx
    .updateTable('operator')
    .set((e) => ({
      roles: ['admin', 'approver', 'auditor'] satisfies Role[],
      state: 'active' as const,
      password_hash: null,
      password_until: new Date(passwordUntil),
      setup_hash: hashOf(setupSecret),
      setup_expires_at: new Date(now + setupLifetime),
      epoch: e('epoch', '+', 1),
    }))
    .where('id', '=', row.id)
    .execute()
  return row.id
}
