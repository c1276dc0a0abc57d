/**
 * The first operator, and the way back for a lost one. Both make a one-time setup secret that is printed once; neither
 * can be reached over the network. Recovering asks for what only the broker's keeper has: the key-encryption key.
 */
import { sql } from 'kysely'
import { appendWithin } from './audit/log.ts'
import { removeCode } from './approval/one-time-code.ts'
import { permitWithSetup, removeAllPasskeys } from './approval/passkey-permit.ts'
import type { Db } from './db/open.ts'
import {
  countOperators,
  createOperator,
  newSetupSecret,
  passwordsForKeeper,
  recoverAdmin,
} from './directory/operator.ts'
import { newId } from './ids.ts'

export const firstOperatorName = 'admin'

/** Makes the first operator on a database that has none. Undefined where there is one already. */
export async function bootstrapOperator(
  db: Db,
  now: number,
): Promise<{ name: string; setupSecret: string } | undefined> {
  const setupSecret = newSetupSecret()
  const made = await db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(hashtext('valetkey bootstrap'))`.execute(tx)
    if ((await countOperators(tx)) > 0) return false
    const id = await createOperator(tx, {
      name: firstOperatorName,
      roles: ['admin', 'approver', 'auditor'],
      setupSecret,
      now,
      passwordUntil: now + passwordsForKeeper,
    })
    // A founder has nobody else who could allow them a passkey.
    await permitWithSetup(tx, id)
    await appendWithin(tx, {
      kind: 'system',
      result: 'done',
      at: now,
      correlationId: newId('correlation', now),
      actor: { kind: 'system', id: 'bootstrap' },
      action: 'operator.bootstrap',
      detail: id,
    })
    return true
  })
  return made ? { name: firstOperatorName, setupSecret } : undefined
}

/**
 * Makes `name` an admin with a new setup secret, whatever they were before, without the passkeys and one-time codes that
 * they had: those are lost, or not only theirs. The caller has shown that it holds the
 * key-encryption key. The entry says so in words that nobody who reads the log can pass over.
 */
export async function recoverOperator(db: Db, name: string, now: number): Promise<string> {
  const setupSecret = newSetupSecret()
  await db.transaction().execute(async (tx) => {
    const id = await recoverAdmin(tx, name, setupSecret, now)
    const passkeys = await removeAllPasskeys(tx, id)
    await removeCode(tx, id)
    await permitWithSetup(tx, id)
    await appendWithin(tx, {
      kind: 'system',
      result: 'done',
      at: now,
      correlationId: newId('correlation', now),
      actor: { kind: 'system', id: 'recovery' },
      action: 'operator.RECOVERED',
      detail: `${name} (${id}) was made admin by a holder of the key-encryption key, outside the API; ${String(passkeys)} passkeys of theirs are gone, and they may register a new one; they sign in with a password, and no longer at an identity provider`,
    })
  })
  return setupSecret
}
