/**
 * Disabling, enabling and revoking, the same for everything that can be. Revoked is for ever: a thing that was revoked
 * for a reason must not come back by a slip.
 */
import type { Tx } from '../db/open.ts'
import type { State } from '../db/types.ts'

export type Stateful = 'agent' | 'environment' | 'grant' | 'trust_issuer' | 'trust_rule'

export async function setState(
  tx: Tx,
  table: Stateful,
  id: string,
  state: State,
): Promise<'changed' | 'not_found' | 'revoked'> {
  const row = await tx
    .selectFrom(table)
    .select('state')
    .where('id', '=', id as never)
    .forUpdate()
    .executeTakeFirst()
  if (row === undefined) return 'not_found'
  if (row.state === 'revoked' && state !== 'revoked') return 'revoked'
  await tx
    .updateTable(table)
    .set({ state })
    .where('id', '=', id as never)
    .execute()
  return 'changed'
}
