/**
 * The agents' door to native credentials: one is handed out under a grant that says so, shown this once, and ended early
 * where the agent is done with it. There is no way to make one live longer: another is another decision. An agent sees
 * what was handed out under its own grant only, and who acts for it what it asked for itself.
 */
import Type from 'typebox'
import type { FastifyRequest } from 'fastify'
import { appendWithin } from '../../audit/log.ts'
import { longestLifetime } from '../../capability/claims.ts'
import type { LeaseId } from '../../ids.ts'
import { endLease } from '../../lease/ending.ts'
import type { Lease } from '../../lease/lease.ts'
import { listLeases, readLease } from '../../lease/store.ts'
import { shortestLease } from '../../lease/terms.ts'
import { Problem } from '../../problem.ts'
import { pageOf } from '../cursor.ts'
import type { Deps } from '../deps.ts'
import { leaseStateText, LeaseState, NarrowingView, narrowingView } from '../lease.ts'
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
} from '../schemas.ts'
import { capabilityDoor, type Asking } from './capability-caller.ts'

const OwnView = closed({
  id: id('lease'),
  state: LeaseState,
  provider: ProviderName,
  narrowing: NarrowingView,
  asked_at: Timestamp,
  expires_at: Timestamp,
  works_until: Type.Union([Timestamp, Type.Null()], {
    description: 'When it stops by itself at the provider; null where it never does.',
  }),
  detail: Type.String({ description: 'What its state means.' }),
})

const HandedOutView = closed({
  id: id('lease'),
  token: Type.String({ description: 'The credential. It is shown this once.' }),
  use: closed({
    style: Type.String(),
    header: Type.String({ description: 'The request header that it goes in, in lower case.' }),
    prefix: Type.String({ description: 'What stands before it there.' }),
    signs: Type.Union([Type.Literal('aws4'), Type.Null()], {
      description: 'Where it signs requests and does not travel in them.',
    }),
  }),
  origin: Type.String({ description: 'Where the provider answers.' }),
  provider: ProviderName,
  expires_at: Type.String({
    format: 'date-time',
    description: 'When the broker ends it, or it ends. It is not renewed. RFC 3339, in UTC.',
  }),
  works_until: Type.Union([Timestamp, Type.Null()], {
    description: 'When it stops by itself at the provider; null where it never does.',
  }),
  narrowing: NarrowingView,
  end: Type.String({ description: 'DELETE this to end it early.' }),
})

function ownView(lease: Lease) {
  return {
    id: lease.id,
    state: lease.state,
    provider: lease.provider,
    narrowing: narrowingView(lease.narrowing),
    asked_at: lease.askedAt.toISOString(),
    expires_at: lease.endsAt.toISOString(),
    works_until: lease.worksUntil?.toISOString() ?? null,
    detail: leaseStateText(lease),
  }
}

export function ownLeaseRoutes(app: App, deps: Deps): void {
  const { askingOf, entryOf } = capabilityDoor(app, deps, 'lease')
  app.addHook('onSend', (_, reply) => {
    void reply.header('cache-control', 'no-store')
    return Promise.resolve()
  })

  async function own(request: FastifyRequest, leaseId: string): Promise<Lease> {
    const lease = await readLease(deps.db, leaseId as LeaseId)
    if (lease === undefined || !isOwn(lease, askingOf(request)))
      throw new Problem('not_found', 'there is no such lease of this agent under this grant')
    return lease
  }

  app.post(
    '/v1/leases',
    {
      bodyLimit: 4_096,
      config: { action: 'lease.hand_out' },
      schema: {
        operationId: 'handOutCredential',
        summary: 'Have a native short-lived credential, under a grant that hands them out',
        body: closed({
          provider: Type.Optional(
            Type.String({
              maxLength: 40,
              description: 'The capability’s own; there is no other.',
            }),
          ),
          seconds: Type.Optional(
            Type.Integer({
              minimum: shortestLease,
              maximum: longestLifetime,
              description: 'How long it shall live; as long as the grant allows by default.',
            }),
          ),
        }),
        response: answers(201, HandedOutView),
      },
    },
    async (request, reply) => {
      const asking = askingOf(request)
      const { policy, claims } = asking
      const { provider, seconds } = request.body
      if (provider !== undefined && provider !== policy.grant.provider)
        throw new Problem('invalid_request', `this capability is for ${policy.grant.provider}`)
      const adapter = deps.providers.get(policy.grant.provider)
      if (adapter === undefined)
        throw new Problem('not_found', `this broker has no provider "${policy.grant.provider}"`)
      const handed = await deps.handOut({
        policy,
        claims,
        seconds,
        correlationId: request.id,
        entry: (entry) => entryOf(request, asking, entry),
      })
      if (!handed.ok) throw new Problem(handed.code, handed.detail)
      const { lease, token, credential } = handed
      const injection = adapter.injections.find(({ name }) => name === credential.style)
      void reply.code(201).header('location', `/v1/leases/own/${lease.id}`)
      return {
        id: lease.id,
        token,
        use: {
          style: credential.style,
          header: injection?.header ?? 'authorization',
          prefix: injection?.prefix ?? '',
          signs: injection?.signs ?? null,
        },
        origin: credential.origin,
        provider: lease.provider,
        expires_at: lease.endsAt.toISOString(),
        works_until: lease.worksUntil?.toISOString() ?? null,
        narrowing: narrowingView(lease.narrowing),
        end: `/v1/leases/own/${lease.id}`,
      }
    },
  )

  app.get(
    '/v1/leases/own',
    {
      config: { action: 'lease.list_own' },
      schema: {
        operationId: 'listOwnLeases',
        summary: 'Native credentials that were handed out under the grant of this capability',
        querystring: closed(PageQuery),
        response: answers(200, page(OwnView)),
      },
    },
    (request) => {
      const asking = askingOf(request)
      const { grant, agent } = asking.policy
      const own = { agentId: agent.id, grantId: grant.id, actors: actorIds(asking) }
      return pageOf(
        deps.cursors,
        `leases of ${grant.id}`,
        request.query,
        (asked) => listLeases(deps.db, { ...asked, ...own }),
        ownView,
      )
    },
  )

  app.get(
    '/v1/leases/own/:id',
    {
      config: { action: 'lease.read_own' },
      schema: {
        operationId: 'readOwnLease',
        summary: 'What became of a native credential',
        params: idParams('lease'),
        response: answers(200, OwnView),
      },
    },
    async (request) => ownView(await own(request, request.params.id)),
  )

  app.delete(
    '/v1/leases/own/:id',
    {
      config: { action: 'lease.end' },
      schema: {
        operationId: 'endOwnLease',
        summary: 'End a native credential early',
        params: idParams('lease'),
        response: answers(200, OwnView),
      },
    },
    async (request) => {
      const asking = askingOf(request)
      const lease = await own(request, request.params.id)
      const by = asking.policy.actors?.[0]?.id ?? asking.policy.agent.id
      await deps.db.transaction().execute(async (tx) => {
        const now = await deps.sharedNow(tx)
        const reason = 'whoever asked for it is done with it'
        await endLease(tx, lease.id, { by, reason, now }, async (tx, ended) => {
          await appendWithin(tx, entryOf(request, asking, { result: 'done', subject: ended.id }))
        })
      })
      deps.leases.wake()
      return ownView((await readLease(deps.db, lease.id)) ?? lease)
    },
  )
}

const actorIds = ({ policy }: Asking) => (policy.actors ?? []).map(({ id }) => id)

/** The agent's own grant; and of one that acts for it, what came of what it was given. */
function isOwn(lease: Lease, asking: Asking): boolean {
  const { grant, agent } = asking.policy
  const actors = actorIds(asking)
  const tail = actors.length === 0 ? [] : lease.actors.slice(-actors.length)
  return (
    lease.purpose === 'handed_out' &&
    lease.grantId === grant.id &&
    lease.agentId === agent.id &&
    tail.length === actors.length &&
    tail.every((id, i) => id === actors[i])
  )
}
