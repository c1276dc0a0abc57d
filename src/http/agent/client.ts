/**
 * Who calls an OAuth endpoint (RFC 6749 §2.3): an agent with the key that it shares with us, by HTTP Basic or in the
 * body, or one that signs an assertion with a key of its own (`private_key_jwt`); in one way, never in two. Errors here
 * have OAuth's own form (§5.2).
 */
import { timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import {
  assertionType,
  toAssertionKey,
  verifyClientAssertion,
  type AssertionKey,
} from '../../capability/client-assertion.ts'
import type { ReplayStore } from '../../capability/replay.ts'
import type { Db } from '../../db/open.ts'
import {
  agentKeyId,
  agentKeyRecord,
  hashAgentKey,
  type AgentKeyRecord,
} from '../../directory/agent.ts'
import { agentWithPublicKeys } from '../../directory/agent-public-key.ts'
import type { Actor, RecordedWorkload } from '../../audit/entry.ts'
import type { AgentId, AgentKeyId, TrustRuleId } from '../../ids.ts'

export type OAuthCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_authorization_details'
  | 'invalid_target'
  | 'invalid_dpop_proof'
  | 'use_dpop_nonce'
  | 'temporarily_unavailable'

export class OAuthError extends Error {
  readonly code: OAuthCode
  readonly status: number
  /** For a refusal that the audit log must name; the agent, where it is known. */
  readonly agent: Client | undefined

  constructor(
    code: OAuthCode,
    description: string,
    options: { status?: number; agent?: Client } = {},
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

export type Client = {
  readonly id: AgentId
  readonly name: string
  /** The registered key that it signed with, where it did. */
  readonly publicKeyId?: string | undefined
  /** Of a workload that shows what it was issued by this rule. */
  readonly ruleId?: TrustRuleId | undefined
  /** For whom it acts, where it does. */
  readonly onBehalfOf?: readonly Actor[] | undefined
  /** Of a workload that acts as this agent. */
  readonly workload?: (RecordedWorkload & { readonly rule: TrustRuleId }) | undefined
}

/** The parameters of a form that say who sends it. */
export type ClientForm = {
  readonly client_id?: string
  readonly client_secret?: string
  readonly client_assertion_type?: string
  readonly client_assertion?: string
}

/** Whether somebody begins to authenticate. A key that is wrong is not passed over then. */
export function showsKey(
  authorization: string | undefined,
  form: Readonly<Record<string, string>>,
): boolean {
  return (
    authorization !== undefined ||
    ['client_secret', 'client_assertion', 'client_assertion_type'].some((name) => name in form)
  )
}

export type ClientReader = {
  /**
   * The agent, or an OAuthError. Every wrong key costs one SHA-256, every wrong assertion one verification of a
   * signature, and either at most one look into the database.
   */
  authenticate(authorization: string | undefined, body: ClientForm): Promise<Client>
  clear(): void
}

const refused = (): OAuthError =>
  new OAuthError('invalid_client', 'the client id or the key is wrong, expired or disabled')

export function createClientReader(deps: {
  readonly db: Db
  readonly publicUrl: string
  readonly replay: ReplayStore
  readonly now: () => number
}): ClientReader {
  const { db, publicUrl, replay, now } = deps
  // Both are emptied whenever the directory changes. They hold hashes of keys, and public keys.
  const signers = new LRUCache<AgentId, Signer>({ max: 10_000 })
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

  async function signerOf(id: AgentId): Promise<Signer> {
    const hit = signers.get(id)
    if (hit !== undefined) return hit
    const startedIn = generation
    const agent = await agentWithPublicKeys(db, id)
    const signer: Signer =
      agent?.state === 'active'
        ? { name: agent.name, keys: await Promise.all(agent.keys.map(toAssertionKey)) }
        : nobody
    if (startedIn === generation) signers.set(id, signer)
    return signer
  }

  async function byAssertion(assertion: string, clientId: string | undefined): Promise<Client> {
    let name = ''
    const verdict = await verifyClientAssertion(assertion, {
      issuer: publicUrl,
      now: now(),
      async keysOf(id) {
        const signer = await signerOf(id)
        name = signer.name
        return signer.keys
      },
    })
    if (!verdict.ok) {
      throw verdict.detail === undefined
        ? refused()
        : new OAuthError('invalid_client', verdict.detail)
    }
    const { agentId: id, key, jti, expiresAt } = verdict
    const client: Client = { id, name, publicKeyId: key.id }
    if (await useOnce(id, jti, expiresAt)) {
      if (clientId === undefined || clientId === id) return client
      // RFC 7521 §4.2: who the form names is who signed. It was signed all the same: on record, and once.
      const differs = 'client_id differs from the sub of client_assertion'
      throw new OAuthError('invalid_request', differs, { agent: client })
    }
    const detail = 'this client_assertion was used before; sign a new one for each request'
    // Somebody may have overheard it: on record with the agent's name, and once only, whoever shows it how often.
    const unheard = await useOnce(`${id} shown again`, jti, expiresAt)
    throw new OAuthError('invalid_client', detail, unheard ? { agent: client } : {})
  }

  async function useOnce(scope: string, jti: string, expiresAt: number): Promise<boolean> {
    try {
      return await replay.use('client_assertion', scope, jti, expiresAt)
    } catch {
      throw new OAuthError('temporarily_unavailable', 'the database does not answer')
    }
  }

  return {
    clear() {
      generation++
      cache.clear()
      signers.clear()
    },
    async authenticate(authorization, body) {
      const credentials = readCredentials(authorization, body)
      if ('assertion' in credentials) return byAssertion(credentials.assertion, body.client_id)
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

/** An agent's keys as they verify; none where there is no such agent, or where it may not act. */
type Signer = { readonly name: string; readonly keys: readonly AssertionKey[] }
const nobody: Signer = { name: '', keys: [] }

type Credentials = { readonly id: string; readonly secret: string } | { readonly assertion: string }

function readCredentials(authorization: string | undefined, body: ClientForm): Credentials {
  if (body.client_assertion !== undefined || body.client_assertion_type !== undefined) {
    if (authorization !== undefined || body.client_secret !== undefined) throw inTwoWays()
    if (body.client_assertion === undefined)
      throw new OAuthError('invalid_request', 'client_assertion is missing')
    if (body.client_assertion_type !== assertionType)
      throw new OAuthError('invalid_client', `client_assertion_type must be ${assertionType}`)
    return { assertion: body.client_assertion }
  }
  if (authorization === undefined) {
    if (body.client_id === undefined || body.client_secret === undefined) {
      throw new OAuthError(
        'invalid_client',
        'send client_id (the agent’s id) and client_secret (its key), by HTTP Basic or in the form',
      )
    }
    return { id: body.client_id, secret: body.client_secret }
  }
  if (body.client_secret !== undefined) throw inTwoWays()
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

function inTwoWays(): OAuthError {
  return new OAuthError(
    'invalid_request',
    'the client must authenticate in one way only (RFC 6749 §2.3)',
  )
}

/** RFC 6749 §2.3.1: both parts of Basic are form-encoded first. */
function formDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
