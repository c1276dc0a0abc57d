/**
 * What agents asked for, as operators see it, and asking on an agent's behalf. The answers are in access-answer.ts.
 */
import Type from 'typebox'
import { clip } from '../../audit/entry.ts'
import { accessRequestStates, effectsOf, onlyAdminsGive } from '../../core/access-request.ts'
import {
  askForAccess,
  countDenied,
  listAccessRequests,
  readAccessRequest,
  type AccessRequest,
} from '../../directory/access-request.ts'
import type { Policy } from '../../directory/policy.ts'
import type { AccessRequestId, GrantId } from '../../ids.ts'
import { Problem } from '../../problem.ts'
import { accessUrl, madeOf, State, toWish, WishBody } from '../access-request.ts'
import type { Deps } from '../deps.ts'
import { operatorOf } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { answers, closed, Effect, id, idParams, ProviderName, Timestamp, Verb } from '../schemas.ts'
import { proofKind } from './approval.ts'
import { askedListRoute } from './asked-list.ts'
import { commit } from './change.ts'

const AccessRequestView = closed({
  id: id('accessRequest'),
  state: State,
  url: Type.String({ description: 'The page on which it is answered.' }),
  agent: id('agent'),
  grant: Type.String({ description: 'The grant that it was asked under; its limits hold.' }),
  environment: id('environment'),
  provider: ProviderName,
  verbs: Type.Array(
    closed({
      verb: Verb,
      effects: Type.Array(Effect, { description: 'All that it can do; none where it is gone.' }),
      only_admins: Type.Boolean({ description: 'Whether only an admin may give it.' }),
    }),
  ),
  duration_seconds: Type.Integer(),
  words: Type.Union([Type.String(), Type.Null()], {
    description: 'The words of whoever asked. Nobody has checked them; show them apart.',
  }),
  times: Type.Integer({ description: 'How often the same was asked for while it waited.' }),
  filed_by: Type.Union([id('operator'), Type.Null()], {
    description: 'The operator who asked on the agent’s behalf; null where it asked itself.',
  }),
  requested_at: Timestamp,
  expires_at: Timestamp,
  settled_by: Type.Union([id('operator'), Type.Null()]),
  settled_at: Type.Union([Timestamp, Type.Null()]),
  granted: Type.Union([
    closed({
      grant: id('grant'),
      verbs: Type.Array(Verb),
      expires_at: Timestamp,
      proof: Type.Union([Type.Literal('passkey'), Type.Literal('one_time_code'), Type.Null()], {
        description: 'How whoever granted it proved that it was them; null where it is not kept.',
      }),
    }),
    Type.Null(),
  ]),
})
export const AccessRequestOne = closed({
  ...AccessRequestView.properties,
  denied_before: Type.Integer({
    description: 'How often something was denied to this agent under this grant before.',
  }),
})

function view(deps: Deps, request: AccessRequest) {
  const { granted, asked } = request
  const adapter = deps.providers.get(request.provider)
  const find = (name: string) => adapter?.find(name)
  return {
    id: request.id,
    state: request.state,
    url: accessUrl(deps, request.id),
    agent: request.agentId,
    grant: request.grantId,
    environment: request.environmentId,
    provider: request.provider,
    verbs: asked.verbs.map((verb) => ({
      verb,
      effects: [...(effectsOf(verb, find) ?? [])],
      only_admins: onlyAdminsGive([verb], find).length > 0,
    })),
    duration_seconds: asked.seconds,
    words: request.words,
    times: request.times,
    filed_by: request.filedBy,
    requested_at: request.requestedAt.toISOString(),
    expires_at: request.expiresAt.toISOString(),
    settled_by: request.settledBy,
    settled_at: request.settledAt?.toISOString() ?? null,
    granted:
      granted === null
        ? null
        : {
            grant: granted.grantId,
            verbs: [...granted.verbs],
            expires_at: granted.until.toISOString(),
            proof: request.evidence === undefined ? null : proofKind(request.evidence),
          },
  }
}

/** As `AccessRequestOne`. */
export async function oneView(deps: Deps, request: AccessRequest) {
  return { ...view(deps, request), denied_before: await countDenied(deps.db, request) }
}

export async function findAccessRequest(deps: Deps, requestId: string): Promise<AccessRequest> {
  const found = await readAccessRequest(deps.db, requestId as AccessRequestId, deps.now())
  if (found === undefined) throw new Problem('not_found', 'there is no such request for access')
  return found
}

/** The grant with all that it rests on, as the database has it now. */
export async function freshPolicy(deps: Deps, grantId: GrantId): Promise<Policy> {
  if (!(await deps.feed.refresh()))
    throw new Problem('unavailable', 'the broker cannot hear its database')
  const policy = await deps.policies.policyOf(grantId)
  if (policy === undefined) throw new Problem('not_found', 'there is no grant of this id')
  return policy
}

export function accessRequestRoutes(app: App, deps: Deps): void {
  askedListRoute(app, deps, {
    noun: 'access-requests',
    action: 'access_request.list',
    operationId: 'listAccessRequests',
    summary: 'List what agents asked for',
    states: accessRequestStates,
    schema: AccessRequestView,
    rows: (asked) => listAccessRequests(deps.db, { ...asked, now: deps.now() }),
    view: (row) => view(deps, row),
  })

  app.get(
    '/v1/access-requests/:id',
    {
      config: { action: 'access_request.read', roles: ['admin', 'auditor', 'approver'] },
      schema: {
        operationId: 'readAccessRequest',
        summary: 'Read a request for access',
        params: idParams('accessRequest'),
        response: answers(200, AccessRequestOne),
      },
    },
    async (request) => oneView(deps, await findAccessRequest(deps, request.params.id)),
  )

  app.post(
    '/v1/agents/:id/access-requests',
    {
      config: { action: 'access_request.file', roles: ['admin', 'approver'] },
      schema: {
        operationId: 'fileAccessRequest',
        summary: 'Ask for access on behalf of an agent; somebody else must grant it',
        params: idParams('agent'),
        body: closed({ ...WishBody, grant: id('grant') }),
        response: answers(201, AccessRequestOne),
      },
    },
    async (request, reply) => {
      const { grant, ...input } = request.body
      const policy = await freshPolicy(deps, grant as GrantId)
      if (policy.agent.id !== request.params.id)
        throw new Problem('invalid_request', {
          detail: 'grant: it is not one of this agent',
          errors: [{ pointer: '/grant', detail: 'it is not one of this agent' }],
        })
      const wish = toWish(deps, policy, input, operatorOf(request).id)
      const { environment } = policy
      const made = await commit(
        deps,
        request,
        async (tx) => {
          const asked = madeOf(await askForAccess(tx, wish, deps.now()))
          const change = {
            agent: wish.agentId,
            grant: wish.grantId,
            verbs: [...wish.asked.verbs],
            seconds: wish.asked.seconds,
            times: asked.times,
            words: wish.words === null ? null : clip(wish.words),
          }
          const { id, name } = environment
          return { value: asked, subject: asked.id, environment: { id, name }, change }
        },
        'approval',
      )
      void reply.code(201)
      return oneView(deps, made)
    },
  )
}
