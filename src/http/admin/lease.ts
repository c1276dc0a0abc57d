/**
 * Native credentials, for operators: what may still work somewhere outside the broker, and what could not be revoked, until
 * it could. Stopping one asks for nothing but the role.
 */
import Type from 'typebox'
import type { AgentId, EnvironmentId, GrantId, LeaseId } from '../../ids.ts'
import { closeByHand, endLease, tryAgainNow } from '../../lease/ending.ts'
import { openStates, type Lease } from '../../lease/lease.ts'
import { listLeases, readLease } from '../../lease/store.ts'
import { Problem } from '../../problem.ts'
import { pageOf } from '../cursor.ts'
import type { Deps } from '../deps.ts'
import { LeaseState, leaseStateText, NarrowingView, narrowingView } from '../lease.ts'
import { operatorOf, requirePassword } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import {
  answers,
  closed,
  Empty,
  id,
  idParams,
  page,
  PageQuery,
  Password,
  ProviderName,
  Timestamp,
} from '../schemas.ts'
import { commit } from './change.ts'

const Moment = Type.Union([Timestamp, Type.Null()])
const Text = Type.Union([Type.String(), Type.Null()])

export const LeaseView = closed({
  id: id('lease'),
  state: LeaseState,
  purpose: Type.Union([Type.Literal('handed_out'), Type.Literal('egress')], {
    description: 'egress: the broker minted it for its own requests, and gave it to nobody.',
  }),
  detail: Type.String({ description: 'What its state means.' }),
  agent: Type.Union([id('agent'), Type.Null()]),
  actors: Type.Array(id('agent'), { description: 'Who acted for the agent, who asked first.' }),
  grant: Type.Union([id('grant'), Type.Null()]),
  capability: Text,
  environment: id('environment'),
  provider: ProviderName,
  credential: id('credential'),
  kind: Type.String(),
  narrowing: NarrowingView,
  handle: Text,
  asked_at: Timestamp,
  expires_at: Timestamp,
  works_until: Type.Union([Timestamp, Type.Null()], {
    description:
      'When it stops by itself at the provider; null where it never does, or is not yet known.',
  }),
  ended_by: Text,
  end_reason: Text,
  ended_at: Moment,
  attempts: Type.Integer({ description: 'How often the provider was told to end it.' }),
  failing_since: Moment,
  last_error: Text,
  next_try_at: Moment,
  settled_at: Moment,
})

export function leaseView(lease: Lease) {
  const { state } = lease
  const tried = state === 'could_not_revoke'
  return {
    id: lease.id,
    state,
    purpose: lease.purpose,
    detail: leaseStateText(lease),
    agent: lease.agentId,
    actors: [...lease.actors],
    grant: lease.grantId,
    capability: lease.capabilityId,
    environment: lease.environmentId,
    provider: lease.provider,
    credential: lease.credential.id,
    kind: lease.kind,
    narrowing: narrowingView(lease.narrowing),
    handle: lease.handle,
    asked_at: lease.askedAt.toISOString(),
    expires_at: lease.endsAt.toISOString(),
    works_until: lease.worksUntil?.toISOString() ?? null,
    ended_by: lease.endedBy,
    end_reason: lease.endReason,
    ended_at: lease.endedAt?.toISOString() ?? null,
    attempts: lease.attempts,
    failing_since: lease.failedSince?.toISOString() ?? null,
    last_error: lease.lastError,
    next_try_at: tried ? (lease.nextTryAt?.toISOString() ?? null) : null,
    settled_at: lease.settledAt?.toISOString() ?? null,
  }
}

export function leaseRoutes(app: App, deps: Deps): void {
  async function find(leaseId: string): Promise<Lease> {
    const lease = await readLease(deps.db, leaseId as LeaseId)
    if (lease === undefined) throw new Problem('not_found', 'there is no lease of this id')
    return lease
  }

  app.get(
    '/v1/leases',
    {
      config: { action: 'lease.list', roles: ['admin', 'auditor', 'approver'] },
      schema: {
        operationId: 'listLeases',
        summary: 'Native credentials that may still work, what could not be revoked included',
        querystring: closed({
          ...PageQuery,
          state: Type.Optional(
            Type.Union([LeaseState, Type.Literal('open'), Type.Literal('any')], {
              description: 'open, which is the default: whatever may still work.',
            }),
          ),
          agent: Type.Optional(id('agent')),
          grant: Type.Optional(id('grant')),
          environment: Type.Optional(id('environment')),
        }),
        response: answers(200, page(LeaseView)),
      },
    },
    (request) => {
      const { state = 'open', agent, grant, environment } = request.query
      const list = `leases ${state} ${agent ?? ''} ${grant ?? ''} ${environment ?? ''}`
      const filters = {
        states: state === 'any' ? undefined : state === 'open' ? openStates : [state],
        agentId: agent as AgentId | undefined,
        grantId: grant as GrantId | undefined,
        environmentId: environment as EnvironmentId | undefined,
      }
      return pageOf(
        deps.cursors,
        list,
        request.query,
        (asked) => listLeases(deps.db, { ...asked, ...filters }),
        leaseView,
      )
    },
  )

  app.get(
    '/v1/leases/:id',
    {
      config: { action: 'lease.read', roles: ['admin', 'auditor', 'approver'] },
      schema: {
        operationId: 'readLease',
        summary: 'Read a lease',
        params: idParams('lease'),
        response: answers(200, LeaseView),
      },
    },
    async (request) => leaseView(await find(request.params.id)),
  )

  app.post(
    '/v1/leases/:id/revoke',
    {
      config: { action: 'lease.revoke', roles: ['admin', 'approver'] },
      schema: {
        operationId: 'revokeLease',
        summary: 'End a native credential at the provider, or try again at once',
        params: idParams('lease'),
        body: Empty,
        response: answers(200, LeaseView),
      },
    },
    async (request) => {
      const lease = await find(request.params.id)
      const by = operatorOf(request).id
      await commit(
        deps,
        request,
        async (tx) => {
          const now = await deps.sharedNow(tx)
          const reason = 'an operator revoked it'
          const unsaid = () => Promise.resolve()
          const ended = await endLease(tx, lease.id, { by, reason, now }, unsaid)
          if (ended === undefined && !(await tryAgainNow(tx, lease.id, now)))
            throw new Problem('conflict', `there is nothing to revoke: ${leaseStateText(lease)}`)
          return { value: undefined, subject: lease.id }
        },
        'revocation',
      )
      deps.leases.wake()
      return leaseView(await find(lease.id))
    },
  )

  app.post(
    '/v1/leases/:id/close',
    {
      config: { action: 'lease.close', roles: ['admin'] },
      schema: {
        operationId: 'closeLease',
        summary: 'Say that what could not be revoked was ended at the provider by hand',
        params: idParams('lease'),
        body: closed({ password: Password }),
        response: answers(200, LeaseView),
      },
    },
    async (request) => {
      await requirePassword(deps, request, request.body.password)
      const lease = await find(request.params.id)
      const by = operatorOf(request).id
      await commit(deps, request, async (tx) => {
        if (!(await closeByHand(tx, lease.id, { by, now: await deps.sharedNow(tx) })))
          throw new Problem('conflict', 'it is not one that could not be revoked')
        return { value: undefined, subject: lease.id }
      })
      return leaseView(await find(lease.id))
    },
  )
}
