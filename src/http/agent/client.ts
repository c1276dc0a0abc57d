/**
 * Who calls an OAuth endpoint (RFC 6749 §2.3): an agent with its key, by HTTP Basic or in the body, never both. Errors
 * here have OAuth's own form (§5.2).
 */
import { timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Db } from '../../db/open.ts'
import {
  agentKeyId,
  agentKeyRecord,
  hashAgentKey,
  type AgentKeyRecord,
} from '../../directory/agent.ts'
import type { AgentId, AgentKeyId } from '../../ids.ts'

export type OAuthCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_authorization_details'
  | 'invalid_target'
  | 'temporarily_unavailable'

export class OAuthError extends Error {
  readonly code: OAuthCode
  readonly status: number
  /** For a refusal that the audit log must name; the agent, where it is known. */
  readonly agent: { readonly id: AgentId; readonly name: string } | undefined

  constructor(
    code: OAuthCode,
    description: string,
    options: { status?: number; agent?: { id: AgentId; name: string } } = {},
  ) {
    super(description)
    this.name = 'OAuthError'
    this.code = code
    this.status =
      options.status ??
      (code === 'invalid_client' ? 401 : code === 'temporarily_unavailable' ? 503 : 400)
    this.agent = options.agent
  }
}

export type Client = { readonly id: AgentId; readonly name: string }

export type ClientReader = {
  /** The agent, or an OAuthError. Every wrong key costs one SHA-256 and at most one query. */
  authenticate(
    authorization: string | undefined,
    body: { client_id?: string; client_secret?: string },
  ): Promise<Client>
  clear(): void
}

const refused = (): OAuthError =>
  new OAuthError('invalid_client', 'the client id or the key is wrong, expired or disabled')

export function createClientReader(db: Db, now: () => number): ClientReader {
  // Holds hashes of keys, not keys; emptied whenever the directory changes.
  const cache = new LRUCache<AgentKeyId, { readonly record: AgentKeyRecord | undefined }>({
    max: 10_000,
  })
  let generation = 0

  async function recordOf(id: AgentKeyId): Promise<AgentKeyRecord | undefined> {
    const hit = cache.get(id)
    if (hit !== undefined) return hit.record
    const startedIn = generation
    const record = await agentKeyRecord(db, id)
    if (startedIn === generation) cache.set(id, { record })
    return record
  }

  return {
    clear() {
      generation++
      cache.clear()
    },
    async authenticate(authorization, body) {
      const credentials = readCredentials(authorization, body)
      const keyId = agentKeyId(credentials.secret)
      if (keyId === undefined) throw refused()
      const record = await recordOf(keyId)
      if (record === undefined) throw refused()
      const same = timingSafeEqual(record.hash, hashAgentKey(credentials.secret))
      const alive = record.expiresAt === null || record.expiresAt.getTime() > now()
      if (!same || !alive || record.agentState !== 'active' || record.agentId !== credentials.id)
        throw refused()
      return { id: record.agentId, name: record.agentName }
    },
  }
}

function readCredentials(
  authorization: string | undefined,
  body: { client_id?: string; client_secret?: string },
): { id: string; secret: string } {
  if (authorization === undefined) {
    if (body.client_id === undefined || body.client_secret === undefined) {
      throw new OAuthError(
        'invalid_client',
        'send client_id (the agent’s id) and client_secret (its key), by HTTP Basic or in the form',
      )
    }
    return { id: body.client_id, secret: body.client_secret }
  }
  if (body.client_secret !== undefined) {
    throw new OAuthError(
      'invalid_request',
      'the client must authenticate in one way only (RFC 6749 §2.3)',
    )
  }
  const match = /^Basic ([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)
  const text = Buffer.from(match?.[1] ?? '', 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon === -1)
    throw new OAuthError('invalid_client', 'the Authorization header is not HTTP Basic')
  const id = formDecode(text.slice(0, colon))
  const secret = formDecode(text.slice(colon + 1))
  if (id === undefined || secret === undefined) throw refused()
  if (body.client_id !== undefined && body.client_id !== id) {
    throw new OAuthError(
      'invalid_request',
      'client_id differs from the one in the Authorization header',
    )
  }
  return { id, secret }
}

/** RFC 6749 §2.3.1: both parts of Basic are form-encoded first. */
function formDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
