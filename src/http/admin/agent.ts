/** Agents and their keys over REST. */
import Type from 'typebox'
import {
  createAgent,
  listAgents,
  readAgent,
  rotateAgentKey,
  type Agent,
} from '../../directory/agent.ts'
import { setState } from '../../directory/state.ts'
import type { AgentId, OperatorId } from '../../ids.ts'
import { Problem } from '../../problem.ts'
import type { Deps } from '../deps.ts'
import { operatorOf } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { answers, closed, id, idParams, Name, State, Timestamp } from '../schemas.ts'
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
        summary: 'Add an agent; its key is in the answer, this once',
        body: closed({ name: Name, owner: Type.Optional(id('operator')) }),
        response: answers(201, closed({ agent: AgentView, key: AgentKey })),
      },
    },
    async (request, reply) => {
      const { name, owner = operatorOf(request).id } = request.body
      const created = await commit(deps, request, async (tx) => {
        const value = await createAgent(tx, { name, ownerId: owner as OperatorId, now: deps.now() })
        return { value, subject: value.id, change: { name, owner } }
      })
      void reply.code(201)
      return { agent: await read(created.id), key: created.key }
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

  stateRoutes(app, deps, {
    kind: 'agent',
    path: '/v1/agents',
    set: (tx, subject, state) => setState(tx, 'agent', subject, state),
  })
}
