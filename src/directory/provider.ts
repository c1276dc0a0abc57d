/**
 * Operators' own providers, and what the catalogues that grants were reviewed against held. Manifest, review and report
 * are shapes of the provider's side, and only kept here.
 */
import type { ReviewedVersion } from '../core/reviewed.ts'
import type { Db, Tx } from '../db/open.ts'
import type { Row, State } from '../db/types.ts'
import type { OperatorId } from '../ids.ts'

export type ProviderRecord = {
  readonly name: string
  readonly manifest: unknown
  readonly review: unknown
  readonly version: string
  readonly state: State
  readonly createdBy: OperatorId
  readonly createdAt: Date
  readonly updatedAt: Date
}

export type ProviderInput = Pick<ProviderRecord, 'name' | 'manifest' | 'review' | 'version'> & {
  readonly catalogue: string
  readonly report: unknown
}

const described = [
  'name',
  'manifest',
  'review',
  'version',
  'state',
  'created_by',
  'created_at',
  'updated_at',
] as const

function toRecord(row: Pick<Row<'provider'>, (typeof described)[number]>): ProviderRecord {
  return {
    name: row.name,
    manifest: row.manifest,
    review: row.review,
    version: row.version,
    state: row.state,
    createdBy: row.created_by,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

/** False where the name is taken. */
export async function createProvider(
  tx: Tx,
  input: ProviderInput,
  createdBy: OperatorId,
): Promise<boolean> {
  const created = await tx
    .insertInto('provider')
    .values({
      name: input.name,
      version: input.version,
      catalogue: input.catalogue,
      manifest: JSON.stringify(input.manifest),
      review: JSON.stringify(input.review),
      report: JSON.stringify(input.report),
      created_by: createdBy,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('name')
    .executeTakeFirst()
  return created !== undefined
}

/** False where `before` is not its version any more. */
export async function replaceProvider(
  tx: Tx,
  input: ProviderInput,
  before: string,
  now: number,
): Promise<boolean> {
  const replaced = await tx
    .updateTable('provider')
    .set({
      version: input.version,
      catalogue: input.catalogue,
      manifest: JSON.stringify(input.manifest),
      review: JSON.stringify(input.review),
      report: JSON.stringify(input.report),
      updated_at: new Date(now),
    })
    .where('name', '=', input.name)
    .where('version', '=', before)
    .returning('name')
    .executeTakeFirst()
  return replaced !== undefined
}

/** False where there is none of this name. */
export async function setProviderState(
  tx: Tx,
  name: string,
  state: 'active' | 'disabled',
): Promise<boolean> {
  const row = await tx
    .updateTable('provider')
    .set({ state })
    .where('name', '=', name)
    .returning('name')
    .executeTakeFirst()
  return row !== undefined
}

export async function readProvider(db: Db | Tx, name: string): Promise<ProviderRecord | undefined> {
  const row = await db
    .selectFrom('provider')
    .select(described)
    .where('name', '=', name)
    .executeTakeFirst()
  return row === undefined ? undefined : toRecord(row)
}

export async function listProviders(db: Db): Promise<readonly ProviderRecord[]> {
  const rows = await db.selectFrom('provider').select(described).orderBy('name').execute()
  return rows.map(toRecord)
}

export async function readProviderReport(db: Db, name: string): Promise<unknown> {
  const row = await db
    .selectFrom('provider')
    .select('report')
    .where('name', '=', name)
    .executeTakeFirst()
  return row?.report
}

/** The catalogue of this very version; undefined where there is another by now. */
export async function readProviderCatalogue(
  db: Db,
  name: string,
  version: string,
): Promise<string | undefined> {
  const row = await db
    .selectFrom('provider')
    .select('catalogue')
    .where('name', '=', name)
    .where('version', '=', version)
    .executeTakeFirst()
  return row?.catalogue
}

/** Kept from the first grant on that was reviewed against it; the same version always held the same. */
export async function keepCatalogueVersion(
  tx: Tx,
  provider: string,
  version: string,
  operations: ReviewedVersion,
): Promise<void> {
  await tx
    .insertInto('catalogue_version')
    .values({ provider, version, operations: JSON.stringify(operations) })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export async function readCatalogueVersion(
  db: Db | Tx,
  provider: string,
  version: string,
): Promise<ReviewedVersion | undefined> {
  const row = await db
    .selectFrom('catalogue_version')
    .select('operations')
    .where('provider', '=', provider)
    .where('version', '=', version)
    .executeTakeFirst()
  return row?.operations
}
