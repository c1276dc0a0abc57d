/**
 * Agents and their keys. A key is 256 random bits, shown once and kept as SHA-256: argon2 would protect it no better and
 * would let anyone spend our processor (hazards: unauthenticated cost).
 */
import { createHash, randomBytes } from 'node:crypto'
import type { Db, Tx } from '../db/open.ts'
import type { Row, State } from '../db/types.ts'
import { isId, newId, type AgentId, type AgentKeyId, type OperatorId } from '../ids.ts'

export type Agent = {
  readonly id: AgentId
  readonly name: string
  readonly ownerId: OperatorId
  readonly state: State
  readonly createdAt: Date
}

function toAgent(row: Row<'agent'>): Agent {
  return {
    id: row.id,
    name: row.name,
    ownerId: row.owner_id,
    state: row.state,
    createdAt: row.created_at,
  }
}

/** `vka_<key id>_<secret>`: the id finds the row, so that the secret is compared with one hash only. */
export function newAgentKey(now: number): {
  readonly id: AgentKeyId
  readonly key: string
  readonly hash: Buffer
} {
  const id = newId('agentKey', now)
  const key = `vka_${id}_${randomBytes(32).toString('base64url')}`
  return { id, key, hash: hashAgentKey(key) }
}

export function hashAgentKey(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

/** The id inside a key, or undefined where it has not the shape of one. */
export function agentKeyId(key: string): AgentKeyId | undefined {
  const match = /^vka_(ak_[0-9a-z]{26})_[A-Za-z0-9_-]{43}$/.exec(key)
  return isId('agentKey', match?.[1]) ? match[1] : undefined
}

export async function createAgent(
  tx: Tx,
  agent: {
    name: string
    ownerId: OperatorId
    now: number
    /** False for an agent that signs with a key of its own: then there is no secret that two sides know. */
    sharedKey?: boolean
  },
): Promise<{ readonly id: AgentId; readonly key: string | undefined }> {
  const id = newId('agent', agent.now)
  await tx.insertInto('agent').values({ id, name: agent.name, owner_id: agent.ownerId }).execute()
  if (agent.sharedKey === false) return { id, key: undefined }
  const { key } = await addAgentKey(tx, id, agent.now)
  return { id, key }
}

async function addAgentKey(
  tx: Tx,
  agentId: AgentId,
  now: number,
): Promise<{ readonly id: AgentKeyId; readonly key: string }> {
  const { id, key, hash } = newAgentKey(now)
  await tx
    .insertInto('agent_key')
    .values({ id, agent_id: agentId, hash, expires_at: null })
    .execute()
  return { id, key }
}

/** A new key; the others go on working for `overlap` milliseconds at most. */
export async function rotateAgentKey(
  tx: Tx,
  agentId: AgentId,
  overlap: number,
  now: number,
): Promise<string> {
  const until = new Date(now + overlap)
  await tx
    .updateTable('agent_key')
    .set({ expires_at: until })
    .where('agent_id', '=', agentId)
    .where((e) => e.or([e('expires_at', 'is', null), e('expires_at', '>', until)]))
    .execute()
  return (await addAgentKey(tx, agentId, now)).key
}

/** Ends all keys that are shared with this agent. Returns how many there were. */
export async function endAgentKeys(tx: Tx, agentId: AgentId): Promise<number> {
  const { numDeletedRows } = await tx
    .deleteFrom('agent_key')
    .where('agent_id', '=', agentId)
    .executeTakeFirst()
  return Number(numDeletedRows)
}

export async function readAgent(db: Db | Tx, id: AgentId): Promise<Agent | undefined> {
  const row = await db.selectFrom('agent').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : toAgent(row)
}

export async function listAgents(
  db: Db,
  page: { limit: number; after: string },
): Promise<readonly Agent[]> {
  const rows = await db
    .selectFrom('agent')
    .selectAll()
    .where('id', '>', page.after as AgentId)
    .orderBy('id')
    .limit(page.limit)
    .execute()
  return rows.map(toAgent)
}

export type AgentKeyRecord = {
  readonly agentId: AgentId
  readonly agentName: string
  readonly agentState: State
  readonly hash: Buffer
  readonly expiresAt: Date | null
}

export async function agentKeyRecord(db: Db, id: AgentKeyId): Promise<AgentKeyRecord | undefined> {
  const row = await db
    .selectFrom('agent_key')
    .innerJoin('agent', 'agent.id', 'agent_key.agent_id')
    .select(['agent.id as agentId', 'agent.name as agentName', 'agent.state as agentState'])
    .select(['agent_key.hash', 'agent_key.expires_at as expiresAt'])
    .where('agent_key.id', '=', id)
    .executeTakeFirst()
  return row
}
