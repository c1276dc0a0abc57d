/**
 * The answers to requests for access. What is granted is a normal grant with an end: never more than was asked, than the
 * limits of the grant it was asked under, or than whoever grants it may give; and never by whoever asked.
 */
import Type from 'typebox'
import type { FastifyRequest } from 'fastify'
import { mostVerbs } from '../../capability/claims.ts'
import {
  longestAccess,
  narrowWish,
  onlyAdminsGive,
  readWish,
  settlingRefusal,
  shortestAccess,
  startingLimits,
  type SettlingFacts,
  type SettlingRefusal,
} from '../../core/access-request.ts'
import { effectiveTerms } from '../../core/approval-terms.ts'
import {
  readAccessRequest,
  settleAccessRequest,
  type AccessRequest,
} from '../../directory/access-request.ts'
import { readEnvironment } from '../../directory/environment.ts'
import { createGrant } from '../../directory/grant.ts'
import { readOperator } from '../../directory/operator.ts'
import type { Policy } from '../../directory/policy.ts'
import { Problem } from '../../problem.ts'
import { frozen } from '../../proxy/standing.ts'
import { adapterOf, frozenDetail, standingOf } from '../access-request.ts'
import type { Deps } from '../deps.ts'
import { operatorOf, requireBrowser, requirePassword } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { answers, closed, Empty, idParams, Password, Verb } from '../schemas.ts'
import { AccessRequestOne, findAccessRequest, freshPolicy, oneView } from './access-request.ts'
import { commit } from './change.ts'

/**
 * That a person stands behind this act, here and now (I6). A bearer lies in a file where an agent may read it; a cookie
 * and the password do not. Every answer that gives something goes through here: this is where a passkey's assertion over
 * the digest of what is granted is to be required.
 */
async function requirePerson(
  deps: Deps,
  request: FastifyRequest,
  password: string | undefined,
): Promise<void> {
  requireBrowser(request)
  await requirePassword(deps, request, password)
}

function refusalProblem(refusal: SettlingRefusal, policy?: Policy, now = 0): Problem {
  switch (refusal) {
    case 'bearer':
      return new Problem(
        'forbidden',
        'a stored bearer answers no request for access: sign in with a cookie',
      )
    case 'not_an_approver':
      return new Problem('forbidden', 'this needs the role approver or admin')
    case 'not_pending':
      return new Problem('conflict', 'this request has been answered')
    case 'expired':
      return new Problem('conflict', 'nobody answered this request in time: it must be asked again')
    case 'filed_it':
      return new Problem('forbidden', 'nobody grants what they asked for themselves')
    case 'not_an_owner':
      return new Problem(
        'forbidden',
        'this environment has owners, and only they grant access to it',
      )
    case 'owner_of_the_agent':
      return new Problem(
        'forbidden',
        'here somebody else than the agent’s owner must approve, and so must grant access',
      )
    case 'inactive': {
      const standing = policy === undefined ? 'gone' : standingOf(policy, now)
      return new Problem(
        'conflict',
        `the grant that it was asked under, or something it rests on, is ${standing}`,
      )
    }
    case 'frozen': {
      const scope = policy === undefined ? undefined : frozen(policy)
      return new Problem('frozen', frozenDetail(scope ?? 'everything'))
    }
  }
}

/** What `settlingRefusal` looks at, read within the transaction that settles. */
async function factsFor(
  deps: Deps,
  tx: Parameters<typeof readOperator>[0],
  request: FastifyRequest,
  found: AccessRequest,
  policy: Policy,
  decision: 'grant' | 'deny',
): Promise<SettlingFacts> {
  const { signedIn } = request
  // Roles and state once more: the password took its time, and whoever was demoted meanwhile is.
  const operator = await readOperator(tx, operatorOf(request).id)
  const environment = await readEnvironment(tx, found.environmentId)
  const current = await readAccessRequest(tx, found.id, deps.now())
  const now = deps.now()
  return {
    now,
    decision,
    request: {
      state: current?.state ?? 'expired',
      expiresAt: found.expiresAt.getTime(),
      filedBy: found.filedBy,
    },
    standing: environment === undefined ? 'revoked' : standingOf(policy, now),
    frozen: frozen(policy),
    owners: environment?.owners ?? [],
    agentOwner: policy.agent.ownerId,
    rule: effectiveTerms(policy.grant.approvalTerms, environment?.approvalTerms).approver,
    operator: {
      id: operatorOf(request).id,
      active: operator?.state === 'active',
      roles: operator?.roles ?? [],
      via: signedIn?.via ?? 'bearer',
    },
  }
}

/** What is given, or a `Problem` about why it cannot be. */
function chosenOf(
  deps: Deps,
  policy: Policy,
  found: AccessRequest,
  chosen: { readonly verbs: readonly string[] | undefined; readonly seconds: number | undefined },
  roles: readonly string[],
) {
  const adapter = adapterOf(deps, policy)
  const lookUp = (name: string) => adapter.find(name)
  const narrowed = narrowWish(found.asked, chosen, lookUp)
  if (!narrowed.ok) {
    throw narrowed.wider === 'seconds'
      ? invalid('/duration_seconds', 'it is longer than what was asked for')
      : invalid('/verbs', `more than was asked for: ${narrowed.wider.slice(0, 5).join(', ')}`)
  }
  // Once more, and against the catalogue as it is now: a day may lie between asking and granting.
  const read = readWish(narrowed.verbs, adapter, policy.unreviewed)
  if (!read.ok) throw invalid('/verbs', read.wrong[0]?.why ?? 'it names nothing')
  const reserved = roles.includes('admin') ? [] : onlyAdminsGive(read.verbs, lookUp)
  if (reserved.length > 0) {
    throw new Problem(
      'forbidden',
      `only an admin gives ${reserved.slice(0, 5).join(', ')}: grant the rest, or ask one`,
    )
  }
  return { verbs: read.verbs, seconds: narrowed.seconds }
}

function invalid(pointer: string, detail: string): Problem {
  return new Problem('invalid_request', {
    detail: `${pointer.slice(1)}: ${detail}`,
    errors: [{ pointer, detail }],
  })
}

export function accessAnswerRoutes(app: App, deps: Deps): void {
  app.post(
    '/v1/access-requests/:id/grant',
    {
      config: { action: 'access_request.grant', roles: ['admin', 'approver'] },
      schema: {
        operationId: 'grantAccess',
        summary: 'Grant what was asked for, or less, for a time',
        params: idParams('accessRequest'),
        body: closed({
          verbs: Type.Optional(
            Type.Array(Verb, {
              minItems: 1,
              maxItems: mostVerbs,
              uniqueItems: true,
              description: 'All that was asked for by default; never more.',
            }),
          ),
          duration_seconds: Type.Optional(
            Type.Integer({ minimum: shortestAccess, maximum: longestAccess }),
          ),
          password: Password,
        }),
        response: answers(200, AccessRequestOne),
      },
    },
    async (request) => {
      const { verbs, duration_seconds: seconds, password } = request.body
      await requirePerson(deps, request, password)
      const found = await findAccessRequest(deps, request.params.id)
      const policy = await freshPolicy(deps, found.grantId)
      const { grant: base, environment } = policy
      await commit(deps, request, async (tx) => {
        const facts = await factsFor(deps, tx, request, found, policy, 'grant')
        const refusal = settlingRefusal(facts)
        if (refusal !== undefined) throw refusalProblem(refusal, policy, facts.now)
        const given = chosenOf(deps, policy, found, { verbs, seconds }, facts.operator.roles)
        const until = new Date(Math.min(facts.now + given.seconds * 1000, policy.expiresAt))
        const limits = startingLimits(base)
        // Whatever else a grant has is the base's own: nothing of it can be forgotten here.
        const granted = await createGrant(
          tx,
          {
            ...base,
            ...limits,
            verbs: given.verbs,
            expiresAt: until,
            createdBy: facts.operator.id,
          },
          facts.now,
        )
        const settled = await settleAccessRequest(tx, found.id, {
          by: facts.operator.id,
          now: facts.now,
          granted: { grantId: granted, verbs: given.verbs, until },
        })
        if (!settled) throw refusalProblem('not_pending')
        return {
          value: undefined,
          subject: found.id,
          environment: { id: environment.id, name: environment.name },
          change: {
            agent: found.agentId,
            under: base.id,
            grant: granted,
            verbs: [...given.verbs],
            approval: limits.approval,
            expiresAt: until.toISOString(),
          },
        }
      })
      return oneView(deps, await findAccessRequest(deps, found.id))
    },
  )

  app.post(
    '/v1/access-requests/:id/deny',
    {
      config: { action: 'access_request.deny', roles: ['admin', 'approver'] },
      schema: {
        operationId: 'denyAccess',
        summary: 'Deny what was asked for; none of it can be asked again for ten minutes',
        params: idParams('accessRequest'),
        body: Empty,
        response: answers(200, AccessRequestOne),
      },
    },
    async (request) => {
      requireBrowser(request)
      const found = await findAccessRequest(deps, request.params.id)
      const policy = await freshPolicy(deps, found.grantId)
      const { id, name } = policy.environment
      await commit(
        deps,
        request,
        async (tx) => {
          const facts = await factsFor(deps, tx, request, found, policy, 'deny')
          const refusal = settlingRefusal(facts)
          if (refusal !== undefined) throw refusalProblem(refusal, policy, facts.now)
          const { now, operator } = facts
          const settled = await settleAccessRequest(tx, found.id, {
            by: operator.id,
            now,
            granted: undefined,
          })
          if (!settled) throw refusalProblem('not_pending')
          const change = { agent: found.agentId, verbs: [...found.asked.verbs] }
          return { value: undefined, subject: found.id, environment: { id, name }, change }
        },
        'approval',
      )
      return oneView(deps, await findAccessRequest(deps, found.id))
    },
  )
}
