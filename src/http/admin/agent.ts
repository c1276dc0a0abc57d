/** Agents and their keys over REST. */
import Type from 'typebox'
import {
  createAgent,
  endAgentKeys,
  listAgents,
  readAgent,
  rotateAgentKey,
  type Agent,
} from '../../directory/agent.ts'
import { addAgentPublicKey } from '../../directory/agent-public-key.ts'
import { setState } from '../../directory/state.ts'
import type { AgentId, OperatorId } from '../../ids.ts'
import { Problem } from '../../problem.ts'
import type { Deps } from '../deps.ts'
import { operatorOf } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { answers, closed, Empty, id, idParams, Name, State, Timestamp } from '../schemas.ts'
import { addedKey, agentPublicKeyRoutes, Jwk, publicKeyOf, recorded } from './agent-public-key.ts'
import { commit } from './change.ts'
import { listRoute } from './list-route.ts'
import { stateRoutes } from './state-routes.ts'

const AgentView = closed({
  id: id('agent'),
  name: Name,
  owner: id('operator'),
  state: State,
  created_at: Timestamp,
})
const AgentKey = Type.String({
  description:
    'Shown this once. The client_secret at /oauth/token; the client_id is the agent’s id.',
})

function view(agent: Agent) {
  const { ownerId, createdAt, ...rest } = agent
  return { ...rest, owner: ownerId, created_at: createdAt.toISOString() }
}

export function agentRoutes(app: App, deps: Deps): void {
  async function read(agentId: string) {
    const agent = await readAgent(deps.db, agentId as AgentId)
    if (agent === undefined) throw new Problem('not_found', 'there is no agent of this id')
    return view(agent)
  }

  app.post(
    '/v1/agents',
    {
      config: { action: 'agent.create', roles: ['admin'] },
      schema: {
        operationId: 'createAgent',
        summary: 'Add an agent; its key is in the answer, this once, unless it signs with its own',
        body: closed({
          name: Name,
          owner: Type.Optional(id('operator')),
          public_key: Type.Optional(Jwk),
        }),
        response: answers(
          201,
          closed({
            agent: AgentView,
            key: Type.Optional(AgentKey),
            public_key: Type.Optional(id('agentPublicKey')),
          }),
        ),
      },
    },
    async (request, reply) => {
      const by = operatorOf(request).id
      const { name, owner = by, public_key: jwk } = request.body
      const publicKey = jwk === undefined ? undefined : publicKeyOf(jwk, 'public_key')
      const created = await commit(deps, request, async (tx) => {
        const now = deps.now()
        const { id: agentId, key } = await createAgent(tx, {
          name,
          ownerId: owner as OperatorId,
          now,
          sharedKey: publicKey === undefined,
        })
        const keyId =
          publicKey === undefined
            ? undefined
            : addedKey(await addAgentPublicKey(tx, { agentId, key: publicKey, by, now }))
        const change =
          publicKey === undefined
            ? { name, owner }
            : { name, owner, public_key: keyId, ...recorded(publicKey) }
        return { value: { agentId, key, keyId }, subject: agentId, change }
      })
      void reply.code(201)
      const { agentId, key, keyId } = created
      return {
        agent: await read(agentId),
        ...(key === undefined ? {} : { key }),
        ...(keyId === undefined ? {} : { public_key: keyId }),
      }
    },
  )

  listRoute(app, deps, {
    noun: 'agents',
    action: 'agent.list',
    roles: ['admin', 'auditor', 'approver'],
    operationId: 'listAgents',
    summary: 'List agents',
    schema: AgentView,
    rows: (asked) => listAgents(deps.db, asked),
    view,
  })

  app.get(
    '/v1/agents/:id',
    {
      config: { action: 'agent.read', roles: ['admin', 'auditor', 'approver'] },
      schema: {
        operationId: 'readAgent',
        summary: 'Read an agent',
        params: idParams('agent'),
        response: answers(200, AgentView),
      },
    },
    (request) => read(request.params.id),
  )

  app.post(
    '/v1/agents/:id/keys',
    {
      config: { action: 'agent.rotate_key', roles: ['admin'] },
      schema: {
        operationId: 'rotateAgentKey',
        summary: 'Make a new key; the old ones work on for the overlap',
        params: idParams('agent'),
        body: closed({
          overlap_seconds: Type.Optional(
            Type.Integer({
              minimum: 0,
              maximum: 604_800,
              description: 'An hour by default; 0 ends the old keys now.',
            }),
          ),
        }),
        response: answers(201, closed({ key: AgentKey })),
      },
    },
    async (request, reply) => {
      const agentId = request.params.id as AgentId
      const overlap = request.body.overlap_seconds ?? 3_600
      const agent = await read(agentId)
      if (agent.state === 'revoked') throw new Problem('conflict', 'this agent was revoked')
      const key = await commit(deps, request, async (tx) => ({
        value: await rotateAgentKey(tx, agentId, overlap * 1000, deps.now()),
        subject: agentId,
        change: { overlap_seconds: overlap },
      }))
      void reply.code(201)
      return { key }
    },
  )

  app.post(
    '/v1/agents/:id/keys/end',
    {
      config: { action: 'agent.end_keys', roles: ['admin'] },
      schema: {
        operationId: 'endAgentKeys',
        summary: 'End the keys that are shared with an agent; its public keys stay',
        params: idParams('agent'),
        body: Empty,
        response: answers(200, Empty),
      },
    },
    async (request) => {
      const agentId = request.params.id as AgentId
      await read(agentId)
      await commit(deps, request, async (tx) => ({
        value: undefined,
        subject: agentId,
        change: { ended: await endAgentKeys(tx, agentId) },
      }))
      return {}
    },
  )

  agentPublicKeyRoutes(app, deps)

  stateRoutes(app, deps, {
    kind: 'agent',
    path: '/v1/agents',
    set: (tx, subject, state) => setState(tx, 'agent', subject, state),
  })
}
