/** Environments, their owners, and the provider-side ids that belong to them. */
import type { EnvironmentTerms } from '../core/approval-terms.ts'
import type { Db, Tx } from '../db/open.ts'
import type { State } from '../db/types.ts'
import { newId, type EnvironmentId, type OperatorId } from '../ids.ts'

export type Binding = { readonly provider: string; readonly kind: string; readonly id: string }

export type EnvironmentRecord = {
  readonly id: EnvironmentId
  readonly name: string
  readonly protected: boolean
  readonly state: State
  readonly owners: readonly OperatorId[]
  readonly bindings: readonly Binding[]
  readonly approvalTerms: EnvironmentTerms
  /** Raised whenever the bound ids change: a capability that carries another number is void. */
  readonly binding: number
  readonly createdAt: Date
}

export async function createEnvironment(
  tx: Tx,
  environment: {
    name: string
    protected: boolean
    owners: readonly OperatorId[]
    bindings: readonly Binding[]
    approvalTerms?: EnvironmentTerms | undefined
    now: number
  },
): Promise<EnvironmentId> {
  const id = newId('environment', environment.now)
  await tx
    .insertInto('environment')
    .values({
      id,
      name: environment.name,
      protected: environment.protected,
      approval_terms: JSON.stringify(environment.approvalTerms ?? {}),
    })
    .execute()
  await writeOwners(tx, id, environment.owners)
  await writeBindings(tx, id, environment.bindings)
  return id
}

async function writeOwners(
  tx: Tx,
  id: EnvironmentId,
  owners: readonly OperatorId[],
): Promise<void> {
  if (owners.length === 0) return
  await tx
    .insertInto('environment_owner')
    .values([...new Set(owners)].map((owner) => ({ environment_id: id, operator_id: owner })))
    .execute()
}

async function writeBindings(
  tx: Tx,
  id: EnvironmentId,
  bindings: readonly Binding[],
): Promise<void> {
  if (bindings.length === 0) return
  await tx
    .insertInto('environment_binding')
    .values(
      bindings.map((binding) => ({
        environment_id: id,
        provider: binding.provider,
        kind: binding.kind,
        provider_id: binding.id,
      })),
    )
    .execute()
}

export async function replaceOwners(
  tx: Tx,
  id: EnvironmentId,
  owners: readonly OperatorId[],
): Promise<void> {
  await tx.deleteFrom('environment_owner').where('environment_id', '=', id).execute()
  await writeOwners(tx, id, owners)
}

/** Binds anew, and voids every capability issued for the environment until now. */
export async function rebind(
  tx: Tx,
  id: EnvironmentId,
  bindings: readonly Binding[],
): Promise<void> {
  await tx.deleteFrom('environment_binding').where('environment_id', '=', id).execute()
  await writeBindings(tx, id, bindings)
  await tx
    .updateTable('environment')
    .set((e) => ({ binding: e('binding', '+', 1) }))
    .where('id', '=', id)
    .execute()
}

export async function setApprovalTerms(
  tx: Tx,
  id: EnvironmentId,
  terms: EnvironmentTerms,
): Promise<void> {
  await tx
    .updateTable('environment')
    .set({ approval_terms: JSON.stringify(terms) })
    .where('id', '=', id)
    .execute()
}

export async function setProtected(tx: Tx, id: EnvironmentId, value: boolean): Promise<void> {
  await tx.updateTable('environment').set({ protected: value }).where('id', '=', id).execute()
}

export async function readEnvironment(
  db: Db | Tx,
  id: EnvironmentId,
): Promise<EnvironmentRecord | undefined> {
  return (await records(db, [id]))[0]
}

export async function environmentByName(
  db: Db | Tx,
  name: string,
): Promise<EnvironmentRecord | undefined> {
  const row = await db
    .selectFrom('environment')
    .select('id')
    .where('name', '=', name)
    .executeTakeFirst()
  return row === undefined ? undefined : readEnvironment(db, row.id)
}

export async function listEnvironments(
  db: Db,
  page: { limit: number; after: string },
): Promise<readonly EnvironmentRecord[]> {
  const rows = await db
    .selectFrom('environment')
    .select('id')
    .where('id', '>', page.after as EnvironmentId)
    .orderBy('id')
    .limit(page.limit)
    .execute()
  return records(
    db,
    rows.map((row) => row.id),
  )
}

async function records(
  db: Db | Tx,
  ids: readonly EnvironmentId[],
): Promise<readonly EnvironmentRecord[]> {
  if (ids.length === 0) return []
  const rows = await db
    .selectFrom('environment')
    .selectAll()
    .where('id', 'in', ids)
    .orderBy('id')
    .execute()
  const owners = await db
    .selectFrom('environment_owner')
    .selectAll()
    .where('environment_id', 'in', ids)
    .execute()
  const bindings = await db
    .selectFrom('environment_binding')
    .selectAll()
    .where('environment_id', 'in', ids)
    .execute()
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    protected: row.protected,
    state: row.state,
    owners: owners
      .filter((owner) => owner.environment_id === row.id)
      .map((owner) => owner.operator_id),
    bindings: bindings
      .filter((binding) => binding.environment_id === row.id)
      .map((binding) => ({
        provider: binding.provider,
        kind: binding.kind,
        id: binding.provider_id,
      })),
    approvalTerms: row.approval_terms,
    binding: row.binding,
    createdAt: row.created_at,
  }))
}
