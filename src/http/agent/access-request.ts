/**
 * The agents' door to asking for more than they have. A capability opens it: it says which agent asks, and under which
 * grant, so that neither can be claimed. What comes of it is a request that waits for a person; nothing here grants
 * anything, and an agent sees what was asked under its own grant only.
 */
import Type from 'typebox'
import type { FastifyRequest } from 'fastify'
import { clip } from '../../audit/entry.ts'
import { appendWithin } from '../../audit/log.ts'
import { deniedFor } from '../../core/access-request.ts'
import {
  askForAccess,
  listAccessRequests,
  readAccessRequest,
  type AccessRequest,
} from '../../directory/access-request.ts'
import type { Policy } from '../../directory/policy.ts'
import type { AccessRequestId, GrantId } from '../../ids.ts'
import { Problem } from '../../problem.ts'
import { madeOf, State, toWish, WishBody } from '../access-request.ts'
import { pageOf } from '../cursor.ts'
import type { Deps } from '../deps.ts'
import type { App } from '../realm.ts'
import {
  answers,
  closed,
  id,
  idParams,
  page,
  PageQuery,
  ProviderName,
  Timestamp,
  Verb,
} from '../schemas.ts'
import { capabilityDoor, type Asking } from './capability-caller.ts'

const OwnView = closed({
  id: id('accessRequest'),
  state: State,
  provider: ProviderName,
  environment: Type.String({ description: 'Its name.' }),
  verbs: Type.Array(Verb, { description: 'What was asked for.' }),
  duration_seconds: Type.Integer(),
  requested_at: Timestamp,
  expires_at: Type.String({
    format: 'date-time',
    description: 'When no answer becomes a no. RFC 3339, in UTC.',
  }),
  poll: Type.String({ description: 'Where to ask what became of it.' }),
  granted: Type.Union(
    [
      closed({
        grant: Type.String({
          description:
            'Name it in authorization_details at /oauth/token: the capability has these verbs.',
        }),
        verbs: Type.Array(Verb),
        expires_at: Timestamp,
      }),
      Type.Null(),
    ],
    { description: 'What a person gave, once they did.' },
  ),
  ask_again_at: Type.Union([Timestamp, Type.Null()], {
    description: 'Once it was denied: when any of its verbs can be asked for again.',
  }),
})

function ownView(request: AccessRequest, policy: Policy) {
  const { granted } = request
  return {
    id: request.id,
    state: request.state,
    provider: request.provider,
    environment: policy.environment.name,
    verbs: [...request.asked.verbs],
    duration_seconds: request.asked.seconds,
    requested_at: request.requestedAt.toISOString(),
    expires_at: request.expiresAt.toISOString(),
    poll: `/v1/access-requests/own/${request.id}`,
    granted:
      granted === null
        ? null
        : {
            grant: granted.grantId,
            verbs: [...granted.verbs],
            expires_at: granted.until.toISOString(),
          },
    ask_again_at:
      request.state === 'denied' && request.settledAt !== null
        ? new Date(request.settledAt.getTime() + deniedFor).toISOString()
        : null,
  }
}

export function ownAccessRequestRoutes(app: App, deps: Deps): void {
  const { askingOf: anyAskingOf, entryOf } = capabilityDoor(app, deps, 'access_request')

  /** The agent itself: who acts for it has what it was given, and does not have the agent's own rights grow. */
  function askingOf(request: FastifyRequest): Asking {
    const asking = anyAskingOf(request)
    if (asking.policy.actors === undefined) return asking
    throw new Problem(
      'forbidden',
      'access is asked for by the agent itself, not by one that acts for it',
    )
  }

  /** One made for a time sees what was asked under the grant that it came of. */
  const rootOf = ({ grant, askedUnder }: Policy): GrantId => askedUnder ?? grant.id

  app.post(
    '/v1/access-requests',
    {
      bodyLimit: 65_536,
      config: { action: 'access_request.ask' },
      schema: {
        operationId: 'askForAccess',
        summary: 'Ask a person for verbs that the grant of this capability lacks, for a time',
        body: closed({
          ...WishBody,
          environment: Type.Optional(
            Type.String({
              maxLength: 100,
              description: 'The capability’s own, by name or id; there is no other.',
            }),
          ),
        }),
        response: answers(201, OwnView),
      },
    },
    async (request, reply) => {
      const asking = askingOf(request)
      const { policy } = asking
      const { environment, ...input } = request.body
      const own = policy.environment
      if (environment !== undefined && environment !== own.id && environment !== own.name) {
        throw new Problem('environment_outside', {
          detail: `this capability is for ${own.name}, and asks for access there only`,
          members: { environment: own.name },
        })
      }
      const wish = toWish(deps, policy, input, null)
      const asked = await deps.db.transaction().execute(async (tx) => {
        const result = await askForAccess(tx, wish, deps.now())
        if (result.kind !== 'asked' && result.kind !== 'again') return result
        const { verbs, seconds } = wish.asked
        await appendWithin(
          tx,
          entryOf(request, asking, {
            result: 'done',
            subject: result.request.id,
            change: {
              verbs: [...verbs],
              seconds,
              times: result.request.times,
              words: wish.words === null ? null : clip(wish.words),
            },
          }),
        )
        return result
      })
      const made = madeOf(asked)
      void reply.code(201).header('location', `/v1/access-requests/own/${made.id}`)
      return ownView(made, policy)
    },
  )

  app.get(
    '/v1/access-requests/own',
    {
      config: { action: 'access_request.list_own' },
      schema: {
        operationId: 'listOwnAccessRequests',
        summary: 'What was asked for under the grant of this capability',
        querystring: closed(PageQuery),
        response: answers(200, page(OwnView)),
      },
    },
    (request) => {
      const { policy } = askingOf(request)
      const grantId = rootOf(policy)
      const own = { now: deps.now(), agentId: policy.agent.id, grantId }
      return pageOf(
        deps.cursors,
        `access requests of ${grantId}`,
        request.query,
        (asked) => listAccessRequests(deps.db, { ...asked, ...own }),
        (row) => ownView(row, policy),
      )
    },
  )

  app.get(
    '/v1/access-requests/own/:id',
    {
      config: { action: 'access_request.read_own' },
      schema: {
        operationId: 'readOwnAccessRequest',
        summary: 'What became of a request for access',
        params: idParams('accessRequest'),
        response: answers(200, OwnView),
      },
    },
    async (request) => {
      const { policy } = askingOf(request)
      const found = await readAccessRequest(
        deps.db,
        request.params.id as AccessRequestId,
        deps.now(),
      )
      // Another's is answered like none: ids tell nothing.
      if (found?.agentId !== policy.agent.id || found.grantId !== rootOf(policy))
        throw new Problem('not_found', 'there is no such request of this agent under this grant')
      return ownView(found, policy)
    },
  )
}
