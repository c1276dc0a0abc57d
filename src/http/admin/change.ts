/** How the operators' realm changes anything: the change, its audit entry and the new revision, all or none. */
import type { FastifyRequest } from 'fastify'
import { appendWithin } from '../../audit/log.ts'
import type { Canonical } from '../../core/canonical.ts'
import { bumpRevision } from '../../db/feed.ts'
import type { Tx } from '../../db/open.ts'
import type { RevisionScope } from '../../db/types.ts'
import { adminEntry } from '../operator-auth.ts'
import type { Deps } from '../deps.ts'

export type Changed<T> = {
  readonly value: T
  /** The id of what was changed. */
  readonly subject: string
  readonly environment?: { readonly id: string; readonly name: string }
  /** What it became, in fields that hold no secret. */
  readonly change?: Canonical
}

/** Does the change; it is in effect in this process when this returns, and in the others within the feed's bound. */
export async function commit<T>(
  deps: Deps,
  request: FastifyRequest,
  work: (tx: Tx) => Promise<Changed<T>>,
  scope: RevisionScope = 'directory',
): Promise<T> {
  const { value } = await deps.db.transaction().execute(async (tx) => {
    const changed = await work(tx)
    const { subject, change, environment } = changed
    await appendWithin(
      tx,
      adminEntry(deps, request, { result: 'done', subject, change, environment }),
    )
    await bumpRevision(tx, scope)
    return changed
  })
  await deps.feed.refresh()
  return value
}
