/**
 * Issuers whose tokens prove who asks, and the rules by which their holders act as agents. Neither is ever changed, only
 * disabled and revoked: what a rule said when a capability was issued under it is what it says now.
 */
import type { ClaimCondition } from '../core/claim-condition.ts'
import type { Platform } from '../core/trust-rule.ts'
import type { Db, Tx } from '../db/open.ts'
import type { Row, State } from '../db/types.ts'
import {
  newId,
  type AgentId,
  type OperatorId,
  type TrustIssuerId,
  type TrustRuleId,
} from '../ids.ts'

export type TrustIssuer = {
  readonly id: TrustIssuerId
  /** The `iss` of its tokens, to the letter. */
  readonly issuer: string
  /** Where its keys are, where its own metadata is not to say. */
  readonly jwksUri: string | null
  /** May lie in a private network. */
  readonly internal: boolean
  readonly platform: Platform
  readonly state: State
  readonly createdBy: OperatorId
  readonly createdAt: Date
}

export type TrustRule = {
  readonly id: TrustRuleId
  readonly name: string
  readonly issuerId: TrustIssuerId
  /** Whose grants it is about. */
  readonly agentId: AgentId
  /** Null for this broker's own URL. */
  readonly audience: string | null
  readonly conditions: readonly ClaimCondition[]
  /** Null where the grant alone says it. */
  readonly maxLifetimeSeconds: number | null
  /** How often one token may be exchanged. */
  readonly exchangesPerToken: number
  readonly state: State
  readonly createdBy: OperatorId
  readonly createdAt: Date
}

function toIssuer(row: Row<'trust_issuer'>): TrustIssuer {
  return {
    id: row.id,
    issuer: row.issuer,
    jwksUri: row.jwks_uri,
    internal: row.internal,
    platform: row.platform,
    state: row.state,
    createdBy: row.created_by,
    createdAt: row.created_at,
  }
}

function toRule(row: Row<'trust_rule'>): TrustRule {
  return {
    id: row.id,
    name: row.name,
    issuerId: row.issuer_id,
    agentId: row.agent_id,
    audience: row.audience,
    conditions: row.conditions,
    maxLifetimeSeconds: row.max_lifetime_seconds,
    exchangesPerToken: row.exchanges_per_token,
    state: row.state,
    createdBy: row.created_by,
    createdAt: row.created_at,
  }
}

/** Undefined where there is one of this URL already that was not revoked. */
export async function createTrustIssuer(
  tx: Tx,
  issuer: Omit<TrustIssuer, 'id' | 'state' | 'createdAt'>,
  now: number,
): Promise<TrustIssuerId | undefined> {
  const id = newId('trustIssuer', now)
  const made = await tx
    .insertInto('trust_issuer')
    .values({
      id,
      issuer: issuer.issuer,
      jwks_uri: issuer.jwksUri,
      internal: issuer.internal,
      platform: issuer.platform,
      created_by: issuer.createdBy,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst()
  return made?.id
}

export async function createTrustRule(
  tx: Tx,
  rule: Omit<TrustRule, 'id' | 'state' | 'createdAt'>,
  now: number,
): Promise<TrustRuleId> {
  const id = newId('trustRule', now)
  await tx
    .insertInto('trust_rule')
    .values({
      id,
      name: rule.name,
      issuer_id: rule.issuerId,
      agent_id: rule.agentId,
      audience: rule.audience,
      conditions: JSON.stringify(rule.conditions),
      max_lifetime_seconds: rule.maxLifetimeSeconds,
      exchanges_per_token: rule.exchangesPerToken,
      created_by: rule.createdBy,
    })
    .execute()
  return id
}

export async function readTrustIssuer(
  db: Db | Tx,
  id: TrustIssuerId,
): Promise<TrustIssuer | undefined> {
  const row = await db
    .selectFrom('trust_issuer')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst()
  return row === undefined ? undefined : toIssuer(row)
}

export async function readTrustRule(db: Db | Tx, id: TrustRuleId): Promise<TrustRule | undefined> {
  const row = await db.selectFrom('trust_rule').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : toRule(row)
}

export async function listTrustIssuers(
  db: Db,
  page: { limit: number; after: string },
): Promise<readonly TrustIssuer[]> {
  const rows = await db
    .selectFrom('trust_issuer')
    .selectAll()
    .where('id', '>', page.after as TrustIssuerId)
    .orderBy('id')
    .limit(page.limit)
    .execute()
  return rows.map(toIssuer)
}

export async function listTrustRules(
  db: Db,
  page: {
    limit: number
    after: string
    issuerId?: TrustIssuerId | undefined
    agentId?: AgentId | undefined
  },
): Promise<readonly TrustRule[]> {
  let query = db
    .selectFrom('trust_rule')
    .selectAll()
    .where('id', '>', page.after as TrustRuleId)
  if (page.issuerId !== undefined) query = query.where('issuer_id', '=', page.issuerId)
  if (page.agentId !== undefined) query = query.where('agent_id', '=', page.agentId)
  const rows = await query.orderBy('id').limit(page.limit).execute()
  return rows.map(toRule)
}

/** The rules of an agent under which capabilities hold: neither they nor their issuers are disabled or revoked. */
export async function rulesInForce(db: Db, agentId: AgentId): Promise<ReadonlySet<TrustRuleId>> {
  const rows = await db
    .selectFrom('trust_rule')
    .innerJoin('trust_issuer', 'trust_issuer.id', 'trust_rule.issuer_id')
    .select('trust_rule.id')
    .where('trust_rule.agent_id', '=', agentId)
    .where('trust_rule.state', '=', 'active')
    .where('trust_issuer.state', '=', 'active')
    .execute()
  return new Set(rows.map((row) => row.id))
}

/** Every issuer and rule in force, as token exchange needs them. */
export type TrustBook = {
  /** By the issuer's URL, to the letter. */
  readonly issuers: ReadonlyMap<string, TrustIssuer>
  readonly rules: ReadonlyMap<TrustIssuerId, readonly TrustRule[]>
  /** The names of the rules' agents. */
  readonly agents: ReadonlyMap<AgentId, string>
}

export type TrustReader = {
  /** Rejects where the database does not answer. */
  book(): Promise<TrustBook>
  clear(): void
}

export function createTrustReader(db: Db): TrustReader {
  let held: TrustBook | undefined
  // Raised by clear(): what was read before it must not be kept after it.
  let generation = 0
  return {
    async book() {
      if (held !== undefined) return held
      const startedIn = generation
      const read = await readBook(db)
      if (startedIn === generation) held = read
      return read
    },
    clear() {
      generation++
      held = undefined
    },
  }
}

async function readBook(db: Db): Promise<TrustBook> {
  const issuers = await db
    .selectFrom('trust_issuer')
    .selectAll()
    .where('state', '=', 'active')
    .execute()
  const rows = await db
    .selectFrom('trust_rule')
    .innerJoin('agent', 'agent.id', 'trust_rule.agent_id')
    .selectAll('trust_rule')
    .select('agent.name as agent_name')
    .where('trust_rule.state', '=', 'active')
    .orderBy('trust_rule.id')
    .execute()
  const active = new Set(issuers.map(({ id }) => id))
  const rules = new Map<TrustIssuerId, TrustRule[]>()
  for (const row of rows) {
    if (!active.has(row.issuer_id)) continue
    const known = rules.get(row.issuer_id)
    if (known === undefined) rules.set(row.issuer_id, [toRule(row)])
    else known.push(toRule(row))
  }
  return {
    issuers: new Map(issuers.map((row) => [row.issuer, toIssuer(row)])),
    rules,
    agents: new Map(rows.map((row) => [row.agent_id, row.agent_name])),
  }
}
