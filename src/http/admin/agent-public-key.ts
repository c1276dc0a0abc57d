/** The public keys that agents sign with, over REST: an agent with one of these needs no secret that we know too. */
import Type, { type Static } from 'typebox'
import { readPublicKey, type PublicKey } from '../../core/public-jwk.ts'
import { readAgent } from '../../directory/agent.ts'
import {
  addAgentPublicKey,
  listAgentPublicKeys,
  mostPublicKeys,
  removeAgentPublicKey,
  type AddedPublicKey,
  type AgentPublicKey,
} from '../../directory/agent-public-key.ts'
import type { AgentId, AgentPublicKeyId } from '../../ids.ts'
import { Problem } from '../../problem.ts'
import type { Deps } from '../deps.ts'
import { operatorOf } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { answers, closed, Empty, id, idParams, Timestamp } from '../schemas.ts'
import { commit } from './change.ts'

/** Open here, and closed by `readPublicKey`, which can say what a private key is. */
export const Jwk = Type.Unsafe<Readonly<Record<string, unknown>>>({
  type: 'object',
  maxProperties: 20,
  description:
    'A public key as a JWK (RFC 7517): Ed25519, P-256 (ES256), or RSA of 2048 bits or more (PS256, or RS256 where its alg says so). With kty, crv, x, y, n, e, kid, alg, use, key_ops and ext only.',
})

export const PublicKeyView = closed({
  id: id('agentPublicKey'),
  kid: Type.String({ description: 'Its thumbprint where the JWK had none.' }),
  algorithm: Type.Union([
    Type.Literal('EdDSA'),
    Type.Literal('ES256'),
    Type.Literal('PS256'),
    Type.Literal('RS256'),
  ]),
  thumbprint: Type.String({ description: 'RFC 7638, SHA-256, in base64url.' }),
  jwk: Type.Record(Type.String(), Type.String()),
  created_by: id('operator'),
  created_at: Timestamp,
})

export function publicKeyView(key: AgentPublicKey): Static<typeof PublicKeyView> {
  const { createdBy, createdAt, ...rest } = key
  return { ...rest, created_by: createdBy, created_at: createdAt.toISOString() }
}

/** The key, or a `Problem` that says at which member of the body what is wrong. */
export function publicKeyOf(jwk: unknown, member: string): PublicKey {
  const read = readPublicKey(jwk)
  if (read.ok) return read.key
  throw new Problem('invalid_request', {
    detail: `body /${member} ${read.detail}`,
    errors: [{ pointer: `/${member}`, detail: read.detail }],
  })
}

/** The id of the key that was added, or the `Problem` that says why none was. */
export function addedKey(result: AddedPublicKey): AgentPublicKeyId {
  if (result.ok) return result.id
  switch (result.reason) {
    case 'no_agent':
      throw new Problem('not_found', 'there is no agent of this id')
    case 'revoked':
      throw new Problem('conflict', 'this agent was revoked')
    case 'too_many':
      throw new Problem(
        'conflict',
        `an agent has ${String(mostPublicKeys)} keys at most: remove one first`,
      )
    case 'same_kid':
      throw new Problem('conflict', 'another key of this agent has this kid')
    case 'known':
      throw new Problem(
        'conflict',
        `this key is registered already, for ${result.agentId}: each agent has keys of its own`,
      )
  }
}

/** What the log says of a key: all of it is public. */
export const recorded = ({ kid, algorithm, thumbprint }: PublicKey) => ({
  kid,
  algorithm,
  thumbprint,
})

export function agentPublicKeyRoutes(app: App, deps: Deps): void {
  app.get(
    '/v1/agents/:id/public-keys',
    {
      config: { action: 'agent.list_public_keys', roles: ['admin', 'auditor', 'approver'] },
      schema: {
        operationId: 'listAgentPublicKeys',
        summary: 'List the public keys of an agent',
        params: idParams('agent'),
        response: answers(200, closed({ items: Type.Array(PublicKeyView) })),
      },
    },
    async (request) => {
      const agentId = request.params.id as AgentId
      if ((await readAgent(deps.db, agentId)) === undefined)
        throw new Problem('not_found', 'there is no agent of this id')
      return { items: (await listAgentPublicKeys(deps.db, agentId)).map(publicKeyView) }
    },
  )

  app.post(
    '/v1/agents/:id/public-keys',
    {
      config: { action: 'agent.add_public_key', roles: ['admin'] },
      schema: {
        operationId: 'addAgentPublicKey',
        summary: 'Register a public key: whoever holds its private half is this agent',
        params: idParams('agent'),
        body: closed({ jwk: Jwk }),
        response: answers(201, PublicKeyView),
      },
    },
    async (request, reply) => {
      const agentId = request.params.id as AgentId
      const key = publicKeyOf(request.body.jwk, 'jwk')
      const by = operatorOf(request).id
      const added = await commit(deps, request, async (tx) => {
        const value = addedKey(await addAgentPublicKey(tx, { agentId, key, by, now: deps.now() }))
        return { value, subject: agentId, change: { public_key: value, ...recorded(key) } }
      })
      const keys = await listAgentPublicKeys(deps.db, agentId)
      const found = keys.find((each) => each.id === added)
      if (found === undefined) throw new Problem('conflict', 'this key was removed meanwhile')
      void reply.code(201)
      return publicKeyView(found)
    },
  )

  app.post(
    '/v1/agents/:id/public-keys/:key/remove',
    {
      config: { action: 'agent.remove_public_key', roles: ['admin'] },
      schema: {
        operationId: 'removeAgentPublicKey',
        summary: 'Remove a public key: nothing that it signed is accepted any more',
        params: closed({ id: id('agent'), key: id('agentPublicKey') }),
        body: Empty,
        response: answers(200, Empty),
      },
    },
    async (request) => {
      const agentId = request.params.id as AgentId
      await commit(deps, request, async (tx) => {
        const key = await removeAgentPublicKey(tx, agentId, request.params.key as AgentPublicKeyId)
        if (key === undefined) throw new Problem('not_found', 'this agent has no key of this id')
        return {
          value: undefined,
          subject: agentId,
          change: { public_key: key.id, ...recorded(key) },
        }
      })
      return {}
    },
  )
}
