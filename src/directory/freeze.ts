/** Freezes: stop an agent, an environment, a provider, or everything, at once and on every replica. */
import type { FreezeScope } from '../core/decide.ts'
import type { Db, Tx } from '../db/open.ts'
import type { Row } from '../db/types.ts'
import { newId, type FreezeId, type OperatorId } from '../ids.ts'

export type Freeze = {
  readonly id: FreezeId
  readonly scope: FreezeScope
  /** The provider's name, or the id of the environment or agent; null for everything. */
  readonly subject: string | null
  readonly reason: string
  readonly createdBy: OperatorId
  readonly createdAt: Date
  readonly liftedAt: Date | null
}

function toFreeze(row: Row<'freeze'>): Freeze {
  return {
    id: row.id,
    scope: row.scope,
    subject: row.subject,
    reason: row.reason,
    createdBy: row.created_by,
    createdAt: row.created_at,
    liftedAt: row.lifted_at,
  }
}

export async function createFreeze(
  tx: Tx,
  freeze: {
    scope: FreezeScope
    subject: string | null
    reason: string
    createdBy: OperatorId
    now: number
  },
): Promise<FreezeId> {
  const id = newId('freeze', freeze.now)
  await tx
    .insertInto('freeze')
    .values({
      id,
      scope: freeze.scope,
      subject: freeze.subject,
      reason: freeze.reason,
      created_by: freeze.createdBy,
      lifted_at: null,
    })
    .execute()
  return id
}

/** False where there is no such freeze, or it was lifted before. */
export async function liftFreeze(tx: Tx, id: FreezeId, now: number): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('freeze')
    .set({ lifted_at: new Date(now) })
    .where('id', '=', id)
    .where('lifted_at', 'is', null)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export async function activeFreezes(db: Db): Promise<readonly Freeze[]> {
  const rows = await db
    .selectFrom('freeze')
    .selectAll()
    .where('lifted_at', 'is', null)
    .orderBy('id')
    .execute()
  return rows.map(toFreeze)
}

export async function listFreezes(
  db: Db,
  page: { limit: number; after: string },
): Promise<readonly Freeze[]> {
  const rows = await db
    .selectFrom('freeze')
    .selectAll()
    .where('id', '>', page.after as FreezeId)
    .orderBy('id')
    .limit(page.limit)
    .execute()
  return rows.map(toFreeze)
}

/** Which freeze, if any, stops this; the widest first. */
export function frozenScope(
  freezes: readonly Freeze[],
  request: { provider: string; environmentId: string; agentId: string },
): FreezeScope | undefined {
  const stops = (freeze: Freeze): boolean => {
    switch (freeze.scope) {
      case 'everything':
        return true
      case 'provider':
        return freeze.subject === request.provider
      case 'environment':
        return freeze.subject === request.environmentId
      case 'agent':
        return freeze.subject === request.agentId
    }
  }
  return freezes.find(stops)?.scope
}
