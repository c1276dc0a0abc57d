/** How the identity provider's word changes anything: the change, its entries and the new revision, all or none. */
import type { AuditEntry } from '../../audit/entry.ts'
import { appendWithin } from '../../audit/log.ts'
import { bumpRevision } from '../../db/feed.ts'
import type { Tx } from '../../db/open.ts'
import type { Deps } from '../deps.ts'

/** Where no entry says that something was changed, there is nothing that other replicas must hear of. */
export async function changeWithin<T>(
  deps: Pick<Deps, 'db' | 'feed'>,
  work: (
    tx: Tx,
  ) => Promise<{ readonly value: T; readonly entries: readonly (AuditEntry | undefined)[] }>,
): Promise<T> {
  const { value, changed } = await deps.db.transaction().execute(async (tx) => {
    const { value, entries } = await work(tx)
    const said = entries.filter((entry) => entry !== undefined)
    for (const entry of said) await appendWithin(tx, entry)
    const changed = said.some(({ kind }) => kind === 'admin')
    if (changed) await bumpRevision(tx, 'directory')
    return { value, changed }
  })
  if (changed) await deps.feed.refresh()
  return value
}
