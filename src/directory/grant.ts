/** Grants: the standing permissions that admins mint. */
import type { ApprovalTerms } from '../core/approval-terms.ts'
import type { ApprovalRule, Constraint } from '../core/grant.ts'
import type { Db, Tx } from '../db/open.ts'
import type { Row, State } from '../db/types.ts'
import {
  newId,
  type AgentId,
  type CredentialId,
  type EnvironmentId,
  type GrantId,
  type OperatorId,
} from '../ids.ts'

export type Grant = {
  readonly id: GrantId
  readonly agentId: AgentId
  readonly environmentId: EnvironmentId
  readonly credentialId: CredentialId
  readonly provider: string
  readonly verbs: readonly string[]
  readonly constraints: readonly Constraint[]
  readonly approval: ApprovalRule
  readonly approvalTerms: ApprovalTerms
  readonly maxLifetimeSeconds: number
  readonly requestsPerMinute: number | null
  readonly minted: 'redact' | 'seal' | 'reveal'
  /** Whether only capabilities that are bound to a key are issued from it, and accepted under it. */
  readonly requireDpop: boolean
  /** Whether a native credential is handed out under it: see lease/terms.ts. */
  readonly handOut: boolean
  readonly catalogueVersion: string
  readonly expiresAt: Date | null
  readonly state: State
  readonly createdBy: OperatorId
  readonly createdAt: Date
}

export type GrantInput = Omit<
  Grant,
  'id' | 'state' | 'createdAt' | 'approvalTerms' | 'requireDpop' | 'handOut'
> & {
  readonly approvalTerms?: ApprovalTerms
  readonly requireDpop?: boolean
  readonly handOut?: boolean
}

function toGrant(row: Row<'grant'>): Grant {
  return {
    id: row.id,
    agentId: row.agent_id,
    environmentId: row.environment_id,
    credentialId: row.credential_id,
    provider: row.provider,
    verbs: row.verbs,
    constraints: row.constraints,
    approval: row.approval,
    approvalTerms: row.approval_terms,
    maxLifetimeSeconds: row.max_lifetime_seconds,
    requestsPerMinute: row.requests_per_minute,
    minted: row.minted,
    requireDpop: row.require_dpop,
    handOut: row.hand_out,
    catalogueVersion: row.catalogue_version,
    expiresAt: row.expires_at,
    state: row.state,
    createdBy: row.created_by,
    createdAt: row.created_at,
  }
}

export async function createGrant(tx: Tx, grant: GrantInput, now: number): Promise<GrantId> {
  const id = newId('grant', now)
  await tx
    .insertInto('grant')
    .values({
      id,
      agent_id: grant.agentId,
      environment_id: grant.environmentId,
      credential_id: grant.credentialId,
      provider: grant.provider,
      verbs: [...grant.verbs],
      constraints: JSON.stringify(grant.constraints),
      approval: grant.approval,
      approval_terms: JSON.stringify(grant.approvalTerms ?? {}),
      max_lifetime_seconds: grant.maxLifetimeSeconds,
      requests_per_minute: grant.requestsPerMinute,
      minted: grant.minted,
      require_dpop: grant.requireDpop ?? false,
      hand_out: grant.handOut ?? false,
      catalogue_version: grant.catalogueVersion,
      expires_at: grant.expiresAt,
      created_by: grant.createdBy,
    })
    .execute()
  return id
}

export type GrantChange = {
  readonly approval?: ApprovalRule | undefined
  readonly approvalTerms?: ApprovalTerms | undefined
  readonly verbs?: readonly string[] | undefined
  readonly constraints?: readonly Constraint[] | undefined
  readonly maxLifetimeSeconds?: number | undefined
  readonly requestsPerMinute?: number | null | undefined
  readonly requireDpop?: boolean | undefined
  readonly handOut?: boolean | undefined
  readonly expiresAt?: Date | null | undefined
  /** The version it has been reviewed against now. */
  readonly catalogueVersion?: string | undefined
}

export async function updateGrant(tx: Tx, id: GrantId, change: GrantChange): Promise<void> {
  const set = {
    ...(change.approval === undefined ? {} : { approval: change.approval }),
    ...(change.approvalTerms === undefined
      ? {}
      : { approval_terms: JSON.stringify(change.approvalTerms) }),
    ...(change.verbs === undefined ? {} : { verbs: [...change.verbs] }),
    ...(change.constraints === undefined
      ? {}
      : { constraints: JSON.stringify(change.constraints) }),
    ...(change.maxLifetimeSeconds === undefined
      ? {}
      : { max_lifetime_seconds: change.maxLifetimeSeconds }),
    ...(change.requestsPerMinute === undefined
      ? {}
      : { requests_per_minute: change.requestsPerMinute }),
    ...(change.requireDpop === undefined ? {} : { require_dpop: change.requireDpop }),
    ...(change.handOut === undefined ? {} : { hand_out: change.handOut }),
    ...(change.expiresAt === undefined ? {} : { expires_at: change.expiresAt }),
    ...(change.catalogueVersion === undefined
      ? {}
      : { catalogue_version: change.catalogueVersion }),
  }
  if (Object.keys(set).length === 0) return
  await tx.updateTable('grant').set(set).where('id', '=', id).execute()
}

export async function readGrant(db: Db | Tx, id: GrantId): Promise<Grant | undefined> {
  const row = await db.selectFrom('grant').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : toGrant(row)
}

/** The same; until the transaction is over nobody changes it, or locks it too. */
export async function lockGrant(tx: Tx, id: GrantId): Promise<Grant | undefined> {
  const row = await tx
    .selectFrom('grant')
    .selectAll()
    .where('id', '=', id)
    .forNoKeyUpdate()
    .executeTakeFirst()
  return row === undefined ? undefined : toGrant(row)
}

export async function listGrants(
  db: Db,
  page: {
    limit: number
    after: string
    agentId?: AgentId | undefined
    environmentId?: EnvironmentId | undefined
  },
): Promise<readonly Grant[]> {
  let query = db
    .selectFrom('grant')
    .selectAll()
    .where('id', '>', page.after as GrantId)
  if (page.agentId !== undefined) query = query.where('agent_id', '=', page.agentId)
  if (page.environmentId !== undefined)
    query = query.where('environment_id', '=', page.environmentId)
  const rows = await query.orderBy('id').limit(page.limit).execute()
  return rows.map(toGrant)
}

/** The grants of an agent that are not disabled or revoked; their other parts may still be. */
export async function grantsOfAgent(db: Db, agentId: AgentId): Promise<readonly Grant[]> {
  const rows = await db
    .selectFrom('grant')
    .selectAll()
    .where('agent_id', '=', agentId)
    .where('state', '=', 'active')
    .orderBy('id')
    .execute()
  return rows.map(toGrant)
}
