/** The public keys that agents sign their assertions with. Whoever reads this table learns no secret. */
import type { PublicKey, PublicKeyAlgorithm } from '../core/public-jwk.ts'
import type { Db, Tx } from '../db/open.ts'
import type { Row, State } from '../db/types.ts'
import { newId, type AgentId, type AgentPublicKeyId, type OperatorId } from '../ids.ts'

/** A new key is tried before an old one is removed; more would only be forgotten. */
export const mostPublicKeys = 8

export type AgentPublicKey = PublicKey & {
  readonly id: AgentPublicKeyId
  readonly createdBy: OperatorId
  readonly createdAt: Date
}

function toKey(row: Row<'agent_public_key'>): AgentPublicKey {
  return {
    id: row.id,
    kid: row.kid,
    algorithm: row.algorithm as PublicKeyAlgorithm,
    jwk: row.jwk,
    thumbprint: row.thumbprint,
    createdBy: row.created_by,
    createdAt: row.created_at,
  }
}

export type AddedPublicKey =
  | { readonly ok: true; readonly id: AgentPublicKeyId }
  | { readonly ok: false; readonly reason: 'no_agent' | 'revoked' | 'too_many' | 'same_kid' }
  /** Of another agent, or of this one. */
  | { readonly ok: false; readonly reason: 'known'; readonly agentId: AgentId }

export async function addAgentPublicKey(
  tx: Tx,
  added: { agentId: AgentId; key: PublicKey; by: OperatorId; now: number },
): Promise<AddedPublicKey> {
  const { agentId, key, by, now } = added
  // Two that are added at once are counted one after the other.
  const agent = await tx
    .selectFrom('agent')
    .select('state')
    .where('id', '=', agentId)
    .forUpdate()
    .executeTakeFirst()
  if (agent === undefined) return { ok: false, reason: 'no_agent' }
  if (agent.state === 'revoked') return { ok: false, reason: 'revoked' }
  const known = await tx
    .selectFrom('agent_public_key')
    .select('agent_id')
    .where('thumbprint', '=', key.thumbprint)
    .executeTakeFirst()
  if (known !== undefined) return { ok: false, reason: 'known', agentId: known.agent_id }
  const others = await listAgentPublicKeys(tx, agentId)
  if (others.length >= mostPublicKeys) return { ok: false, reason: 'too_many' }
  // An assertion may name a key by its kid or by its thumbprint: neither may stand for two.
  const names = others.flatMap(({ kid, thumbprint }) => [kid, thumbprint])
  if (names.includes(key.kid) || names.includes(key.thumbprint))
    return { ok: false, reason: 'same_kid' }
  const id = newId('agentPublicKey', now)
  await tx
    .insertInto('agent_public_key')
    .values({
      id,
      agent_id: agentId,
      kid: key.kid,
      algorithm: key.algorithm,
      jwk: JSON.stringify(key.jwk),
      thumbprint: key.thumbprint,
      created_by: by,
    })
    .execute()
  return { ok: true, id }
}

/** Undefined where this agent has no such key. */
export async function removeAgentPublicKey(
  tx: Tx,
  agentId: AgentId,
  id: AgentPublicKeyId,
): Promise<AgentPublicKey | undefined> {
  const row = await tx
    .deleteFrom('agent_public_key')
    .where('id', '=', id)
    .where('agent_id', '=', agentId)
    .returningAll()
    .executeTakeFirst()
  return row === undefined ? undefined : toKey(row)
}

export async function listAgentPublicKeys(
  db: Db | Tx,
  agentId: AgentId,
): Promise<readonly AgentPublicKey[]> {
  const rows = await db
    .selectFrom('agent_public_key')
    .selectAll()
    .where('agent_id', '=', agentId)
    .orderBy('id')
    .execute()
  return rows.map(toKey)
}

export type AgentWithPublicKeys = {
  readonly name: string
  readonly state: State
  readonly keys: readonly AgentPublicKey[]
}

export async function agentWithPublicKeys(
  db: Db,
  agentId: AgentId,
): Promise<AgentWithPublicKeys | undefined> {
  // In this order: an agent that is disabled in between is seen as disabled.
  const keys = await listAgentPublicKeys(db, agentId)
  const agent = await db
    .selectFrom('agent')
    .select(['name', 'state'])
    .where('id', '=', agentId)
    .executeTakeFirst()
  return agent === undefined ? undefined : { ...agent, keys }
}
