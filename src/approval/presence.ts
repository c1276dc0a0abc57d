/**
 * A touch of a passkey that somebody has already, for what is not an approval: another passkey, the removal of one, the
 * permit for a first one, one-time codes, a break-glass, what an operator may do. Guarantees, against whoever holds an
 * operator's password and cookie but not their authenticator: the touch was made for this act, on this subject, to this
 * end, by this operator, over a challenge that was handed out once and is used up. What is signed is a digest with
 * members of its own, so that no touch for an approval passes for one of these, nor one of these for another.
 */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { canonicalize, type Canonical } from '../core/canonical.ts'
import type { Db, Tx } from '../db/open.ts'
import type { OperatorId, PasskeyId } from '../ids.ts'
import { listPasskeys } from './passkey.ts'
import type { ProofUse } from './proof.ts'
import { verifyTouch, type Assertion, type AssertionRefusal } from './webauthn.ts'

export const presenceActs = [
  'passkey.register',
  'passkey.remove',
  'passkey.allow',
  'break_glass.confirm',
  'one_time_code.enrol',
  'operator.create',
  'operator.update',
  'operator.reset',
  'operator.tie',
] as const
export type PresenceAct = (typeof presenceActs)[number]

export type Presence = {
  readonly act: PresenceAct
  /** The id of what it is done to: a passkey, an operator, a break-glass; the name of an operator who is to be. */
  readonly subject: string
  /** What becomes of it, where the act does not say so. */
  readonly change?: Canonical | undefined
  readonly operatorId: OperatorId
}

/** The WebAuthn challenge: 32 bytes. `challenge`: the random ones that are kept for this operator. */
export function presenceDigest(presence: Presence, challenge: Uint8Array): Buffer {
  const { act, subject, change, operatorId } = presence
  const text = canonicalize({
    challenge: Buffer.from(challenge).toString('base64url'),
    ...(change === undefined ? {} : { change }),
    operator: operatorId,
    presence: act,
    subject,
    v: 1,
  })
  return createHash('sha256').update(text).digest()
}

export type VerifiedPresence =
  | { readonly ok: true; readonly use: ProofUse }
  | {
      readonly ok: false
      readonly refusal: AssertionRefusal | 'no_such_passkey'
      readonly passkeyId?: PasskeyId | undefined
    }

/** `challenge`: taken away before this is called. The use must still be found true where it takes effect: `useProof`. */
export async function verifyPresence(
  db: Db,
  input: Presence & {
    readonly challenge: Uint8Array
    readonly assertion: Assertion
    readonly publicUrl: string
  },
): Promise<VerifiedPresence> {
  const { operatorId, assertion, publicUrl } = input
  const own = await listPasskeys(db, operatorId)
  const passkey = own.find(({ credentialId }) => credentialId === assertion.id)
  if (passkey === undefined) return { ok: false, refusal: 'no_such_passkey' }
  const challenge = presenceDigest(input, input.challenge)
  const { id: passkeyId } = passkey
  const result = await verifyTouch({ challenge, operatorId, passkey, assertion, publicUrl })
  return result.ok
    ? { ok: true, use: { kind: 'passkey', passkeyId, counter: result.counter } }
    : { ok: false, refusal: result.refusal, passkeyId }
}

/** Whether what this operator does to their own passkeys needs a touch: as soon as they have one. */
export async function hasPasskey(db: Db | Tx, operatorId: OperatorId): Promise<boolean> {
  const { rows } = await sql<{ has: boolean }>`
    select exists (select 1 from passkey where operator_id = ${operatorId}) as has
  `.execute(db)
  return rows[0]?.has ?? true
}

/**
 * Whether what this admin does in matters of others needs a touch: as soon as any admin has a passkey, disabled ones
 * counted. Otherwise who has the password of an admin with a passkey would make an admin without one, and act as that.
 * So are those whom the identity provider's groups no longer make one: whoever keeps those could empty them first.
 */
export async function adminsHavePasskeys(db: Db | Tx, operatorId: OperatorId): Promise<boolean> {
  const { rows } = await sql<{ has: boolean }>`
    select exists (
      select 1 from passkey join operator on operator.id = passkey.operator_id
      where operator.id = ${operatorId} or 'admin' = any (operator.roles) or passkey.of_admin
    ) as has
  `.execute(db)
  return rows[0]?.has ?? true
}

/**
 * Whose passkeys make a touch necessary: one's own; besides, those of any admin; or besides, those of the operator whom it
 * is about, while they are an admin.
 */
export type PresenceOf = 'self' | 'admins' | { readonly orAdmin: OperatorId }

/** Whether a touch is needed, and because of whose passkeys. */
export async function presenceNeeded(
  db: Db | Tx,
  operatorId: OperatorId,
  of: PresenceOf,
): Promise<'self' | 'others' | undefined> {
  if (await hasPasskey(db, operatorId)) return 'self'
  if (of === 'self') return undefined
  const others =
    of === 'admins'
      ? await adminsHavePasskeys(db, operatorId)
      : await isAdminWithPasskey(db, of.orAdmin)
  return others ? 'others' : undefined
}

/** Whoever could take the role of the only admin with a passkey away could act as if there had never been one. */
async function isAdminWithPasskey(db: Db | Tx, operatorId: OperatorId): Promise<boolean> {
  const { rows } = await sql<{ has: boolean }>`
    select exists (
      select 1 from passkey join operator on operator.id = passkey.operator_id
      where operator.id = ${operatorId} and 'admin' = any (operator.roles)
    ) as has
  `.execute(db)
  return rows[0]?.has ?? true
}
