/**
 * What agents asked a person for, for a time. An agent's requests are made one after the other, under a lock on its row,
 * so that neither their number nor their being the same depends on how many of them, or of replicas, there are at once;
 * a request is settled by one conditional update, once.
 */
import { appendWithin } from '../audit/log.ts'
import {
  answerWithin,
  deniedFor,
  mostPending,
  type Access,
  type AccessRequestState,
} from '../core/access-request.ts'
import { canonicalize, type Canonical } from '../core/canonical.ts'
import type { Db, Tx } from '../db/open.ts'
import type { Row } from '../db/types.ts'
import {
  newId,
  type AccessRequestId,
  type AgentId,
  type EnvironmentId,
  type GrantId,
  type OperatorId,
} from '../ids.ts'

export type AccessRequest = {
  readonly id: AccessRequestId
  /** As it is at the moment it was read for. */
  readonly state: AccessRequestState
  readonly agentId: AgentId
  /** The grant that it was asked under. */
  readonly grantId: GrantId
  readonly environmentId: EnvironmentId
  readonly provider: string
  readonly asked: Access
  readonly words: string | null
  /** How often the same was asked for while it waited. */
  readonly times: number
  readonly filedBy: OperatorId | null
  readonly requestedAt: Date
  readonly expiresAt: Date
  readonly settledBy: OperatorId | null
  readonly settledAt: Date | null
  readonly granted: {
    readonly grantId: GrantId
    readonly verbs: readonly string[]
    readonly until: Date
  } | null
  /** Of the grant, as JSON that was stored; undefined where there is none. */
  readonly evidence: unknown
}

export type AccessWish = Pick<
  AccessRequest,
  'agentId' | 'grantId' | 'environmentId' | 'provider' | 'asked' | 'words' | 'filedBy'
>

function toAccessRequest(row: Row<'access_request'>, now: number): AccessRequest {
  const late = row.state === 'pending' && row.expires_at.getTime() <= now
  const { granted_id: grantId, granted_verbs: verbs, granted_until: until } = row
  return {
    id: row.id,
    state: late ? 'expired' : row.state,
    agentId: row.agent_id,
    grantId: row.grant_id,
    environmentId: row.environment_id,
    provider: row.provider,
    asked: { verbs: row.verbs, seconds: row.seconds },
    words: row.words,
    times: row.times,
    filedBy: row.filed_by,
    requestedAt: row.requested_at,
    expiresAt: row.expires_at,
    settledBy: row.settled_by,
    settledAt: row.settled_at,
    granted:
      grantId === null || verbs === null || until === null ? null : { grantId, verbs, until },
    evidence: row.evidence === null ? undefined : (JSON.parse(row.evidence) as unknown),
  }
}

export type Asked =
  /** `again`: the same was waiting, and is what there is now. */
  | { readonly kind: 'asked' | 'again'; readonly request: AccessRequest }
  | { readonly kind: 'too_many' }
  /** Some of it was denied; `until` when. */
  | { readonly kind: 'denied'; readonly id: AccessRequestId; readonly until: Date }

/** `wish.asked.verbs` are sorted and each in one spelling, or what is the same would not be found to be. */
export async function askForAccess(tx: Tx, wish: AccessWish, now: number): Promise<Asked> {
  const { agentId, grantId, asked } = wish
  await tx
    .selectFrom('agent')
    .select('id')
    .where('id', '=', agentId)
    .forNoKeyUpdate()
    .executeTakeFirst()
  await expireAccessRequests(tx, now, agentId)
  const recent = await tx
    .selectFrom('access_request')
    .selectAll()
    .where('agent_id', '=', agentId)
    .where((e) =>
      e.or([
        e('state', '=', 'pending'),
        e.and([e('state', '=', 'denied'), e('settled_at', '>', new Date(now - deniedFor))]),
      ]),
    )
    .orderBy('settled_at', 'desc')
    .execute()
  const pending = recent.filter((row) => row.state === 'pending')
  const same = pending.find(
    (row) =>
      row.grant_id === grantId &&
      row.seconds === asked.seconds &&
      row.verbs.length === asked.verbs.length &&
      row.verbs.every((verb, i) => verb === asked.verbs[i]),
  )
  if (same !== undefined) {
    const row = await tx
      .updateTable('access_request')
      .set((e) => ({ times: e('times', '+', 1) }))
      .where('id', '=', same.id)
      .returningAll()
      .executeTakeFirstOrThrow()
    return { kind: 'again', request: toAccessRequest(row, now) }
  }
  // Any of its verbs: a longer list, another length of time or another grant would be the same question once more.
  const denied = recent.find(
    (row) =>
      row.state === 'denied' &&
      row.environment_id === wish.environmentId &&
      row.provider === wish.provider &&
      row.verbs.some((verb) => asked.verbs.includes(verb)),
  )
  if (denied?.settled_at != null) {
    return {
      kind: 'denied',
      id: denied.id,
      until: new Date(denied.settled_at.getTime() + deniedFor),
    }
  }
  if (pending.length >= mostPending) return { kind: 'too_many' }
  const row = await tx
    .insertInto('access_request')
    .values({
      id: newId('accessRequest', now),
      agent_id: agentId,
      grant_id: grantId,
      environment_id: wish.environmentId,
      provider: wish.provider,
      verbs: [...asked.verbs],
      seconds: asked.seconds,
      words: wish.words,
      filed_by: wish.filedBy,
      requested_at: new Date(now),
      expires_at: new Date(now + answerWithin),
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  return { kind: 'asked', request: toAccessRequest(row, now) }
}

/** What nobody answered in time, each with its entry. A request that is late counts as expired before this has run. */
export async function expireAccessRequests(tx: Tx, now: number, agentId?: AgentId): Promise<void> {
  let late = tx
    .updateTable('access_request')
    .set({ state: 'expired', settled_at: new Date(now) })
    .where('state', '=', 'pending')
    .where('expires_at', '<=', new Date(now))
  if (agentId !== undefined) late = late.where('agent_id', '=', agentId)
  for (const { id } of await late.returning('id').execute()) {
    await appendWithin(tx, {
      kind: 'system',
      result: 'done',
      at: now,
      correlationId: newId('correlation', now),
      actor: { kind: 'system', id: 'broker' },
      action: 'access_request.expire',
      detail: id,
    })
  }
}

export async function readAccessRequest(
  db: Db | Tx,
  id: AccessRequestId,
  now: number,
): Promise<AccessRequest | undefined> {
  const row = await db
    .selectFrom('access_request')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst()
  return row === undefined ? undefined : toAccessRequest(row, now)
}

export async function listAccessRequests(
  db: Db,
  page: {
    limit: number
    after: string
    now: number
    state?: AccessRequestState | undefined
    agentId?: AgentId | undefined
    grantId?: GrantId | undefined
    environmentId?: EnvironmentId | undefined
  },
): Promise<readonly AccessRequest[]> {
  const now = new Date(page.now)
  let query = db
    .selectFrom('access_request')
    .selectAll()
    .where('id', '>', page.after as AccessRequestId)
  if (page.agentId !== undefined) query = query.where('agent_id', '=', page.agentId)
  if (page.grantId !== undefined) query = query.where('grant_id', '=', page.grantId)
  if (page.environmentId !== undefined)
    query = query.where('environment_id', '=', page.environmentId)
  if (page.state === 'pending')
    query = query.where('state', '=', 'pending').where('expires_at', '>', now)
  else if (page.state === 'expired') {
    query = query.where((e) =>
      e.or([
        e('state', '=', 'expired'),
        e.and([e('state', '=', 'pending'), e('expires_at', '<=', now)]),
      ]),
    )
  } else if (page.state !== undefined) query = query.where('state', '=', page.state)
  const rows = await query.orderBy('id').limit(page.limit).execute()
  return rows.map((row) => toAccessRequest(row, page.now))
}

/** How often this agent was denied something under the same grant, before this request. */
export async function countDenied(db: Db, request: AccessRequest): Promise<number> {
  const { n } = await db
    .selectFrom('access_request')
    .select((e) => e.fn.countAll<string>().as('n'))
    .where('agent_id', '=', request.agentId)
    .where('grant_id', '=', request.grantId)
    .where('state', '=', 'denied')
    .where('id', '<', request.id)
    .executeTakeFirstOrThrow()
  return Number(n)
}

/** False where it does not wait any more: somebody else was first, or it is too late. */
export async function settleAccessRequest(
  tx: Tx,
  id: AccessRequestId,
  settled: {
    readonly by: OperatorId
    readonly now: number
    /** `evidence`: how whoever grants proved that it is them. */
    readonly granted:
      (NonNullable<AccessRequest['granted']> & { readonly evidence: Canonical }) | undefined
  },
): Promise<boolean> {
  const { granted } = settled
  const row = await tx
    .updateTable('access_request')
    .set({
      settled_by: settled.by,
      settled_at: new Date(settled.now),
      ...(granted === undefined
        ? { state: 'denied' }
        : {
            state: 'granted',
            granted_id: granted.grantId,
            granted_verbs: [...granted.verbs],
            granted_until: granted.until,
            evidence: canonicalize(granted.evidence),
          }),
    })
    .where('id', '=', id)
    .where('state', '=', 'pending')
    .where('expires_at', '>', new Date(settled.now))
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/** The grant that this one was asked under; undefined where an admin minted it. */
export async function grantAskedUnder(db: Db | Tx, id: GrantId): Promise<GrantId | undefined> {
  const row = await db
    .selectFrom('access_request')
    .select('grant_id')
    .where('granted_id', '=', id)
    .executeTakeFirst()
  return row?.grant_id
}
